/**
 * BM25 as Lucene 8 and later score it (Robertson and Zaragoza, 2009; Kamphuis et al., 2020, "Lucene (accurate)"):
 *
 *   score(q, d) = Σ over the terms t of q, repetitions counted, of idf(t) · tf / (tf + k1 · (1 − b + b · dl / avgdl))
 *   idf(t)      = ln(1 + (N − df + .5) / (df + .5))
 *
 * with exact document lengths (Lucene rounds those above 40 terms to a byte). N and avgdl count the documents that have
 * a term, as in Lucene. k1 and b are Anserini's defaults.
 */
import type { Document, Query } from "../domain/collection.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { IndexSummary, Progress } from "../domain/stages.ts";
import { analyse } from "../text/words.ts";
import type { Spread } from "./fusion.ts";
import { placesOf } from "./order.ts";
import { top, type Numbered } from "./top.ts";

const k1 = 0.9;
const b = 0.4;

/** Postings by term, back to back: those of term t are offsets[t] … offsets[t + 1]. */
export interface Bm25Index extends Numbered {
  readonly terms: ReadonlyMap<string, number>;
  /** (terms + 1) */
  readonly offsets: Uint32Array;
  /** (postings) Document numbers, ascending within a term. */
  readonly documents: Uint32Array;
  /** (postings) What the term adds to the document's score. */
  readonly impacts: Float32Array;
  readonly summary: IndexSummary;
}

/** Term counts by document, as they are read. */
interface Counts {
  /** Documents that have a term: N. */
  readonly withTerms: number;
  /** Their mean length: avgdl. 0 where there are none. */
  readonly averageLength: number;
  readonly terms: Map<string, number>;
  /** (documents) Terms of each document, repetitions counted. */
  readonly lengths: Uint32Array;
  /** (documents + 1) Document d has the entries starts[d] … starts[d + 1] of the two below. */
  readonly starts: Uint32Array;
  readonly entryTerms: Uint32Array;
  readonly frequencies: Uint32Array;
}

const documentsPerReport = 250;
/** About 20 ms of adding up. */
const postingsPerReport = 5_000_000;

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const larger = new Uint32Array(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}

function* count(documents: readonly Document[]): Generator<Progress, Counts> {
  const total = documents.length;
  const terms = new Map<string, number>();
  const lengths = new Uint32Array(total);
  const starts = new Uint32Array(total + 1);
  let entryTerms = new Uint32Array(1024);
  let frequencies = new Uint32Array(1024);
  /** Where each term was last entered: in this document if that is not before the document's start. */
  const lastEntry: number[] = [];
  let end = 0;
  let occurrences = 0;
  let withTerms = 0;
  for (const [d, document] of documents.entries()) {
    const words = analyse(`${document.title}\n${document.text}`);
    entryTerms = grown(entryTerms, end + words.length);
    frequencies = grown(frequencies, end + words.length);
    const start = end;
    for (const word of words) {
      const term = terms.get(word) ?? terms.size;
      if (term === terms.size) terms.set(word, term);
      let entry = lastEntry[term];
      if (entry === undefined || entry < start) {
        entry = end++;
        lastEntry[term] = entry;
        entryTerms[entry] = term;
      }
      frequencies[entry] = (frequencies[entry] ?? 0) + 1;
    }
    lengths[d] = words.length;
    occurrences += words.length;
    if (words.length > 0) withTerms++;
    starts[d + 1] = end;
    if ((d + 1) % documentsPerReport === 0) yield { done: d + 1, total, unit: "documents" };
  }
  const averageLength = withTerms === 0 ? 0 : occurrences / withTerms;
  return { withTerms, averageLength, terms, lengths, starts, entryTerms: entryTerms.subarray(0, end), frequencies };
}

/** (terms + 1) Where each term's postings start, from how many documents have it. */
function offsetsOf({ terms, entryTerms }: Counts): Uint32Array {
  const offsets = new Uint32Array(terms.size + 1);
  for (const term of entryTerms) offsets[term + 1] = (offsets[term + 1] ?? 0) + 1;
  for (let t = 0; t < terms.size; t++) offsets[t + 1] = (offsets[t + 1] ?? 0) + (offsets[t] ?? 0);
  return offsets;
}

const inverseDocumentFrequency = (withTerms: number, df: number): number =>
  Math.log(1 + (withTerms - df + 0.5) / (df + 0.5));

