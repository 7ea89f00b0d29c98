/**
 * Exact search by inner product: every query against every document. Products in float32 (products.ts; gpuSearch.ts where
 * there is a GPU) tell which documents may be among the best; those are scored in float64. So rankings and scores are the
 * same, bit for bit, with and without vector instructions or a GPU.
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

export interface DenseInput {
  readonly queryIds: readonly QueryId[];
  /** (queries, the index's dimensions) */
  readonly vectors: Vectors;
  readonly depth: number;
}

/** A query while it is searched. */
export interface Asked {
  readonly id: QueryId;
  /** (dimensions) */
  readonly vector: Float32Array;
  readonly length: number;
  readonly heap: Top;
}

/** Queries that are searched together. */
export interface Group {
  /** How many were searched before them. */
  readonly first: number;
  readonly asked: readonly Asked[];
  /** (queries, dimensions) */
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** Documents `from` … `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A span, and those of its documents that may be among the best of a query. */
interface Block extends Span {
  /** Numbers of documents; has room for the whole block. */
  readonly likely: Uint32Array;
}

/** Multiplications between two reports: about 30 ms of float64 and of float32 products. */
const workPerReport = { plain: 25_000_000, products: 400_000_000 };

/** Says whether a report is due after so much more work, in multiplications. */
export type Pacer = (kind: keyof typeof workPerReport, work: number) => boolean;

export function pacer(): Pacer {
  let since = 0;
  return (kind, work) => {
    since += work / workPerReport[kind];
    if (since < 1) return false;
    since = 0;
    return true;
  };
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

/** Scores the first `count` of `likely` in float64 and offers them to the query's best. */
export function scoreLikely(vectors: Vectors, { vector, heap }: Asked, likely: Uint32Array, count: number): void {
  for (let i = 0; i < count; i += 4) {
    const scores = fourScores(vectors, vector, likely, i);
    for (let j = 0; j < Math.min(4, count - i); j++) heap.offer(likely[i + j] ?? 0, scores[j] ?? 0);
  }
}

/** Scores a block for at most `groupSize` queries. */
function scoreBlock({ vectors, longest, products }: DenseIndex, asked: readonly Asked[], block: Block): void {
  const { dimensions, values } = vectors;
  products?.takeDocuments(values.subarray(block.from * dimensions, block.to * dimensions));
  for (const [q, query] of asked.entries()) {
    const lane = q % panelSize;
    if (lane === 0) products?.multiply(q / panelSize);
    const limit = query.heap.least() - float32Margin(dimensions, query.length * longest);
    const count = products ? findLikely(products.scores, lane, limit, block) : takeAll(block);
    scoreLikely(vectors, query, block.likely, count);
  }
}

/** The documents of a span for a group of any size, `groupSize` queries at a time. Yields when a report is `due`. */
export function* scoreDocuments(
  { index, group, due }: { readonly index: DenseIndex; readonly group: Group; readonly due: Pacer },
  span: Span,
): Generator<void, void> {
  const { vectors, products } = index;
  const { dimensions } = vectors;
  const likely = new Uint32Array(blockSize);
  for (let first = 0; first < group.asked.length; first += groupSize) {
    const asked = group.asked.slice(first, first + groupSize);
    const queries = group.vectors.subarray(first * dimensions, (first + asked.length) * dimensions);
    products?.takeQueries(queries);
    for (let { from } = span; from < span.to; from += blockSize) {
      const to = Math.min(from + blockSize, span.to);
      scoreBlock(index, asked, { from, to, likely });
      if (!due(products ? "products" : "plain", asked.length * (to - from) * dimensions)) continue;
      yield;
      // Another search of this index may have run meanwhile.
      products?.takeQueries(queries);
    }
  }
}

/** The queries in groups of at most `size`, in order, nothing found yet. */
export function* groupsOf(
  index: DenseIndex,
  { queryIds, vectors, depth }: DenseInput,
  size: number,
): Generator<Group, void> {
  const { dimensions } = index.vectors;
  assert(vectors.dimensions === dimensions, `queries of ${vectors.dimensions} dimensions, documents of ${dimensions}`);
  const lengths = checkedLengths(vectors, queryIds.length);
  for (let first = 0; first < queryIds.length; first += size) {
    const asked = queryIds.slice(first, first + size).map((id, q) => ({
      id,
      vector: vectors.values.subarray((first + q) * dimensions, (first + q + 1) * dimensions),
      length: lengths[first + q] ?? NaN,
      heap: top(depth, index),
    }));
    const values = vectors.values.subarray(first * dimensions, (first + asked.length) * dimensions);
    yield { first, asked, vectors: values };
  }
}

/** What was found; the group is spent. */
export const rankingsOf = ({ asked }: Group): Ranking[] =>
  asked.map(({ id, heap }) => ({ queryId: id, hits: heap.drain() }));

/** Best `depth` documents a query, in the order of the queries. */
export function* searchDense(index: DenseIndex, input: DenseInput): Generator<Progress, Ranking[]> {
  const total = input.queryIds.length;
  const due = pacer();
  const rankings: Ranking[] = [];
  for (const group of groupsOf(index, input, groupSize)) {
    const work = scoreDocuments({ index, group, due }, { from: 0, to: index.ids.length });
    for (const _ of work) yield { done: group.first, total, unit: "queries" };
    rankings.push(...rankingsOf(group));
  }
  yield { done: total, total, unit: "queries" };
  return rankings;
}
