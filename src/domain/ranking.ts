/** Rankings, and the figures that say how good they are. */
import { recordOf } from "../base/record.ts";
import type { DocumentId, QueryId } from "./ids.ts";

export interface Hit {
  readonly documentId: DocumentId;
  readonly score: number;
}

/** Best first: by score descending, ties by document id descending, as trec_eval orders them. */
export interface Ranking {
  readonly queryId: QueryId;
  readonly hits: readonly Hit[];
}

/** "ndcg@10", "mrr@10", "recall@100", … */
export type MetricName = `${"ndcg" | "mrr" | "recall"}@${number}`;

/** The three every table shows. */
export const headlineMetrics = ["ndcg@10", "mrr@10", "recall@100"] as const satisfies readonly MetricName[];

/** A mean over queries with its 95 % bootstrap interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Scores {
  readonly queryIds: readonly QueryId[];
  /** Per metric, one value for each query, in the order of `queryIds`. */
  readonly perQuery: Readonly<Record<MetricName, readonly number[]>>;
  readonly mean: Readonly<Record<MetricName, Interval>>;
}

const isMetric = (name: string): name is MetricName => /^(?:ndcg|mrr|recall)@[1-9]\d*$/u.test(name);

/** What the scores are by, in the order in which it was asked for. */
export const metricsOf = ({ mean }: Pick<Scores, "mean">): MetricName[] => Object.keys(mean).filter(isMetric);

/** A paired randomisation test between two systems on the same queries. */
export interface Comparison {
  /** Mean of b − a, with its 95 % paired bootstrap interval. */
  readonly difference: Interval;
  /** Two-sided. */
  readonly pValue: number;
  readonly verdict: "better" | "worse" | "no reliable difference";
}

/** An encoder before training, and what training made of it. */
export type EncoderState = "before" | "after";

/**
 * What orders an encoder's hits: its scores alone, or fused with BM25's by reciprocal ranks or by z-scores
 * (src/retrieval/fusion.ts).
 */
export const rankedBy = ["alone", "rrf", "zscore"] as const;
export type RankedBy = (typeof rankedBy)[number];

/** Rankings by one encoder of the same queries, each way. */
export type EncoderRankings = Readonly<Record<RankedBy, readonly Ranking[]>>;

interface System {
  readonly name: string;
  /** As tables call it. */
  readonly words: string;
  readonly ranks:
    { readonly kind: "bm25" } | { readonly kind: "encoder"; readonly encoder: EncoderState; readonly by: RankedBy };
}

/** What every run measures, in the order of tables. One more is a line here: the run measures it and every table shows it. */
export const systems = [
  { name: "bm25", words: "BM25", ranks: { kind: "bm25" } },
  { name: "before", words: "Encoder before", ranks: { kind: "encoder", encoder: "before", by: "alone" } },
  { name: "after", words: "Encoder after", ranks: { kind: "encoder", encoder: "after", by: "alone" } },
  { name: "rrfBefore", words: "BM25 + before, RRF", ranks: { kind: "encoder", encoder: "before", by: "rrf" } },
  { name: "rrfAfter", words: "BM25 + after, RRF", ranks: { kind: "encoder", encoder: "after", by: "rrf" } },
  {
    name: "zscoreBefore",
    words: "BM25 + before, z-scores",
    ranks: { kind: "encoder", encoder: "before", by: "zscore" },
  },
  { name: "zscoreAfter", words: "BM25 + after, z-scores", ranks: { kind: "encoder", encoder: "after", by: "zscore" } },
] as const satisfies readonly System[];

export type SystemName = (typeof systems)[number]["name"];
export const systemNames: readonly SystemName[] = systems.map(({ name }) => name);

export const systemWords = recordOf(systemNames, (name) => systems.find((system) => system.name === name)?.words ?? "");

export const isSystem = (name: string): name is SystemName => Object.hasOwn(systemWords, name);

/** The systems that rank by one state of the encoder. */
export function systemsOf(encoder: EncoderState): { readonly name: SystemName; readonly by: RankedBy }[] {
  return systems.flatMap(({ name, ranks }) =>
    ranks.kind === "encoder" && ranks.encoder === encoder ? [{ name, by: ranks.by }] : [],
  );
}

/** By system. Results from before there was fusion have the first three only. */
export type BySystem<Value> = Readonly<Record<"bm25" | "before" | "after", Value>> &
  Readonly<Partial<Record<SystemName, Value>>>;

interface Compared {
  readonly name: string;
  readonly words: string;
  readonly system: SystemName;
  readonly against: SystemName;
}

/** Which systems every run compares, on nDCG@10. The verdict rests on the first alone. */
export const comparisons = [
  { name: "afterBefore", words: "After against before", system: "after", against: "before" },
  { name: "afterBm25", words: "After against BM25", system: "after", against: "bm25" },
  { name: "rrfAfterBefore", words: "With BM25 by RRF: after against before", system: "rrfAfter", against: "rrfBefore" },
  { name: "rrfAfterBm25", words: "BM25 + after by RRF, against BM25", system: "rrfAfter", against: "bm25" },
  {
    name: "zscoreAfterBefore",
    words: "With BM25 by z-scores: after against before",
    system: "zscoreAfter",
    against: "zscoreBefore",
  },
  { name: "zscoreAfterBm25", words: "BM25 + after by z-scores, against BM25", system: "zscoreAfter", against: "bm25" },
] as const satisfies readonly Compared[];

export type ComparisonName = (typeof comparisons)[number]["name"];

/** Results from before there was fusion have the first two only. */
export type Comparisons = Readonly<Record<"afterBefore" | "afterBm25", Comparison>> &
  Readonly<Partial<Record<ComparisonName, Comparison>>>;
