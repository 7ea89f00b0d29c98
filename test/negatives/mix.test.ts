import { expect, test } from "vitest";
import type { Collection } from "../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { FoundNegative, WrittenNegative } from "../../src/domain/negative.ts";
import { mix, trainingPairs } from "../../src/negatives/mix.ts";

const judge = (query: string, document: string, grade = 1) => ({
  queryId: queryId(query),
  documentId: documentId(document),
  grade,
});
const written = (query: string, text: string, source: WrittenNegative["source"] = "synthetic"): WrittenNegative => ({
  queryId: queryId(query),
  source,
  title: "",
  text,
});
const found = (document: string, rank: number): FoundNegative => ({
  source: "bm25",
  documentId: documentId(document),
  score: 1,
  rank,
});

const collection: Collection = {
  name: "test",
  documents: ["a", "b", "c", "d", "e"].map((id) => ({ id: documentId(id), title: "", text: `text ${id}` })),
  queries: ["q1", "q2"].map((id) => ({ id: queryId(id), text: `query ${id}` })),
  judgements: {},
  negatives: [written("q1", "synthetic one")],
};

function rows(config: ConfigInput, over: Partial<Collection> = {}) {
  const outcome = mix({
    collection: { ...collection, ...over },
    judgements: [judge("q1", "a"), judge("q2", "b")],
    found: new Map([
      [queryId("q1"), { bm25: [found("c", 1), found("d", 2), found("e", 3)] }],
      [queryId("q2"), { bm25: [found("d", 1), found("c", 2), found("a", 3)] }],
    ]),
    config: parseConfig(config),
  });
  const { queries, documents, rows: made } = outcome.trainingSet;
  const texts = made.map((row) => ({
    query: queries[row.query],
    positive: documents[row.positive],
    negatives: row.negatives.map((negative) => `${negative.source}: ${documents[negative.document]}`),
  }));
  return { ...outcome, texts };
}

const hybrid: ConfigInput = {
  negatives: [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 2 },
  ],
};

test("hybrid: each row has its own synthetic and found negatives; a row that lacks one takes one more found", () => {
  const { texts, lackingSynthetic, short } = rows(hybrid);
  expect(texts).toEqual([
    { query: "query q1", positive: "text a", negatives: ["synthetic: synthetic one", "bm25: text c", "bm25: text d"] },
    { query: "query q2", positive: "text b", negatives: ["bm25: text d", "bm25: text c", "bm25: text a"] },
  ]);
  expect({ lackingSynthetic, short }).toEqual({ lackingSynthetic: 1, short: 0 });
});

test("synthetic only: rows without one are left out", () => {
  expect(rows({ ...hybrid, mix: "synthetic" }).texts).toEqual([
    { query: "query q1", positive: "text a", negatives: ["synthetic: synthetic one"] },
  ]);
});

test("found only: no synthetic negative, none lacking", () => {
  const { texts, lackingSynthetic } = rows({ ...hybrid, mix: "found" });
  expect(texts[0]?.negatives).toEqual(["bm25: text c", "bm25: text d"]);
  expect(lackingSynthetic).toBe(0);
});

test("negatives given with the data come first among the found", () => {
  const { texts } = rows(hybrid, { negatives: [written("q1", "given one", "given")] });
  expect(texts[0]?.negatives).toEqual(["given: given one", "bm25: text c", "bm25: text d"]);
});

test("the positive's own text is never a negative, and no text twice", () => {
  const { texts, short } = rows(hybrid, {
    negatives: [written("q1", "text a"), written("q1", "text c"), written("q2", "text d")],
  });
  expect(texts[0]?.negatives).toEqual(["synthetic: text c", "bm25: text d", "bm25: text e"]);
  expect(texts[1]?.negatives).toEqual(["synthetic: text d", "bm25: text c", "bm25: text a"]);
  expect(short).toBe(0);
});

test("says when there are too few", () => {
  expect(rows({ negatives: [{ source: "bm25", count: 9 }] }).short).toBe(2);
});

test("a query trains on the documents of its highest grade", () => {
  const pairs = trainingPairs([judge("q1", "a", 2), judge("q1", "b", 1), judge("q1", "c", 2), judge("q2", "d", 0)]);
  expect(pairs.map((pair) => pair.documentId)).toEqual(["a", "c"]);
});
