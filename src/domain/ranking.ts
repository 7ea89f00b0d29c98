/** Rankings, and the figures that say how good they are. */
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

/** A paired randomisation test between two systems on the same queries. */
export interface Comparison {
  /** Mean of b − a, with its 95 % paired bootstrap interval. */
  readonly difference: Interval;
  /** Two-sided. */
  readonly pValue: number;
  readonly verdict: "better" | "worse" | "no reliable difference";
}

/** The systems that every run measures. */
export type SystemName = "bm25" | "before" | "after";
