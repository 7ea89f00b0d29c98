/**
 * Searching negatives by vectors while the encoder trains: an exact index over the distinct texts of a collection, and
 * which of the nearest may become negatives of a row. The training loop says when, and with which vectors.
 */
import { assert } from "../base/assert.ts";
import { shuffled, type Random } from "../base/random.ts";
import type { Vectors } from "../domain/encoder.ts";
import { documentId, queryId } from "../domain/ids.ts";
import type { Progress } from "../domain/stages.ts";
import type { Refresh, TrainingSet } from "../domain/training.ts";
import { denseIndex, searchDense, type DenseIndex } from "../retrieval/dense.ts";
import type { RankRange } from "./samplers.ts";

export interface Hunt {
  /** Positions in the corpus of its distinct texts, each where it first stands: equal texts are one document. */
  readonly positions: readonly number[];
  /** For each row, those of `positions` that may not become its negatives: what is excluded, its positive, its own negatives. */
  readonly barred: readonly ReadonlySet<number>[];
}

/** Where negatives are searched for, and where not, row by row. */
export function huntFor(data: TrainingSet, { corpus, excluded }: Refresh): Hunt {
  const { rows, documents } = data;
  assert(excluded.length === rows.length, `exclusions for ${excluded.length} of ${rows.length} rows`);
  const firstOf = new Map<string, number>();
  for (const [position, text] of corpus.entries()) if (!firstOf.has(text)) firstOf.set(text, position);
  const barred = rows.map(({ positive, negatives }, row) => {
    const own = [positive, ...negatives.map(({ document }) => document)].map((document) => documents[document]);
    const judged = (excluded[row] ?? []).map((position) => corpus[position]);
    return new Set([...judged, ...own].flatMap((text) => firstOf.get(text ?? "") ?? []));
  });
  return { positions: [...firstOf.values()], barred };
}

/** The vectors at `positions`, (positions, H); not copied where those are all of them. */
export function vectorsAt({ dimensions, values }: Vectors, positions: readonly number[]): Vectors {
  if (positions.length * dimensions === values.length) return { dimensions, values };
  const picked = new Float32Array(positions.length * dimensions);
  for (const [i, position] of positions.entries()) {
    picked.set(values.subarray(position * dimensions, (position + 1) * dimensions), i * dimensions);
  }
  return { dimensions, values: picked };
}

/** `vectors`: (positions, H). Of documents with the same score the one that stands first in the corpus is the nearer. */
export function positionIndex(positions: readonly number[], vectors: Vectors): DenseIndex {
  const index = denseIndex(
    positions.map((position) => documentId(String(position))),
    vectors,
  );
  return { ...index, places: Uint32Array.from(positions.keys()) };
}

/** For each query, the positions of the `depth` nearest documents, nearest first; exact. `queries`: (queries, H). */
export function* searchNearest(
  index: DenseIndex,
  queries: Vectors,
  depth: number,
): Generator<Progress, number[][], void> {
  const count = queries.values.length / queries.dimensions;
  const queryIds = Array.from({ length: count }, (_, i) => queryId(String(i)));
  const rankings = yield* searchDense(index, { queryIds, vectors: queries, depth });
  return rankings.map(({ hits }) => hits.map(({ documentId }) => Number(documentId)));
}

/** {@link searchNearest} at one go, for few queries. */
export function nearest(index: DenseIndex, queries: Vectors, depth: number): number[][] {
  const search = searchNearest(index, queries, depth);
  let result = search.next();
  while (!result.done) result = search.next();
  return result.value;
}

/**
 * `count` of the ranks `first` to `last`, uniformly without replacement, nearest first; ranks count after the barred
 * documents are left out. Fewer where there are fewer.
 */
export function drawRanks(
  ranked: readonly number[],
  barred: ReadonlySet<number>,
  { first, last, count }: RankRange & { readonly count: number },
  source: Random,
): number[] {
  const eligible = ranked.filter((position) => !barred.has(position)).slice(first - 1, last);
  const picked = new Set(shuffled(eligible.keys(), source).slice(0, count));
  return eligible.filter((_, i) => picked.has(i));
}
