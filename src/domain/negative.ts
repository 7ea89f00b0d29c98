/** Where a negative (a passage that does not answer the query) came from, and what is known about it. */
import type { DocumentId, QueryId } from "./ids.ts";

/** One colour and shape each in the page; one control each in an experiment. */
export type NegativeSource =
  "synthetic" | "human" | "given" | "bm25" | "dense" | "ance" | "adore" | "simans" | "random";

/** A document of the collection that a sampler found. `rank` is 1-based; `score` is the sampler's own. */
export interface FoundNegative {
  readonly source: Exclude<NegativeSource, "synthetic" | "human" | "given">;
  readonly documentId: DocumentId;
  readonly score: number;
  readonly rank: number;
}

/** The reflection that went with a synthetic negative (SyNeg's self-reflection step). */
export interface Reasoning {
  /** What makes the positive the answer. */
  readonly positive: string;
  /** What the near miss shares with it. */
  readonly shares: string;
  /** Why it still does not answer the query. */
  readonly lacks: string;
}

/** A passage written for one query: by a language model, by a person, or given with the data. */
export interface WrittenNegative {
  readonly queryId: QueryId;
  readonly source: "synthetic" | "human" | "given";
  readonly title: string;
  readonly text: string;
  readonly reasoning?: Reasoning;
  /** SyNeg's attributes: domain, education level, length. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Who wrote it, and by which prompt recipe. */
  readonly model?: string;
  readonly recipe?: string;
}
