import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Judgement } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { MetricName, Ranking, Scores } from "../../src/domain/ranking.ts";
import { NothingToEvaluate, restricted, scores } from "../../src/retrieval/metrics.ts";
import { readRun } from "../../src/retrieval/trec.ts";

const fixture = (name: string): string[] =>
  readFileSync(new URL(`../fixtures/metrics/${name}`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n");

const judge = (query: string, document: string, grade: number): Judgement => ({
  queryId: queryId(query),
  documentId: documentId(document),
  grade,
});

const ranking = (query: string, hits: readonly (readonly [string, number])[]): Ranking => ({
  queryId: queryId(query),
  hits: hits.map(([document, score]) => ({ documentId: documentId(document), score })),
});

const measure = (
  rankings: readonly Ranking[],
  judgements: readonly Judgement[],
  metrics: readonly MetricName[],
): Scores => scores({ rankings, judgements, metrics, seed: 1 });

describe("scores on some of the queries", () => {
  it("are what judgements of these queries alone give, intervals too", () => {
    const rankings = readRun(fixture("run.txt").join("\n"));
    const judgements = fixture("qrels.txt").map((line) => {
      const [query = "", , document = "", grade] = line.split(" ");
      return judge(query, document, Number(grade));
    });
    const metrics = ["mrr@3", "ndcg@10"] as const;
    const whole = measure(rankings, judgements, metrics);
    const some = new Set(whole.queryIds.filter((_, i) => i % 3 === 1));
    expect(some.size).toBeGreaterThan(5);
    const own = judgements.filter((judgement) => some.has(judgement.queryId));
    expect(restricted(whole, some, 1)).toEqual(measure(rankings, own, metrics));
  });
});

describe("metrics", () => {
  it("agree with trec_eval on every query of a random run with ties, and odd ids, grades and queries", () => {
    const rankings = readRun(fixture("run.txt").join("\n"));
    const judgements = fixture("qrels.txt").map((line) => {
      const [query = "", , document = "", grade] = line.split(" ");
      return judge(query, document, Number(grade));
    });
    const cuts = [1, 3, 10, 100] as const;
    const metrics = cuts.flatMap((k) => [`ndcg@${k}`, `mrr@${k}`, `recall@${k}`] as const);
    const ours = measure(rankings, judgements, metrics);
    const expected = fixture("expected.tsv").map((line) => line.split("\t"));
    let compared = 0;
    for (const [metric, query, value] of expected) {
      const column = metrics.find((name) => name === metric);
      const q = ours.queryIds.findIndex((id) => id === query);
      if (column === undefined || q < 0) continue;
      expect(ours.perQuery[column]?.[q], `${metric} ${query}`).toBeCloseTo(Number(value), 12);
      compared++;
    }
    expect(compared).toBe(36 * metrics.length);
    // trec_eval counts q1 and two more, which have no relevant document, as 0: 39 queries to our 36.
    for (const [metric, query, value] of expected) {
      const column = metrics.find((name) => name === metric);
      if (query === "all" && column) expect(ours.mean[column]?.value).toBeCloseTo((Number(value) * 39) / 36, 12);
    }
    expect(ours.queryIds).not.toContain("q1");
    expect(ours.perQuery["ndcg@10"]?.[ours.queryIds.findIndex((id) => id === "q0")]).toBe(0);
  });

  it("come out as on paper", () => {
    const judgements = [judge("q", "a", 2), judge("q", "b", 1), judge("q", "c", 0), judge("q", "z", 1)];
    const found = ranking("q", [["c", 9], ["b", 8], ["x", 7], ["a", 6]]); // prettier-ignore
    const { mean } = measure([found], judgements, ["ndcg@2", "ndcg@10", "mrr@1", "mrr@10", "recall@2", "recall@100"]);
    // Gains 0 1 0 2; ideal 2 1 1. DCG@2 = 1 / log2 3 = .63093; IDCG@2 = 2 + .63093 = 2.63093
    expect(mean["ndcg@2"]?.value).toBeCloseTo(0.63093 / 2.63093, 5);
    // DCG@10 = .63093 + 2 / log2 5 = .63093 + .86135; IDCG@10 = 2.63093 + 1 / log2 4 = 3.13093
    expect(mean["ndcg@10"]?.value).toBeCloseTo(1.49228 / 3.13093, 5);
    expect(mean["mrr@1"]?.value).toBe(0);
    expect(mean["mrr@10"]?.value).toBe(1 / 2);
    expect(mean["recall@2"]?.value).toBeCloseTo(1 / 3, 12);
    expect(mean["recall@100"]?.value).toBeCloseTo(2 / 3, 12);
  });

  it("go by score, then by id descending, whatever the order of the hits", () => {
    const shuffled = ranking("q", [["a", 1], ["b", 1], ["x", 0.5], ["c", 2]]); // prettier-ignore
    // Order: c, b, a, x.
    expect(measure([shuffled], [judge("q", "a", 1)], ["mrr@10"]).perQuery["mrr@10"]).toEqual([1 / 3]);
    expect(measure([shuffled], [judge("q", "b", 1)], ["mrr@10"]).perQuery["mrr@10"]).toEqual([1 / 2]);
  });

  it("count a query without hits as 0, and leave out queries without a relevant document", () => {
    const judgements = [judge("q1", "a", 1), judge("q2", "a", 1), judge("q3", "a", 0)];
    const rankings = ["q1", "q3", "q4"].map((q) => ranking(q, [["a", 1]]));
    const { queryIds, perQuery, mean } = measure(rankings, judgements, ["ndcg@10"]);
    expect(queryIds).toEqual(["q1", "q2"]);
    expect(perQuery["ndcg@10"]).toEqual([1, 0]);
    expect(mean["ndcg@10"]?.value).toBe(0.5);
  });

  it("say so when there is nothing to measure", () => {
    const attempt = () => measure([ranking("q", [["a", 1]])], [judge("q", "a", 0)], ["ndcg@10"]);
    expect(attempt).toThrow(NothingToEvaluate);
    expect(attempt).toThrow("None of the 1 judgements");
  });

  it("stop at a metric, a ranking or a query that is a mistake of ours", () => {
    const judgements = [judge("q", "a", 1)];
    expect(() => measure([], judgements, ["ndcg@0"])).toThrow("no metric is called ndcg@0");
    expect(() => measure([], judgements, ["recall@1.5"])).toThrow("no metric is called");
    const twice = ranking("q", [["a", 1], ["a", 2]]); // prettier-ignore
    expect(() => measure([twice], judgements, ["ndcg@10"])).toThrow("a document twice");
    const one = ranking("q", [["a", 1]]);
    expect(() => measure([one, one], judgements, ["ndcg@10"])).toThrow("same query");
  });
});
