import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { random } from "../../src/base/random.ts";
import type { Vectors } from "../../src/domain/encoder.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { denseIndex, searchDense } from "../../src/retrieval/dense.ts";
import { compareHits } from "../../src/retrieval/order.ts";
import { last } from "./last.ts";

const documentIds = (n: number) => Array.from({ length: n }, (_, i) => documentId(`d${i}`));
const queryIds = (n: number) => Array.from({ length: n }, (_, i) => queryId(`q${i}`));

/** Halves from −1 to 1: products are exact and many are equal. */
function vectors(rows: number, dimensions: number, seed: number): Vectors {
  const source = random(seed);
  return { dimensions, values: Float32Array.from({ length: rows * dimensions }, () => source.integer(5) / 2 - 1) };
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, k) => sum + x * (b[k] ?? 0), 0);
const row = ({ dimensions, values }: Vectors, i: number) => values.subarray(i * dimensions, (i + 1) * dimensions);

/** Every score, sorted. */
function direct(
  documents: Vectors,
  queries: Vectors,
  sizes: { documents: number; queries: number; depth: number },
): Ranking[] {
  return queryIds(sizes.queries).map((id, q) => {
    const hits = documentIds(sizes.documents).map((documentId, d) => ({
      documentId,
      score: dot(row(queries, q), row(documents, d)),
    }));
    return { queryId: id, hits: hits.sort(compareHits).slice(0, sizes.depth) };
  });
}

describe("dense search", () => {
  it("finds what sorting all inner products finds, at sizes on both sides of a block and a group", () => {
    const sizes = fc.record({
      documents: fc.constantFrom(1, 7, 129, 256, 257, 600),
      queries: fc.constantFrom(1, 3, 4, 5, 31, 32, 33, 65),
      depth: fc.constantFrom(1, 10, 300),
      dimensions: fc.constantFrom(1, 3, 8),
    });
    fc.assert(
      fc.property(sizes, fc.nat(1000), (size, seed) => {
        const documents = vectors(size.documents, size.dimensions, seed);
        const queries = vectors(size.queries, size.dimensions, seed + 1);
        const index = denseIndex(documentIds(size.documents), documents);
        const found = last(
          searchDense(index, { queryIds: queryIds(size.queries), vectors: queries, depth: size.depth }),
        );
        expect(found).toEqual(direct(documents, queries, size));
      }),
      { numRuns: 40 },
    );
  });

  it("gives no rankings for no queries and no hits without documents", () => {
    const empty = denseIndex([], { dimensions: 2, values: new Float32Array() });
    expect(last(searchDense(empty, { queryIds: [], vectors: vectors(0, 2, 1), depth: 5 }))).toEqual([]);
    const [ranking] = last(searchDense(empty, { queryIds: queryIds(1), vectors: vectors(1, 2, 1), depth: 5 }));
    expect(ranking?.hits).toEqual([]);
  });

  it("reports while it searches, and at the end all queries", () => {
    // 4,096 documents · 32 queries · 256 dimensions are 33.6 million multiplications a group.
    const index = denseIndex(documentIds(4096), vectors(4096, 256, 1));
    const reports = [...searchDense(index, { queryIds: queryIds(33), vectors: vectors(33, 256, 2), depth: 1 })];
    expect(reports.map(({ done }) => done)).toEqual([0, 33]);
  });

  it("stops at vectors that cannot be searched", () => {
    expect(() => denseIndex(documentIds(2), vectors(3, 2, 1))).toThrow("2 vectors of 2 dimensions have 6 numbers");
    const broken = { dimensions: 1, values: Float32Array.of(1, Number.NaN) };
    expect(() => denseIndex(documentIds(2), broken)).toThrow("not finite");
    const index = denseIndex(documentIds(2), vectors(2, 2, 1));
    const search = (queries: Vectors) => () =>
      last(searchDense(index, { queryIds: queryIds(1), vectors: queries, depth: 1 }));
    expect(search(vectors(1, 3, 1))).toThrow("queries of 3 dimensions, documents of 2");
    expect(search({ dimensions: 2, values: Float32Array.of(0, Infinity) })).toThrow("not finite");
  });
});
