/**
 * Samplers: which documents of the collection become negatives of a query. Each returns candidates in the order in which
 * they are to be taken, more than are asked for where there are more, so that a mix can fill gaps. Relevant documents
 * (any judgement above 0, in any split) are never candidates. ANCE and ADORE are searched while training goes on.
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

/** The hits of a ranking without the relevant ones, with their ranks among themselves. */
export function irrelevant<Source extends FoundNegative["source"]>(
  source: Source,
  { hits }: Ranking,
  relevant: ReadonlySet<DocumentId>,
): FoundNegative[] {
  return hits
    .filter(({ documentId }) => !relevant.has(documentId))
    .map(({ documentId, score }, i): FoundNegative => ({ source, documentId, score, rank: i + 1 }));
}

function fromRange(found: readonly FoundNegative[], { first, last }: RankRange, seed: number, name: string) {
  const within = found.filter(({ rank }) => rank >= first && rank <= last);
  return shuffled(within, random(seed, name));
}

/**
 * Uniform over the ranks of a range of a BM25 ranking, without replacement, as FlagEmbedding's hn_mine.py samples from
 * its `range_for_sampling` (there "10-210"). The ranking is Anserini's flat one, k1 = .9 and b = .4 (retrieval/bm25.ts).
 */
export function sampleBm25(
  ranking: Ranking,
  relevant: ReadonlySet<DocumentId>,
  range: RankRange,
  seed: number,
): FoundNegative[] {
  return fromRange(irrelevant("bm25", ranking, relevant), range, seed, `bm25 ${ranking.queryId}`);
}

/**
 * Static dense negatives: uniform over the ranks of a range of the guide's exact ranking, without replacement.
 * FlagEmbedding's scripts/hn_mine.py takes 15 from the ranks 10 to 210 and, in its README, 2 to 200; NV-Retriever
 * (arXiv 2407.15831) found ranks beyond the first ten to hurt, so the recipe's default ends at 20.
 */
export function sampleDense(
  ranking: Ranking,
  relevant: ReadonlySet<DocumentId>,
  range: RankRange,
  seed: number,
): FoundNegative[] {
  return fromRange(irrelevant("dense", ranking, relevant), range, seed, `dense ${ranking.queryId}`);
}

/**
 * Uniform over the collection, without replacement; at most `count` of them. Score 0, rank in order of drawing. The
 * baseline "Rand Neg" of ADORE's paper (arXiv 2104.08051).
 */
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
