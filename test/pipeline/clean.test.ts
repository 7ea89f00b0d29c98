/** Figures on the queries that training does not give away, and the systems that fuse the encoder with BM25. */
import { beforeAll, describe, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { comparisons, systemNames, systems } from "../../src/domain/ranking.ts";
import type { RunResult } from "../../src/domain/run.ts";
import { createRetriever } from "../../src/retrieval/service.ts";
import { tinyCollection } from "../support/collection.ts";
import { input, productsOf, recipe, whole } from "./support.ts";

const words = ["cat", "dog", "mat", "sea", "salt", "tide", "moon", "sat", "ran", "on", "the"];
/** Three words that no other query of the same `i` has. */
const text = (i: number) => [words[i % 11], words[(i + 1 + (i % 3)) % 11], words[(i + 5) % 11]].join(" ");
const judged = (query: string, document: number) => ({
  queryId: queryId(query),
  documentId: documentId(`d${document}`),
  grade: 1,
});

/** 4 training queries; of 14 test queries `shared` answer by a document of training and one repeats a training query. */
function leaky(shared: number): Collection {
  const trained = ["cat mat", "dog ran", "salt sea", "moon tide"];
  const test = Array.from({ length: 14 }, (_, i) => ({ id: queryId(`t${i}`), text: i === 13 ? "Dog RAN" : text(i) }));
  return {
    ...tinyCollection,
    queries: [...trained.map((one, i) => ({ id: queryId(`q${i}`), text: one })), ...test],
    judgements: {
      train: trained.map((_, i) => judged(`q${i}`, i)),
      test: test.map(({ id }, i) => judged(id, i < shared ? i % 4 : 4 + (i % 10))),
    },
  };
}

describe("where some queries are not clean", () => {
  let result: RunResult;
  let products: ReturnType<typeof productsOf>;
  const collection = leaky(3);
  beforeAll(async () => {
    const run = await whole(input(recipe, { collection }));
    [result, products] = [run.result, productsOf(run.reports)];
  });
  const clean = () => {
    if (result.clean?.kind !== "measured") throw new Error("there are no clean figures");
    return result.clean;
  };
  const cleanIds = Array.from({ length: 10 }, (_, i) => queryId(`t${i + 3}`));

  test("the report counts them", () => {
    expect(result.leak).toEqual({ queries: 14, sharedDocument: 3, nearCopy: 1, clean: 10 });
  });

  test("every system is measured on the clean ones too, as if they alone had been asked", async () => {
    const retriever = createRetriever();
    for (const name of systemNames) {
      const { rankings = [] } = products[name] ?? {};
      const judgements = (collection.judgements["test"] ?? []).filter((one) => cleanIds.includes(one.queryId));
      const metrics = ["ndcg@10", "mrr@10", "recall@100", "ndcg@100", "mrr@100", "recall@10"] as const;
      const scores = await finish(retriever.evaluate({ rankings, judgements, metrics, seed: 1 }));
      expect(clean().systems[name]?.queryIds, name).toEqual(cleanIds);
      expect(clean().systems[name]?.mean, name).toEqual(scores.mean);
      expect(result.systems[name]?.queryIds, name).toHaveLength(14);
    }
  });

  test("every comparison is made on both", () => {
    const meanOf = (numbers: readonly number[] = []) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    for (const figures of [result, clean()]) {
      for (const { name, system, against } of comparisons) {
        const [a, b] = [figures.systems[against], figures.systems[system]];
        const difference = meanOf(b?.perQuery["ndcg@10"]) - meanOf(a?.perQuery["ndcg@10"]);
        expect(figures.comparisons[name]?.difference.value, name).toBeCloseTo(difference, 12);
      }
    }
  });

  test("there are two verdicts", () => {
    expect(result.verdict).toMatch(/ on 14 test queries\.$/u);
    expect(clean().verdict).toMatch(/ on 10 clean test queries\.$/u);
  });
});

test("fewer than ten clean queries have no figures, and the verdict says so", async () => {
  const { result } = await whole(input(recipe, { collection: leaky(4) }));
  expect(result.clean).toEqual({
    kind: "tooFew",
    queries: 9,
    verdict: "There are only 9 clean test queries: with fewer than 10 no figure is given.",
  });
});

test("where all are clean nothing is said twice", async () => {
  const { result } = await whole(input());
  expect(result.leak).toEqual({ queries: 4, sharedDocument: 0, nearCopy: 0, clean: 4 });
  expect(result).not.toHaveProperty("clean");
});

test("rows that are given count, and not the split that they replace", async () => {
  const trainingSet = {
    queries: ["salt of the sea", "the mat"],
    documents: ["the cat ran on the sea", "salt sea tide"],
    rows: [
      { query: 0, positive: 0, negatives: [{ document: 1, source: "given" as const }] },
      { query: 1, positive: 0, negatives: [{ document: 1, source: "given" as const }] },
    ],
  };
  // d2 reads "the cat ran on the sea" and answers q4; no query is like one of the rows'.
  const { result } = await whole(input({ steps: 1, batchSize: 2 }, { trainingSet }));
  expect(result.leak).toEqual({ queries: 4, sharedDocument: 1, nearCopy: 0, clean: 3 });
});

test("BM25 and the encoder are fused before and after, over the rankings that both give", async () => {
  const { result, reports } = await whole(input());
  const products = productsOf(reports);
  expect(Object.keys(result.systems)).toEqual(systems.map(({ name }) => name));
  for (const [fused, own] of [
    ["rrfBefore", "before"],
    ["rrfAfter", "after"],
  ] as const) {
    const lists = [products.bm25, products[own]];
    for (const [q, { hits }] of (products[fused]?.rankings ?? []).entries()) {
      const sums = new Map<string, number>();
      for (const list of lists)
        list?.rankings[q]?.hits.forEach((hit, i) =>
          sums.set(hit.documentId, (sums.get(hit.documentId) ?? 0) + 1 / (61 + i)),
        );
      expect(hits).toHaveLength(sums.size);
      for (const hit of hits) expect(hit.score).toBe(Math.fround(sums.get(hit.documentId) ?? 0));
    }
  }
  expect(products.zscoreAfter?.rankings).not.toEqual(products.zscoreBefore?.rankings);
});
