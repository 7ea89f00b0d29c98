/**
 * Samplers: which documents of the collection become negatives of a query. Each returns candidates in the order in which
 * they are to be taken, more than are asked for where there are more, so that a mix can fill gaps. Relevant documents
 * (any judgement above 0, in any split) are never candidates.
 */
import { random, shuffled } from "../base/random.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { FoundNegative } from "../domain/negative.ts";
import type { Ranking } from "../domain/ranking.ts";

export interface RankRange {
  /** 1-based ranks after the relevant documents are left out, both inclusive. */
  readonly first: number;
  readonly last: number;
}

/** Uniform over the ranks of a range of a BM25 ranking (FlagEmbedding's hn_mine `range_for_sampling`), without replacement. */
export function sampleBm25(
  ranking: Ranking,
  relevant: ReadonlySet<DocumentId>,
  range: RankRange,
  seed: number,
): FoundNegative[] {
  const found = ranking.hits
    .filter(({ documentId }) => !relevant.has(documentId))
    .map(({ documentId, score }, i): FoundNegative => ({ source: "bm25", documentId, score, rank: i + 1 }))
    .filter(({ rank }) => rank >= range.first && rank <= range.last);
  return shuffled(found, random(seed, `bm25 ${ranking.queryId}`));
}

/** Uniform over the collection, without replacement; at most `count` of them. Score 0, rank in order of drawing. */
export function sampleRandom(
  documents: readonly DocumentId[],
  relevant: ReadonlySet<DocumentId>,
  { queryId, count, seed }: { readonly queryId: QueryId; readonly count: number; readonly seed: number },
): FoundNegative[] {
  const source = random(seed, `random ${queryId}`);
  const taken = new Set<DocumentId>(relevant);
  const found: FoundNegative[] = [];
  // Rejection is quick while few are taken; the bound keeps a tiny collection from looping for ever.
  for (let tries = 0; found.length < count && tries < 20 * (count + relevant.size) + 100; tries++) {
    const documentId = documents[source.integer(documents.length)];
    if (documentId === undefined || taken.has(documentId)) continue;
    taken.add(documentId);
    found.push({ source: "random", documentId, score: 0, rank: found.length + 1 });
  }
  return found;
}
