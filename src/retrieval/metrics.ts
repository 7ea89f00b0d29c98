/**
 * nDCG@k, MRR@k and Recall@k as trec_eval computes them (ndcg_cut.k, recip_rank of the first k, recall.k, with -c: a
 * relevant query without hits counts 0). Gains are linear, the discount is log2(rank + 1), the ideal ranking is of all
 * judged documents, relevant is a grade above 0. Unlike trec_eval, a query without any relevant document is left out of
 * the mean instead of counting 0.
 */
import { assert, present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import type { Judgement } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import { metricsOf, type Hit, type Interval, type MetricName, type Ranking, type Scores } from "../domain/ranking.ts";
import { compareHits } from "./order.ts";
import { meanIntervals } from "./significance.ts";

/** Judgements among which no document is relevant. */
export class NothingToEvaluate extends UserError {
  override readonly name = "NothingToEvaluate";
}

/** Grades above 0 by document. */
type Relevant = ReadonlyMap<DocumentId, number>;

interface Metric {
  readonly kind: string;
  readonly cutoff: number;
}

function parseMetric(name: MetricName): Metric {
  const [, kind, cutoff] = /^(ndcg|mrr|recall)@([1-9]\d*)$/.exec(name) ?? [];
  assert(kind !== undefined && cutoff !== undefined, `no metric is called ${name}`);
  return { kind, cutoff: Number(cutoff) };
}

/** Σ gain / log2(rank + 1), gains in the order of rank. */
const discounted = (gains: readonly number[]): number =>
  gains.reduce((total, gain, i) => total + gain / Math.log2(i + 2), 0);

function ndcg(gains: readonly number[], ideal: readonly number[], cutoff: number): number {
  return discounted(gains.slice(0, cutoff)) / discounted(ideal.slice(0, cutoff));
}

function reciprocalRank(gains: readonly number[], cutoff: number): number {
  const first = gains.slice(0, cutoff).findIndex((gain) => gain > 0);
  return first < 0 ? 0 : 1 / (first + 1);
}

function recall(gains: readonly number[], relevant: number, cutoff: number): number {
  return gains.slice(0, cutoff).filter((gain) => gain > 0).length / relevant;
}

/** One query by each metric. The order of `hits` does not matter, their scores do. */
function measure(hits: readonly Hit[], relevant: Relevant, metrics: readonly Metric[]): number[] {
  assert(new Set(hits.map((hit) => hit.documentId)).size === hits.length, "a ranking names a document twice");
  const gains = hits.toSorted(compareHits).map((hit) => relevant.get(hit.documentId) ?? 0);
  const ideal = [...relevant.values()].sort((a, b) => b - a);
  return metrics.map(({ kind, cutoff }) => {
    if (kind === "ndcg") return ndcg(gains, ideal, cutoff);
    return kind === "mrr" ? reciprocalRank(gains, cutoff) : recall(gains, ideal.length, cutoff);
  });
}

/** By query, in the order in which the judgements name them. A document judged twice has its last grade. */
function relevantByQuery(judgements: readonly Judgement[]): ReadonlyMap<QueryId, Relevant> {
  const grades = new Map<QueryId, Map<DocumentId, number>>();
  for (const { queryId, documentId, grade } of judgements) {
    const ofQuery = grades.get(queryId) ?? new Map<DocumentId, number>();
    grades.set(queryId, ofQuery.set(documentId, grade));
  }
  for (const [queryId, ofQuery] of grades) {
    for (const [documentId, grade] of ofQuery) if (!(grade > 0)) ofQuery.delete(documentId);
    if (ofQuery.size === 0) grades.delete(queryId);
  }
  return grades;
}

export interface EvaluationInput {
  readonly rankings: readonly Ranking[];
  readonly judgements: readonly Judgement[];
  readonly metrics: readonly MetricName[];
  readonly seed: number;
}

/**
 * Every metric for every query that has a relevant document, and their means with 95 % bootstrap intervals. Rankings of
 * other queries are ignored. Errors: {@link NothingToEvaluate}.
 */
export function scores({ rankings, judgements, metrics, seed }: EvaluationInput): Scores {
  const relevant = relevantByQuery(judgements);
  if (relevant.size === 0) {
    throw new NothingToEvaluate(
      `None of the ${judgements.length} judgements of this split says that a document is relevant (a grade above 0), so ` +
        "there is nothing to measure. Choose another split, or add judgements to this one.",
    );
  }
  const hits = new Map(rankings.map((ranking) => [ranking.queryId, ranking.hits]));
  assert(hits.size === rankings.length, "two rankings are of the same query");
  const parsed = metrics.map(parseMetric);
  const rows = [...relevant].map(([queryId, ofQuery]) => measure(hits.get(queryId) ?? [], ofQuery, parsed));
  const columns = metrics.map((_, m) => rows.map((row) => present(row[m], "value")));
  return scoresOf([...relevant.keys()], new Map(metrics.map((name, m) => [name, present(columns[m], "column")])), seed);
}

/** `columns`: one value for each query. */
function scoresOf(
  queryIds: readonly QueryId[],
  columns: ReadonlyMap<MetricName, readonly number[]>,
  seed: number,
): Scores {
  const intervals = meanIntervals([...columns.values()], seed);
  const perQuery: Record<MetricName, readonly number[]> = {};
  const mean: Record<MetricName, Interval> = {};
  [...columns].forEach(([name, column], m) => {
    perQuery[name] = column;
    mean[name] = present(intervals[m], "interval");
  });
  return { queryIds, perQuery, mean };
}

/** The same scores on those of their queries that are among `queryIds`, at least one; the intervals are made anew. */
export function restricted(scores: Scores, queryIds: ReadonlySet<QueryId>, seed: number): Scores {
  const kept = <Value>(values: readonly Value[]): Value[] =>
    values.filter((_, i) => queryIds.has(present(scores.queryIds[i], "query")));
  const columns = metricsOf(scores).map((name) => [name, kept(present(scores.perQuery[name], name))] as const);
  return scoresOf(kept(scores.queryIds), new Map(columns), seed);
}
