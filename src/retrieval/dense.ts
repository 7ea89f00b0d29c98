/** Exact search by inner product: every query against every document, no approximation. */
import { assert } from "../base/assert.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { Progress } from "../domain/stages.ts";
import { placesOf } from "./order.ts";
import { top, type Numbered, type Top } from "./top.ts";

export interface DenseIndex extends Numbered {
  /** (documents, dimensions) */
  readonly vectors: Vectors;
}

/** Documents a block: 256 of 384 dimensions are 384 KiB, and stay in the second-level cache for all queries of a group. */
const blockSize = 256;
/** Queries a group: each has its heap in memory. */
const groupSize = 32;
/** Multiplications between two reports: about 30 ms. */
const workPerReport = 25_000_000;

interface Group {
  /** (groupSize, dimensions) */
  readonly queries: Float32Array;
  /** One a query: as many as there are, at most `groupSize`. */
  readonly heaps: readonly Top[];
}

/** A vector for each name, all of them numbers: NaN would lose a document without a word. */
function assertVectors({ dimensions, values }: Vectors, rows: number): void {
  assert(
    values.length === rows * dimensions,
    `${rows} vectors of ${dimensions} dimensions have ${values.length} numbers`,
  );
  assert(values.every(Number.isFinite), "a vector has a number that is not finite");
}

/** Takes the vectors as they are, without a copy. Ids must differ. */
export function denseIndex(ids: readonly DocumentId[], vectors: Vectors): DenseIndex {
  assertVectors(vectors, ids.length);
  return { ids, places: placesOf(ids), vectors };
}

/** Documents `from` … `to` against a group of queries, four at a time: a number of a document is loaded once for four. */
function scoreBlock({ vectors }: DenseIndex, group: Group, from: number, to: number): void {
  const { dimensions, values } = vectors;
  const { queries, heaps } = group;
  for (let first = 0; first < heaps.length; first += 4) {
    const [q0, q1, q2, q3] = [first, first + 1, first + 2, first + 3].map((q) => q * dimensions);
    assert(q0 !== undefined && q1 !== undefined && q2 !== undefined && q3 !== undefined, "four rows");
    for (let document = from; document < to; document++) {
      const row = document * dimensions;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let k = 0; k < dimensions; k++) {
        const x = values[row + k] ?? 0;
        s0 += x * (queries[q0 + k] ?? 0);
        s1 += x * (queries[q1 + k] ?? 0);
        s2 += x * (queries[q2 + k] ?? 0);
        s3 += x * (queries[q3 + k] ?? 0);
      }
      heaps[first]?.offer(document, s0);
      heaps[first + 1]?.offer(document, s1);
      heaps[first + 2]?.offer(document, s2);
      heaps[first + 3]?.offer(document, s3);
    }
  }
}

/** Best `depth` documents a query, in the order of the queries. `vectors`: (queries, the index's dimensions). */
export function* searchDense(
  index: DenseIndex,
  input: { readonly queryIds: readonly QueryId[]; readonly vectors: Vectors; readonly depth: number },
): Generator<Progress, Ranking[]> {
  const { queryIds, vectors, depth } = input;
  const { dimensions } = index.vectors;
  assert(vectors.dimensions === dimensions, `queries of ${vectors.dimensions} dimensions, documents of ${dimensions}`);
  assertVectors(vectors, queryIds.length);
  const rankings: Ranking[] = [];
  let work = 0;
  for (let first = 0; first < queryIds.length; first += groupSize) {
    const names = queryIds.slice(first, first + groupSize);
    // Zeros after the last query of the last group: they are multiplied too, and nothing is done with the product.
    const queries = new Float32Array(groupSize * dimensions);
    queries.set(vectors.values.subarray(first * dimensions, (first + names.length) * dimensions));
    const group = { queries, heaps: names.map(() => top(depth, index)) };
    for (let from = 0; from < index.ids.length; from += blockSize) {
      const to = Math.min(from + blockSize, index.ids.length);
      scoreBlock(index, group, from, to);
      work += names.length * (to - from) * dimensions;
      if (work < workPerReport) continue;
      work = 0;
      yield { done: rankings.length, total: queryIds.length, unit: "queries" };
    }
    names.forEach((queryId, q) => rankings.push({ queryId, hits: group.heaps[q]?.drain() ?? [] }));
  }
  yield { done: queryIds.length, total: queryIds.length, unit: "queries" };
  return rankings;
}