/** Turns the counts round: from terms by document to documents by term. */
function postings(counts: Counts): Pick<Bm25Index, "offsets" | "documents" | "impacts"> {
  const { withTerms, averageLength, lengths, starts, entryTerms, frequencies } = counts;
  const offsets = offsetsOf(counts);
  const documents = new Uint32Array(entryTerms.length);
  const impacts = new Float32Array(entryTerms.length);
  const next = offsets.slice();
  lengths.forEach((length, d) => {
    const norm = k1 * (1 - b + (b * length) / averageLength);
    const end = starts[d + 1] ?? 0;
    for (let entry = starts[d] ?? 0; entry < end; entry++) {
      const term = entryTerms[entry] ?? 0;
      const tf = frequencies[entry] ?? 0;
      const at = next[term] ?? 0;
      const df = (offsets[term + 1] ?? 0) - (offsets[term] ?? 0);
      documents[at] = d;
      impacts[at] = (inverseDocumentFrequency(withTerms, df) * tf) / (tf + norm);
      next[term] = at + 1;
    }
  });
  return { offsets, documents, impacts };
}

/** Indexes title and text of each document. Ids must differ. */
export function* buildBm25(documents: readonly Document[]): Generator<Progress, Bm25Index> {
  const counts = yield* count(documents);
  yield { done: documents.length, total: documents.length, unit: "documents" };
  const { terms, averageLength } = counts;
  const ids = documents.map(({ id }) => id);
  const summary = { documents: documents.length, terms: terms.size, averageLength };
  return { ids, places: placesOf(ids), terms, ...postings(counts), summary };
}

/** A ranking, and how the scores of all documents lie, those without a shared term counted as 0. */
interface SpreadRanking {
  readonly ranking: Ranking;
  readonly spread: Spread;
}

interface Searcher {
  readonly search: (query: Query) => SpreadRanking;
  /** Postings read so far. */
  readonly work: () => number;
}

function searcher(index: Bm25Index, depth: number): Searcher {
  const { offsets, documents, impacts } = index;
  const scores = new Float64Array(index.ids.length);
  const touched = new Uint32Array(index.ids.length);
  const best = top(depth, index);
  let touches = 0;
  let work = 0;

  function add(term: number): void {
    const start = offsets[term] ?? 0;
    const end = offsets[term + 1] ?? 0;
    for (let at = start; at < end; at++) {
      const document = documents[at] ?? 0;
      const score = scores[document] ?? 0;
      // Impacts are above 0, so a score of 0 means that the document is met for the first time.
      if (score === 0) touched[touches++] = document;
      scores[document] = score + (impacts[at] ?? 0);
    }
    work += end - start;
  }

  /** Of the query at hand. */
  function spread(): Spread {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < touches; i++) {
      const score = scores[touched[i] ?? 0] ?? 0;
      sum += score;
      squares += score ** 2;
    }
    const mean = sum / scores.length;
    return { mean, deviation: Math.sqrt(Math.max(0, squares / scores.length - mean ** 2)) };
  }

  function search(query: Query): SpreadRanking {
    touches = 0;
    for (const word of analyse(query.text)) {
      const term = index.terms.get(word);
      if (term !== undefined) add(term);
    }
    const found = spread();
    for (let i = 0; i < touches; i++) {
      const document = touched[i] ?? 0;
      best.offer(document, scores[document] ?? 0);
      scores[document] = 0;
    }
    return { ranking: { queryId: query.id, hits: best.drain() }, spread: found };
  }

  return { search, work: () => work };
}

interface Searched {
  readonly queries: readonly Query[];
  readonly depth: number;
}

/** As {@link searchBm25}, with the spread of each query's scores. */
export function* searchBm25WithSpread(
  index: Bm25Index,
  { queries, depth }: Searched,
): Generator<Progress, SpreadRanking[]> {
  const { search, work } = searcher(index, depth);
  const found: SpreadRanking[] = [];
  let reported = 0;
  for (const query of queries) {
    found.push(search(query));
    if (work() - reported < postingsPerReport) continue;
    reported = work();
    yield { done: found.length, total: queries.length, unit: "queries" };
  }
  yield { done: queries.length, total: queries.length, unit: "queries" };
  return found;
}

/** Best `depth` documents a query, among those that share a term with it; a query without such documents has no hits. */
export function* searchBm25(index: Bm25Index, input: Searched): Generator<Progress, Ranking[]> {
  const found = yield* searchBm25WithSpread(index, input);
  return found.map(({ ranking }) => ranking);
}
