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

/** Inner products of the document at `row` with the four queries from `at` on: a number of the document is loaded once for four. */
function fourProducts(
  { dimensions, values }: Vectors,
  queries: Float32Array,
  row: number,
  at: number,
): readonly number[] {
  const [q1, q2, q3] = [at + dimensions, at + 2 * dimensions, at + 3 * dimensions];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < dimensions; k++) {
    const x = values[row + k] ?? 0;
    s0 += x * (queries[at + k] ?? 0);
    s1 += x * (queries[q1 + k] ?? 0);
    s2 += x * (queries[q2 + k] ?? 0);
    s3 += x * (queries[q3 + k] ?? 0);
  }
  return [s0, s1, s2, s3];
}

/** Documents `from` … `to` against a group of queries, four at a time. */
function scoreBlock({ vectors }: DenseIndex, { queries, heaps }: Group, from: number, to: number): void {
  const { dimensions } = vectors;
  for (let first = 0; first < heaps.length; first += 4) {
    for (let document = from; document < to; document++) {
      const scores = fourProducts(vectors, queries, document * dimensions, first * dimensions);
      for (const [q, score] of scores.entries()) heaps[first + q]?.offer(document, score);
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
