import { expect, test } from "vitest";
import { documentId, queryId, type DocumentId } from "../../src/domain/ids.ts";
import { sampleBm25, sampleDense, sampleRandom } from "../../src/negatives/samplers.ts";

const ids = (...names: string[]) => names.map(documentId);
const ranking = {
  queryId: queryId("q"),
  hits: ids("a", "b", "c", "d", "e", "f").map((id, i) => ({ documentId: id, score: 10 - i })),
};
const none: ReadonlySet<DocumentId> = new Set();

test("BM25: ranks count after the relevant documents are left out", () => {
  // Without b and d the ranking is a c e f: ranks 2 to 3 are c and e.
  const found = sampleBm25(ranking, new Set(ids("b", "d")), { first: 2, last: 3 }, 1);
  expect(found.toSorted((x, y) => x.rank - y.rank)).toEqual([
    { source: "bm25", documentId: "c", score: 8, rank: 2 },
    { source: "bm25", documentId: "e", score: 6, rank: 3 },
  ]);
});

test("BM25: the order is the seed's, and every rank of the range comes first equally often", () => {
  const first = (seed: number) => sampleBm25(ranking, none, { first: 1, last: 6 }, seed)[0]?.documentId;
  expect(first(3)).toBe(first(3));
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 1200; seed++) counts.set(first(seed) ?? "", (counts.get(first(seed) ?? "") ?? 0) + 1);
  expect(counts.size).toBe(6);
  // Chi-square with 5 degrees of freedom, 99.9 % point 20.5; expected 200 each.
  expect([...counts.values()].reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0)).toBeLessThan(20.5);
});

test("dense: the guide's ranks after the relevant documents, each of the range once, in an order of its own", () => {
  // Without a the ranking is b c d e f: ranks 2 to 4 are c, d and e.
  const draw = (seed: number) => sampleDense(ranking, new Set(ids("a")), { first: 2, last: 4 }, seed);
  expect(draw(1).toSorted((x, y) => x.rank - y.rank)).toEqual([
    { source: "dense", documentId: "c", score: 8, rank: 2 },
    { source: "dense", documentId: "d", score: 7, rank: 3 },
    { source: "dense", documentId: "e", score: 6, rank: 4 },
  ]);
  expect(draw(1)).toEqual(draw(1));
  const firsts = new Set(Array.from({ length: 50 }, (_, seed) => draw(seed)[0]?.documentId));
  expect(firsts).toEqual(new Set(["c", "d", "e"]));
});

test("random: never a relevant document, never one twice, and no more than there are", () => {
  const documents = ids("a", "b", "c", "d");
  const found = sampleRandom(documents, new Set(ids("b")), { queryId: queryId("q"), count: 10, seed: 1 });
  expect(found.map((negative) => negative.documentId).toSorted()).toEqual(["a", "c", "d"]);
  expect(found.map((negative) => negative.rank)).toEqual([1, 2, 3]);
});

test("random: another query draws other documents", () => {
  const documents = Array.from({ length: 1000 }, (_, i) => documentId(`d${i}`));
  const draw = (name: string) => sampleRandom(documents, none, { queryId: queryId(name), count: 5, seed: 1 });
  expect(draw("q1")).toEqual(draw("q1"));
  expect(draw("q1")).not.toEqual(draw("q2"));
});
