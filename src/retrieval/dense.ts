/**
 * Exact search by inner product: every query against every document. Products in float32 (products.ts) tell which
 * documents may be among the best; those are scored in float64. So rankings and scores are the same, bit for bit, with
 * and without vector instructions.
 */
import { assert } from "../base/assert.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { Progress } from "../domain/stages.ts";
import { float32Margin, lengths } from "./margin.ts";
import { placesOf } from "./order.ts";
import { blockSize, createProducts, groupSize, panelSize, type Products } from "./products.ts";
import { top, type Numbered, type Top } from "./top.ts";

export interface DenseIndex extends Numbered {
  /** (documents, dimensions) */
  readonly vectors: Vectors;
  /** Length of the longest of them. */
  readonly longest: number;
  /** Undefined where there are no vector instructions: all documents are scored in float64 then. */
  readonly products: Products | undefined;
}

/** Multiplications between two reports: about 30 ms of float64 and of float32 products. */
const workPerReport = { plain: 25_000_000, products: 400_000_000 };

/** A query while it is searched. */
interface Asked {
  /** (dimensions) */
  readonly vector: Float32Array;
  readonly heap: Top;
  /** How far its float32 products may be from its scores. */
  readonly margin: number;
}

/** Documents `from` … `to`, and those of them that may be among the best of a query. */
interface Block {
  readonly from: number;
  readonly to: number;
  /** Numbers of documents; has room for the whole block. */
  readonly likely: Uint32Array;
}

/** A vector for each name, all of them numbers: NaN would lose a document without a word. */
function checkedLengths(vectors: Vectors, rows: number): Float64Array {
  const { dimensions, values } = vectors;
  assert(
    values.length === rows * dimensions,
    `${rows} vectors of ${dimensions} dimensions have ${values.length} numbers`,
  );
  const found = lengths(vectors);
  assert(found.every(Number.isFinite), "a vector has a number that is not finite");
  return found;
}

/** Takes the vectors as they are, without a copy. Ids must differ. */
export function denseIndex(ids: readonly DocumentId[], vectors: Vectors): DenseIndex {
  const longest = checkedLengths(vectors, ids.length).reduce((most, length) => Math.max(most, length), 0);
  return { ids, places: placesOf(ids), vectors, longest, products: createProducts(vectors.dimensions) };
}

/** Inner products of a query with four documents, each summed in order: a number of the query is loaded once for four. */
function fourScores({ dimensions, values }: Vectors, query: Float32Array, some: Uint32Array, i: number): number[] {
  const [d0, d1] = [(some[i] ?? 0) * dimensions, (some[i + 1] ?? 0) * dimensions];
  const [d2, d3] = [(some[i + 2] ?? 0) * dimensions, (some[i + 3] ?? 0) * dimensions];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < dimensions; k++) {
    const x = query[k] ?? 0;
    s0 += x * (values[d0 + k] ?? 0);
    s1 += x * (values[d1 + k] ?? 0);
    s2 += x * (values[d2 + k] ?? 0);
    s3 += x * (values[d3 + k] ?? 0);
  }
  return [s0, s1, s2, s3];
}

/** Notes the documents of a block that may be among the best of the query in `lane`, and returns how many they are. */
function findLikely(scores: Float32Array, lane: number, limit: number, { from, to, likely }: Block): number {
  let found = 0;
  // Not "≥": what is not a number overflowed, and may be anything.
  for (let document = from, i = lane; document < to; document++, i += panelSize)
    if (!((scores[i] ?? 0) < limit)) likely[found++] = document;
  return found;
}

function takeAll({ from, to, likely }: Block): number {
  for (let document = from; document < to; document++) likely[document - from] = document;
  return to - from;
}

/** Scores a block for a group of queries. */
function scoreBlock({ vectors, products }: DenseIndex, group: readonly Asked[], block: Block): void {
  const { dimensions, values } = vectors;
  products?.takeDocuments(values.subarray(block.from * dimensions, block.to * dimensions));
  for (const [q, { vector, heap, margin }] of group.entries()) {
    const lane = q % panelSize;
    if (lane === 0) products?.multiply(q / panelSize);
    const count = products ? findLikely(products.scores, lane, heap.least() - margin, block) : takeAll(block);
    for (let i = 0; i < count; i += 4) {
      const scores = fourScores(vectors, vector, block.likely, i);
      for (let j = 0; j < Math.min(4, count - i); j++) heap.offer(block.likely[i + j] ?? 0, scores[j] ?? 0);
    }
  }
}

/** Says when enough work is done for a report. */
function pacer(most: number): (work: number) => boolean {
  let since = 0;
  return (work) => {
    since += work;
    if (since < most) return false;
    since = 0;
    return true;
  };
}

/** One group of queries against every block. Yields when a report is `due`. */
function* searchGroup(
  index: DenseIndex,
  { group, queries, due }: { group: readonly Asked[]; queries: Float32Array; due: (work: number) => boolean },
): Generator<void, void> {
  const { ids, vectors, products } = index;
  const likely = new Uint32Array(blockSize);
  products?.takeQueries(queries);
  for (let from = 0; from < ids.length; from += blockSize) {
    const to = Math.min(from + blockSize, ids.length);
    scoreBlock(index, group, { from, to, likely });
    if (!due(group.length * (to - from) * vectors.dimensions)) continue;
    yield;
    // Another search of this index may have run meanwhile.
    products?.takeQueries(queries);
  }
}

/** Best `depth` documents a query, in the order of the queries. `vectors`: (queries, the index's dimensions). */
export function* searchDense(
  index: DenseIndex,
  input: { readonly queryIds: readonly QueryId[]; readonly vectors: Vectors; readonly depth: number },
): Generator<Progress, Ranking[]> {
  const { queryIds, vectors, depth } = input;
  const { dimensions } = index.vectors;
  const total = queryIds.length;
  assert(vectors.dimensions === dimensions, `queries of ${vectors.dimensions} dimensions, documents of ${dimensions}`);
  const margins = checkedLengths(vectors, total).map((length) => float32Margin(dimensions, length * index.longest));
  const due = pacer(workPerReport[index.products ? "products" : "plain"]);
  const rankings: Ranking[] = [];
  for (let first = 0; first < total; first += groupSize) {
    const names = queryIds.slice(first, first + groupSize);
    const queries = vectors.values.subarray(first * dimensions, (first + names.length) * dimensions);
    const group = names.map((_, q) => ({
      vector: queries.subarray(q * dimensions, (q + 1) * dimensions),
      heap: top(depth, index),
      margin: margins[first + q] ?? Infinity,
    }));
    for (const _ of searchGroup(index, { group, queries, due })) yield { done: first, total, unit: "queries" };
    names.forEach((queryId, q) => rankings.push({ queryId, hits: group[q]?.heap.drain() ?? [] }));
  }
  yield { done: total, total, unit: "queries" };
  return rankings;
}
