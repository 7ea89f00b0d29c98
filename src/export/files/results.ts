/** What a run found, as files: rankings and judgements for trec_eval, figures as tables. */
import type { Judgement, Judgements } from "../../domain/collection.ts";
import type { QueryId } from "../../domain/ids.ts";
import { comparisons, metricsOf, systems, systemNames } from "../../domain/ranking.ts";
import type { Figures, RunProducts, RunResult } from "../../domain/run.ts";
import { csvFile, type Cell, type Table } from "./csv.ts";
import type { PlainFile } from "./file.ts";
import { trecQrels, trecRun } from "./trec.ts";

/** Hits a query, as deep as the figures look. */
const DEPTH = 100;

/** The rankings of every system that was measured: bm25.trec, before.trec, … Errors: Unwritable. */
export const rankingFiles = (products: RunProducts): PlainFile[] =>
  systemNames.flatMap((name) => {
    const result = products[name];
    return result ? [trecRun(`${name}.trec`, result.rankings, { tag: `decoy-${name}`, depth: DEPTH })] : [];
  });

/**
 * What the run was measured by. Where it divided the collection itself, no split has its name: then all that is judged of its
 * queries. Queries that were made of documents have no judgement.
 */
export function measuredJudgements(
  judgements: Judgements,
  { split, systems: { after } }: Pick<RunResult, "split" | "systems">,
): readonly Judgement[] {
  const measured = new Set<QueryId>(after.queryIds);
  const own = judgements[split] ?? Object.values(judgements).flat();
  return own.filter(({ queryId }) => measured.has(queryId));
}

/** Rankings, and beside them the judgements that they were measured by. Errors: Unwritable. */
export function trecFiles(products: RunProducts, judgements: readonly Judgement[]): PlainFile[] {
  return [...rankingFiles(products), ...(judgements.length > 0 ? [trecQrels("qrels.txt", judgements)] : [])];
}

/** Figures on all queries, and on the clean ones where there are such, with their name. */
function figuresOf(result: RunResult): (readonly [string, Figures])[] {
  const { split, clean } = result;
  return [[split, result], ...(clean?.kind === "measured" ? [[`clean ${split}`, clean] as const] : [])];
}

function* meanRows(result: RunResult): Generator<readonly Cell[], void, void> {
  for (const [queries, { systems: scores }] of figuresOf(result)) {
    for (const { name, words } of systems) {
      const found = scores[name];
      if (!found) continue;
      for (const metric of metricsOf(found)) {
        const mean = found.mean[metric];
        yield [queries, found.queryIds.length, words, metric, mean?.value, mean?.low, mean?.high];
      }
    }
  }
}

function* comparisonRows(result: RunResult): Generator<readonly Cell[], void, void> {
  for (const [queries, { comparisons: found }] of figuresOf(result)) {
    for (const { name, words } of comparisons) {
      const comparison = found[name];
      if (!comparison) continue;
      const { difference, pValue, verdict } = comparison;
      yield [queries, words, difference.value, difference.low, difference.high, pValue, verdict];
    }
  }
}

/** One row a query, a system and a metric: what a spreadsheet can pivot. */
function* queryRows({ systems: scores }: RunResult): Generator<readonly Cell[], void, void> {
  for (const { name, words } of systems) {
    const found = scores[name];
    if (!found) continue;
    for (const metric of metricsOf(found)) {
      for (const [i, id] of found.queryIds.entries()) yield [id, words, metric, found.perQuery[metric]?.[i]];
    }
  }
}

const table = (columns: readonly string[], rows: () => Iterable<readonly Cell[]>): Table => ({
  columns,
  rows: { [Symbol.iterator]: () => rows()[Symbol.iterator]() },
});

/** scores.csv, comparisons.csv and queries.csv: every figure of a result with its interval, and each query's own. */
export const resultTables = (result: RunResult): PlainFile[] => [
  csvFile(
    "scores.csv",
    table(["measured_on", "queries", "system", "metric", "mean", "low_95", "high_95"], () => meanRows(result)),
  ),
  csvFile(
    "comparisons.csv",
    table(["measured_on", "comparison", "ndcg@10_difference", "low_95", "high_95", "p_value", "verdict"], () =>
      comparisonRows(result),
    ),
  ),
  csvFile(
    "queries.csv",
    table(["query_id", "system", "metric", "value"], () => queryRows(result)),
  ),
];
