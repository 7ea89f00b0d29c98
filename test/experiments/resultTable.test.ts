/** What the runner prints and keeps of a result: all queries, clean ones, and what an older version left out. */
import { expect, test } from "vitest";
import { resultJson } from "../../experiments/result.ts";
import { resultTable } from "../../experiments/resultTable.ts";
import { parseConfig } from "../../src/domain/config.ts";
import { queryId } from "../../src/domain/ids.ts";
import { comparisons, systemNames, type Comparison, type Scores } from "../../src/domain/ranking.ts";
import type { Figures, RunResult } from "../../src/domain/run.ts";
import { recordOf } from "../../src/base/record.ts";

const interval = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
const scores = (value: number, queries: number): Scores => ({
  queryIds: Array.from({ length: queries }, (_, i) => queryId(`q${i}`)),
  perQuery: {},
  mean: { "ndcg@10": interval(value), "mrr@10": interval(value), "recall@100": interval(value) },
});
const comparison = (value: number): Comparison => ({ difference: interval(value), pValue: 0.25, verdict: "better" });
const figures = (queries: number, by: number, verdict: string): Figures => ({
  systems: recordOf(systemNames, (name) => scores(by + systemNames.indexOf(name) / 100, queries)),
  comparisons: recordOf(
    comparisons.map(({ name }) => name),
    () => comparison(by),
  ),
  verdict,
});
const result = (over: Partial<RunResult>): RunResult =>
  ({
    ...figures(300, 0.5, "All."),
    split: "test",
    leak: { queries: 300, sharedDocument: 196, nearCopy: 101, clean: 103 },
    clean: { kind: "measured", ...figures(103, 0.3, "Clean.") },
    ...over,
  }) as RunResult;
const digests = { data: "d", config: "c", encoder: "e" };
const jsonOf = (of: RunResult) => resultJson(of, parseConfig({}), digests) as Record<string, unknown>;

test("every system and comparison stands twice, with both verdicts", () => {
  const lines = resultTable(result({})).split("\n");
  expect(lines[0]).toBe("| 300 test queries | nDCG@10 | MRR@10 | Recall@100 |");
  expect(lines).toContain("| 103 clean test queries | nDCG@10 | MRR@10 | Recall@100 |");
  expect(lines.filter((line) => line.startsWith("| BM25 + after, RRF |"))).toEqual([
    "| BM25 + after, RRF | .540 (.440–.640) | .540 (.440–.640) | .540 (.440–.640) |",
    "| BM25 + after, RRF | .340 (.240–.440) | .340 (.240–.440) | .340 (.240–.440) |",
  ]);
  expect(lines.filter((line) => line.startsWith("| After against before |"))).toEqual([
    "| After against before | +.500 (+.400 to +.600) | .250 | better |",
    "| After against before | +.300 (+.200 to +.400) | .250 | better |",
  ]);
  expect(lines.slice(-4)).toEqual([
    "Of 300 test queries, 196 share a relevant document with a training query and 101 nearly repeat one; 103 are clean, that is neither.",
    "All.",
    "Clean.",
    "",
  ]);
  expect(jsonOf(result({}))).toMatchObject({
    queries: 300,
    metrics: { zscoreAfter: { "ndcg@10": { value: 0.56 } } },
    pValues: { afterBefore: 0.25, zscoreAfterBm25: 0.25 },
    clean: { kind: "measured", queries: 103, verdict: "Clean.", metrics: { bm25: { "ndcg@10": { value: 0.3 } } } },
  });
});

test("too few clean queries have a sentence and no table", () => {
  const few = result({ clean: { kind: "tooFew", queries: 3, verdict: "Too few." } });
  expect(resultTable(few)).not.toContain("clean test queries |");
  expect(resultTable(few)).toContain("\nAll.\nToo few.\n");
  expect(jsonOf(few)).toMatchObject({ clean: { kind: "tooFew", queries: 3 } });
});

test("a result from before there was fusion has the systems that it has", () => {
  const { bm25, before, after } = result({}).systems;
  const { afterBefore, afterBm25 } = result({}).comparisons;
  const { clean: _, ...rest } = result({});
  const old: RunResult = { ...rest, systems: { bm25, before, after }, comparisons: { afterBefore, afterBm25 } };
  expect(resultTable(old).match(/^\| (BM25|Encoder)/gmu)).toHaveLength(3);
  expect(Object.keys(jsonOf(old)["metrics"] as object)).toEqual(["bm25", "before", "after"]);
});
