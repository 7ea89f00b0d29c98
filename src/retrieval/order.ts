/** The one order of hits in Decoy: score descending, ties by document id descending, as trec_eval sorts them. */
import type { DocumentId } from "../domain/ids.ts";
import type { Hit } from "../domain/ranking.ts";

/** Moves surrogates (the halves of the characters above U+FFFF) past U+E000…U+FFFF, where UTF-8 has those characters. */
const inUtf8Order = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Compares as C's strcmp does on UTF-8: below 0 when `a` comes first. */
export function compareIds(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i);
    if (difference !== 0) return inUtf8Order(a.charCodeAt(i)) - inUtf8Order(b.charCodeAt(i));
  }
  return a.length - b.length;
}

export function compareHits(a: Hit, b: Hit): number {
  return b.score - a.score || compareIds(b.documentId, a.documentId);
}

/** For each document, its place among all when sorted by id descending: settles ties by comparing two integers. */
export function placesOf(ids: readonly DocumentId[]): Uint32Array {
  const sorted = ids.map((id, document) => ({ id, document })).sort((a, b) => compareIds(b.id, a.id));
  const places = new Uint32Array(ids.length);
  sorted.forEach(({ document }, place) => (places[document] = place));
  return places;
}
