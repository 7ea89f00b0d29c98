import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Vectors } from "../../src/domain/encoder.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { denseIndex, searchDense, type DenseIndex } from "../../src/retrieval/dense.ts";
import { compareHits } from "../../src/retrieval/order.ts";
import { last } from "./last.ts";
import { direct, documentIds, dot, halves, queryIds, row, rowsOf, unitVectors } from "./vectors.ts";

/** The index on a machine without vector instructions. */
function plainIndex(...given: Parameters<typeof denseIndex>): DenseIndex {
  const validate = vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
  const index = denseIndex(...given);
  validate.mockRestore();
  expect(index.products).toBeUndefined();
  return index;
}

const search = (index: DenseIndex, queries: Vectors, depth: number): Ranking[] =>
  last(searchDense(index, { queryIds: queryIds(rowsOf(queries)), vectors: queries, depth }));

afterEach(() => vi.restoreAllMocks());

describe.each([
  ["with vector instructions", denseIndex],
  ["without", plainIndex],
] as const)("dense search %s", (_, indexOf) => {
  it("finds what sorting all inner products finds, at sizes on both sides of a block and a group", () => {
    const sizes = fc.record({
      documents: fc.constantFrom(1, 7, 129, 256, 257, 600),
      queries: fc.constantFrom(1, 3, 7, 8, 9, 70, 128, 129),
      depth: fc.constantFrom(0, 1, 10, 300),
      dimensions: fc.constantFrom(1, 3, 8),
    });
    fc.assert(
      fc.property(sizes, fc.nat(1000), (size, seed) => {
        const documents = halves(size.documents, size.dimensions, seed);
        const queries = halves(size.queries, size.dimensions, seed + 1);
        const index = indexOf(documentIds(size.documents), documents);
        expect(search(index, queries, size.depth)).toEqual(direct(documents, queries, size.depth));
      }),
      { numRuns: 20 },
    );
  });

  it("gives no rankings for no queries and no hits without documents", () => {
    const empty = indexOf([], { dimensions: 2, values: new Float32Array() });
    expect(search(empty, halves(0, 2, 1), 5)).toEqual([]);
    expect(search(empty, halves(1, 2, 1), 5)).toEqual([{ queryId: "q0", hits: [] }]);
  });

  it("scores in float64 what float32 would put in the wrong order", () => {
    // In float32 each 2^-15 is lost beside 1024: the last document would have 1024, and those of the first block more.
    const dimensions = 33;
    const small = Array.from({ length: 32 }, () => 2 ** -15);
    const first = Array.from({ length: 256 }, () => [1024 + 2 ** -12, ...small.map(() => 0)]);
    const documents = { dimensions, values: Float32Array.from([...first.flat(), 1024, ...small]) };
    const query = { dimensions, values: new Float32Array(dimensions).fill(1) };
    const [ranking] = search(indexOf(documentIds(257), documents), query, 1);
    expect(ranking?.hits).toEqual([{ documentId: "d256", score: 1024 + 2 ** -10 }]);
  });

  it("ranks numbers near both ends of float32's range, also behind a block of documents", () => {
    const rows = [
      ...Array.from({ length: 256 }, (_, i) => [0, 0, i % 7 === 0 ? 1e-38 : 0]),
      [3e38, -3e38, 1],
      [3e38, 3e38, 1],
      [1e-30, 2e-30, 0],
      [1e-30, 1e-30, 0],
      [-3e38, 3e38, 3],
    ];
    const documents = { dimensions: 3, values: Float32Array.from(rows.flat()) };
    const index = indexOf(documentIds(rows.length), documents);
    for (const query of [
      [1, 1, 1],
      [3e38, 3e38, 1],
      [1e-15, 1e-15, 0],
      [1e-38, 1e-38, 1e-38],
    ]) {
      const queries = { dimensions: 3, values: Float32Array.from(query) };
      const expected = documentIds(rows.length).map((documentId, d) => ({
        documentId,
        score: Math.fround(dot(queries.values, row(documents, d))),
      }));
      expected.sort(compareHits);
      for (const depth of [1, 2, 5, 300])
        expect(search(index, queries, depth)[0]?.hits).toEqual(expected.slice(0, depth));
    }
  });

  it("stops at vectors that cannot be searched", () => {
    expect(() => indexOf(documentIds(2), halves(3, 2, 1))).toThrow("2 vectors of 2 dimensions have 6 numbers");
    for (const bad of [NaN, Infinity, -Infinity]) {
      const broken = { dimensions: 2, values: Float32Array.of(1, 1, 1, bad) };
      expect(() => indexOf(documentIds(2), broken)).toThrow("not finite");
      expect(() => search(indexOf(documentIds(2), halves(2, 2, 1)), broken, 1)).toThrow("not finite");
    }
    const index = indexOf(documentIds(2), halves(2, 2, 1));
    expect(() => search(index, halves(1, 3, 1), 1)).toThrow("queries of 3 dimensions, documents of 2");
  });
});

describe("dense search", () => {
  it("gives the same bits with and without vector instructions", () => {
    for (const dimensions of [1, 3, 5, 7, 33, 129]) {
      for (const [documents, queries, depth] of [
        [1, 1, 1],
        [5, 70, 9],
        [300, 3, 20],
        [515, 33, 100],
      ] as const) {
        const ids = documentIds(documents);
        const collection = unitVectors(documents, dimensions, documents);
        const asked = unitVectors(queries, dimensions, queries + 1000);
        const found = search(denseIndex(ids, collection), asked, depth);
        expect(found).toEqual(search(plainIndex(ids, collection), asked, depth));
        expect(found[0]?.hits).toHaveLength(Math.min(depth, documents));
      }
    }
  });

  it("does not score what the float32 products rule out", () => {
    const documents = unitVectors(300, 3, 1);
    const query = { dimensions: 3, values: documents.values.slice(280 * 3, 281 * 3) };
    const index = denseIndex(documentIds(300), documents);
    expect(search(index, query, 1)[0]?.hits[0]?.documentId).toBe("d280");
    // Products that find nothing likely hide the best document, which lies behind the first block.
    const scores = index.products?.scores.map(() => -2) ?? new Float32Array();
    const blind = { takeQueries: () => undefined, takeDocuments: () => undefined, multiply: () => undefined, scores };
    expect(search({ ...index, products: blind }, query, 1)[0]?.hits[0]?.documentId).not.toBe("d280");
  });

  // 17 blocks · 256 dimensions are a million multiplications a query.
  const million = { ids: documentIds(4352), vectors: halves(4352, 256, 1) };
  const reports = (index: DenseIndex, queries: number) =>
    [...searchDense(index, { queryIds: queryIds(queries), vectors: halves(queries, 256, 2), depth: 1 })].map(
      ({ done }) => done,
    );

  it("reports while it searches, and at the end all queries", () => {
    expect(reports(plainIndex(million.ids, million.vectors), 33)).toEqual([0, 33]);
    // 16 times the work between two reports: within the third group of 128.
    expect(reports(denseIndex(million.ids, million.vectors), 500)).toEqual([256, 500]);
  });

  it("searches of one index do not disturb each other", () => {
    const index = denseIndex(million.ids, million.vectors);
    const start = (seed: number) =>
      searchDense(index, { queryIds: queryIds(500), vectors: halves(500, 256, seed), depth: 3 });
    const alone = [3, 4].map((seed) => last(start(seed)));
    const [one, two] = [start(3), start(4)];
    expect(one.next().value).toMatchObject({ done: 256 });
    expect(two.next().value).toMatchObject({ done: 256 });
    expect([last(one), last(two)]).toEqual(alone);
  });
});
