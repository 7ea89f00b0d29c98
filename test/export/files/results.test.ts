import { expect, test } from "vitest";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import type { Scores } from "../../../src/domain/ranking.ts";
import type { Figures, RunProducts, RunResult } from "../../../src/domain/run.ts";
import { measuredJudgements, rankingFiles, resultTables, trecFiles } from "../../../src/export/files/results.ts";
import { textOf } from "./hostile.ts";

const [q1, q2] = [queryId("q1"), queryId("q2")];
const scores = (value: number): Scores => ({
  queryIds: [q1, q2],
  perQuery: { "ndcg@10": [value, 0] },
  mean: { "ndcg@10": { value: value / 2, low: 0, high: 1 } },
});
const comparison = { difference: { value: -0.25, low: -0.5, high: 0.125 }, pValue: 0.04, verdict: "worse" } as const;
const figures: Figures = {
  systems: { bm25: scores(1), before: scores(0.5), after: scores(0.25) },
  comparisons: { afterBefore: comparison, afterBm25: comparison },
  verdict: "",
};
const result = { split: "test", ...figures } as RunResult;

const judgement = (query: string, document: string, grade: number) => ({
  queryId: queryId(query),
  documentId: documentId(document),
  grade,
});

test("judgements are those of the split and of the queries that were measured", () => {
  const test = [judgement("q1", "a", 1), judgement("q1", "b", 0), judgement("q9", "a", 1)];
  const train = [judgement("q2", "c", 2)];
  expect(measuredJudgements({ train, test }, result)).toEqual(test.slice(0, 2));
});

test("where the run divided the collection itself, they are all that is judged of its queries", () => {
  const all = [judgement("q1", "a", 1), judgement("q7", "b", 1), judgement("q2", "c", 2)];
  expect(measuredJudgements({ all }, result)).toEqual([all[0], all[2]]);
  expect(measuredJudgements({ all }, { ...result, split: "held-out documents" })).toHaveLength(2);
});

test("rankings are one file a system, best first, and judgements stand beside them where there are any", async () => {
  const hits = [
    { documentId: documentId("a"), score: 1.5 },
    { documentId: documentId("b"), score: 1 },
  ];
  const products: RunProducts = { bm25: { scores: scores(1), rankings: [{ queryId: q1, hits }] } };
  const [file, ...others] = rankingFiles(products);
  expect(others).toEqual([]);
  expect(file && (await textOf(file))).toBe("q1 Q0 a 1 1.5 decoy-bm25\nq1 Q0 b 2 1 decoy-bm25\n");
  expect(trecFiles(products, []).map(({ name }) => name)).toEqual(["bm25.trec"]);
  const both = trecFiles(products, [judgement("q1", "a", 1)]);
  expect(both.map(({ name }) => name)).toEqual(["bm25.trec", "qrels.txt"]);
});

test("tables hold every figure, those of clean queries too", async () => {
  const clean = { kind: "measured", ...figures } as const;
  const [means, compared, perQuery] = await Promise.all(resultTables({ ...result, clean }).map(textOf));
  expect(means?.split("\r\n")).toEqual([
    "measured_on,queries,system,metric,mean,low_95,high_95",
    "test,2,BM25,ndcg@10,0.5,0,1",
    "test,2,Encoder before,ndcg@10,0.25,0,1",
    "test,2,Encoder after,ndcg@10,0.125,0,1",
    "clean test,2,BM25,ndcg@10,0.5,0,1",
    "clean test,2,Encoder before,ndcg@10,0.25,0,1",
    "clean test,2,Encoder after,ndcg@10,0.125,0,1",
    "",
  ]);
  expect(compared?.split("\r\n")[1]).toBe("test,After against before,-0.25,-0.5,0.125,0.04,worse");
  expect(perQuery?.split("\r\n").slice(1, 3)).toEqual(["q1,BM25,ndcg@10,1", "q2,BM25,ndcg@10,0"]);
});
