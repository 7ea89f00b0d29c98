/** An encoder's search beside BM25's: the same queries by its vectors alone, and fused with BM25 in every way. */
import type { Query } from "../domain/collection.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { EncoderRankings, Ranking } from "../domain/ranking.ts";
import type { Progress } from "../domain/stages.ts";
import { searchBm25WithSpread, type Bm25Index } from "./bm25.ts";
import { searchDense, type DenseIndex } from "./dense.ts";
import { fusionDepth, reciprocalRanks, scoredList, zScores } from "./fusion.ts";
import { spreadOf, type Moments } from "./moments.ts";

export interface HybridIndex {
  readonly text: Bm25Index;
  readonly dense: DenseIndex;
  /** Of the dense index's vectors. */
  readonly moments: Moments;
}

export interface HybridInput {
  readonly queries: readonly Query[];
  /** (queries, dimensions) */
  readonly vectors: Vectors;
  readonly depth: number;
}

/** Queries at once: few, as their long lists are in memory together, and a stop waits for them to be fused. */
const groupSize = 32;

/** Says `at` whenever the work reports. */
export function* paced<Output>(work: Generator<unknown, Output>, at: Progress): Generator<Progress, Output> {
  let result = work.next();
  for (; !result.done; result = work.next()) yield at;
  return result.value;
}

const groupOf = ({ queries, vectors: { dimensions, values }, depth }: HybridInput, first: number): HybridInput => {
  const group = queries.slice(first, first + groupSize);
  const vectors = { dimensions, values: values.subarray(first * dimensions, (first + group.length) * dimensions) };
  return { queries: group, vectors, depth };
};

/** Best `depth` documents a query, in the order of the queries. */
export function* searchFused(index: HybridIndex, input: HybridInput): Generator<Progress, EncoderRankings> {
  const { text, dense, moments } = index;
  const { depth } = input;
  const deep = Math.max(depth, fusionDepth);
  const total = input.queries.length;
  const [alone, rrf, zscore]: [Ranking[], Ranking[], Ranking[]] = [[], [], []];
  for (let first = 0; first < total; first += groupSize) {
    const { queries, vectors } = groupOf(input, first);
    const at = { done: first, total, unit: "queries" } as const;
    const byWords = yield* paced(searchBm25WithSpread(text, { queries, depth: deep }), at);
    const queryIds = queries.map(({ id }) => id);
    const byVector = yield* paced(searchDense(dense, { queryIds, vectors, depth: deep }), at);
    for (const [q, { ranking, spread }] of byWords.entries()) {
      const { queryId } = ranking;
      const hits = byVector[q]?.hits ?? [];
      const own = vectors.values.subarray(q * vectors.dimensions, (q + 1) * vectors.dimensions);
      const lists = [scoredList(ranking.hits, spread, deep), scoredList(hits, spreadOf(moments, own), deep)];
      alone.push({ queryId, hits: hits.slice(0, depth) });
      rrf.push({ queryId, hits: reciprocalRanks([ranking.hits, hits], depth) });
      zscore.push({ queryId, hits: zScores(lists, depth) });
    }
  }
  yield { done: total, total, unit: "queries" };
  return { alone, rrf, zscore };
}
