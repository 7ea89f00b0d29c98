import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countWords, distributionOf, statisticsOf, type Statistics } from "../../src/data/statistics.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";

function all(collection: Collection): Statistics {
  const work = statisticsOf(collection);
  for (let turn = 0; turn < 10_000; turn++) {
    const step = work.next();
    if (step.done) return step.value;
  }
  throw new Error("it does not end");
}

const document = (id: number, title: string, text: string) => ({ id: documentId(`d${id}`), title, text });
const judged = (query: number, document: number, grade: number) => ({
  queryId: queryId(`q${query}`),
  documentId: documentId(`d${document}`),
  grade,
});

test("a small collection, counted by hand", () => {
  const negative = (query: number, source: "synthetic" | "given") =>
    ({ queryId: queryId(`q${query}`), source, title: "", text: "x" }) as const;
  const statistics = all({
    name: "c",
    documents: [
      document(0, "Tides", "The moon pulls."),
      document(1, "", "THE  moon\npulls, thrice."),
      document(2, "", "the moon pulls, thrice."),
      document(3, "", "a"),
    ],
    queries: [
      { id: queryId("q0"), text: "why tides" },
      { id: queryId("q1"), text: "don't they, 3.5 m?" },
    ],
    judgements: {
      train: [judged(0, 0, 1), judged(0, 1, 2), judged(0, 2, 0)],
      test: [judged(1, 0, 1)],
      none: [judged(1, 2, 0)],
    },
    negatives: [negative(0, "synthetic"), negative(0, "synthetic"), negative(1, "synthetic"), negative(1, "given")],
  });
  expect(statistics.documentWords).toMatchObject({ count: 4, least: 1, most: 4, mean: 13 / 4, median: 4 });
  expect(statistics.documentWords?.bins).toEqual([
    { from: 1, to: 2, count: 1 },
    { from: 2, to: 3, count: 0 },
    { from: 3, to: 4, count: 0 },
    { from: 4, to: 5, count: 3 },
  ]);
  // "don't", "they", "3", "5", "m".
  expect(statistics.queryWords).toMatchObject({ least: 2, most: 5, median: 3.5 });
  expect(Object.keys(statistics.answers)).toEqual(["train", "test"]);
  expect(statistics.answers["train"]).toMatchObject({ count: 1, mean: 2 });
  expect(statistics).toMatchObject({
    judgedNotRelevant: 2,
    repeatedDocuments: 1,
    repeatedQueries: 0,
    unjudgedDocuments: 1,
  });
  expect(statistics.negatives).toEqual([
    { source: "synthetic", queries: 2, negatives: 3 },
    { source: "given", queries: 1, negatives: 1 },
  ]);
});

test("words of scripts with and without spaces", () => {
  expect(countWords("naïve café, co-op")).toBe(4);
  expect(countWords("月の海")).toBe(3);
  expect(countWords(" … — ")).toBe(0);
});

test("bars hold every value once, side by side, a dozen or so", () => {
  const values = fc.array(fc.oneof(fc.nat(30), fc.nat(5_000), fc.nat(10_000_000)), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(values, (values) => {
      const distribution = distributionOf(values);
      const bins = distribution?.bins ?? [];
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      expect(bins.length).toBeLessThanOrEqual(14);
      for (const [place, { from, to, count }] of bins.entries()) {
        expect(count).toBe(values.filter((value) => value >= from && (to === undefined || value < to)).length);
        if (place > 0) expect(bins[place - 1]?.to).toBe(from);
      }
      expect(distribution?.most).toBe(Math.max(...values));
    }),
  );
  expect(distributionOf([])).toBeUndefined();
});

test("one far away does not flatten the rest", () => {
  const values = [...Array.from({ length: 500 }, (_, i) => 20 + (i % 40)), 100_000];
  const bins = distributionOf(values)?.bins ?? [];
  expect(bins.length).toBeGreaterThan(5);
  expect(bins.at(-1)?.to).toBeUndefined();
});
