/** From likely pairs of a query and a document to scores: those of one query together, each in float64. */
import { scoreLikely, type DenseIndex, type Group, type Pacer, type Span } from "./dense.ts";
import type { Likely } from "./likelyFinder.ts";

/** Pairs of a query that are scored before the next are compared with its best: dense.ts makes four scores in one go. */
const scoredAtOnce = 4;

export interface Asking {
  readonly index: DenseIndex;
  readonly group: Group;
  /** For each query, how far a product may be from a score. */
  readonly margins: Float64Array;
  readonly due: Pacer;
}

const queryOf = ({ pairs }: Likely, i: number, documents: number): number =>
  Math.floor((pairs[2 * i] ?? 0) / documents);

/** The numbers of the pairs, sorted by query; those of query q are at `starts[q]` … `starts[q + 1]`. */
function byQuery(found: Likely, queries: number, documents: number) {
  const ends = new Uint32Array(queries);
  for (let i = 0; i < found.count; i++) {
    const q = queryOf(found, i, documents);
    ends[q] = (ends[q] ?? 0) + 1;
  }
  const starts = new Uint32Array(queries + 1);
  for (let q = 0; q < queries; q++) starts[q + 1] = (starts[q] ?? 0) + (ends[q] ?? 0);
  ends.set(starts.subarray(0, queries));
  const order = new Uint32Array(found.count);
  for (let i = 0; i < found.count; i++) {
    const q = queryOf(found, i, documents);
    order[ends[q] ?? 0] = i;
    ends[q] = (ends[q] ?? 0) + 1;
  }
  return { starts, order };
}

/**
 * Scores the pairs found in a span, but for those that are ruled out by what was scored before them, and offers them to
 * their queries. Yields when a report is `due`.
 */
export function* scorePairs(
  { index: { vectors }, group: { asked }, margins, due }: Asking,
  { from, to }: Span,
  found: Likely,
): Generator<void, void> {
  const { starts, order } = byQuery(found, asked.length, to - from);
  const some = new Uint32Array(scoredAtOnce);
  for (const [q, query] of asked.entries()) {
    const margin = margins[q] ?? Infinity;
    let scored = 0;
    let waiting = 0;
    for (const i of order.subarray(starts[q], starts[q + 1])) {
      if ((found.products[2 * i + 1] ?? 0) < query.heap.least() - margin) continue;
      some[waiting++] = from + ((found.pairs[2 * i] ?? 0) % (to - from));
      if (waiting < scoredAtOnce) continue;
      scoreLikely(vectors, query, some, waiting);
      scored += waiting;
      waiting = 0;
    }
    scoreLikely(vectors, query, some, waiting);
    if (due("plain", (scored + waiting) * vectors.dimensions)) yield;
  }
}
