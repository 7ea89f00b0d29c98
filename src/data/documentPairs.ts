/**
 * Queries made of the documents themselves, so that an encoder learns a collection for which nobody judged anything:
 * a document's title, answered by its text; and a sentence, answered by the rest of its document (the inverse cloze
 * task: Lee, Chang and Toutanova, ACL 2019, arXiv 1906.00300). As there, the sentence is drawn uniformly, the title
 * stays, and in a tenth of the cases the sentence stays in too, so that shared words go on to count.
 */
import { random, type Random } from "../base/random.ts";
import { documentText, type Document, type Query } from "../domain/collection.ts";
import type { PairSource } from "../domain/configTraining.ts";
import { queryId, type DocumentId } from "../domain/ids.ts";
import type { Progress } from "../domain/stages.ts";

export const pairKinds = ["title", "sentence"] as const;
export type PairKind = (typeof pairKinds)[number];

/** Why a document gives no pair of a kind. */
export type Lack = "noTitle" | "fewSentences" | "shortRest";

export interface DocumentPair {
  readonly kind: PairKind;
  readonly query: string;
  /** The document without what the query took of it. */
  readonly rest: Pick<Document, "title" | "text">;
}

/** Share of the sentences that stay in their document: 1 − mask_rate of the paper's code (orqa/ict_experiment.py). */
const kept = 0.1;
/** Characters. A text of a few words says too little to be an answer, a sentence of one or two too little to be a query. */
const fewest = { rest: 40, sentence: 20 } as const;

interface Sentence {
  readonly text: string;
  /** Where it stands, the space after it included. */
  readonly start: number;
  readonly end: number;
}

// A language that every engine knows: without one it would be the machine's own. The rules hardly depend on it.
const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** By Unicode's sentence breaks (UAX 29), without those that hold nothing but space. */
export const sentencesOf = (text: string): Sentence[] =>
  Array.from(segmenter.segment(text), ({ segment, index }) => ({
    text: segment.trim(),
    start: index,
    end: index + segment.length,
  })).filter((sentence) => sentence.text !== "");

const hasLetter = (text: string): boolean => /\p{L}/u.test(text);

const without = (text: string, { start, end }: Sentence): string => `${text.slice(0, start)}${text.slice(end)}`.trim();

const isLong = (rest: DocumentPair["rest"]): boolean => documentText(rest).length >= fewest.rest;

/** Titles are one query where they differ in capital letters and spaces alone. */
export const queryKey = (text: string): string => text.replace(/\s+/gu, " ").trim().toLowerCase();

/** The title as query, the text as its answer. A first line that is the title again is left out of the text. */
export function titlePair({ title, text }: Document): DocumentPair | Lack {
  const query = title.trim();
  if (!hasLetter(query)) return "noTitle";
  const [first] = sentencesOf(text);
  const repeats = first !== undefined && queryKey(first.text) === queryKey(query);
  const rest = { title: "", text: repeats ? without(text, first) : text.trim() };
  return isLong(rest) ? { kind: "title", query, rest } : "shortRest";
}

/** A sentence that `source` draws, and the rest of its document; `keep`: how often the sentence stays in that. */
export function sentencePair({ title, text }: Document, source: Random, keep = kept): DocumentPair | Lack {
  const sentences = sentencesOf(text);
  if (sentences.length < 2) return "fewSentences";
  const long = sentences.filter((sentence) => sentence.text.length >= fewest.sentence && hasLetter(sentence.text));
  const drawn = long[source.integer(long.length)];
  if (!drawn) return "fewSentences";
  const stays = source.next() < keep;
  const rest = { title, text: without(text, drawn) };
  if (!isLong(rest)) return "shortRest";
  return { kind: "sentence", query: drawn.text, rest: stays ? { title, text } : rest };
}

const kindsOf = {
  queries: [],
  titles: ["title"],
  cloze: ["sentence"],
  documents: pairKinds,
} as const satisfies Record<PairSource, readonly PairKind[]>;

export interface MadePair {
  readonly queryId: Query["id"];
  readonly documentId: DocumentId;
  /** What the encoder reads of the answer. */
  readonly text: string;
}

export interface MadePairs {
  /** Each distinct query once: documents may have a title in common. */
  readonly queries: readonly Query[];
  /** In the order of the documents, title before sentence. */
  readonly pairs: readonly MadePair[];
  /** By kind: how many pairs there are, and how many documents gave none, by reason. */
  readonly made: ReadonlyMap<PairKind, number>;
  readonly lacking: ReadonlyMap<PairKind, ReadonlyMap<Lack, number>>;
}

const countUp = <Key>(counts: Map<Key, number>, key: Key): Map<Key, number> =>
  counts.set(key, (counts.get(key) ?? 0) + 1);

/** Documents between two reports. */
const documentsPerReport = 64;

/** What `source` asks for, of every document that gives it. The same documents and seed give the same pairs. */
export function* makePairs(
  documents: readonly Document[],
  source: PairSource,
  seed: number,
): Generator<Progress, MadePairs, void> {
  const queries = new Map<string, Query>();
  const pairs: MadePair[] = [];
  const made = new Map<PairKind, number>();
  const lacking = new Map<PairKind, Map<Lack, number>>();
  function take(document: Document, kind: PairKind): void {
    const pair =
      kind === "title" ? titlePair(document) : sentencePair(document, random(seed, `sentence ${document.id}`));
    if (typeof pair === "string") {
      lacking.set(kind, countUp(lacking.get(kind) ?? new Map<Lack, number>(), pair));
      return;
    }
    const key = queryKey(pair.query);
    const query = queries.get(key) ?? { id: queryId(`${kind}-${document.id}`), text: pair.query };
    queries.set(key, query);
    pairs.push({ queryId: query.id, documentId: document.id, text: documentText(pair.rest) });
    countUp(made, kind);
  }
  for (const [place, document] of documents.entries()) {
    for (const kind of kindsOf[source]) take(document, kind);
    if (place % documentsPerReport === 0) yield { done: place, total: documents.length, unit: "documents" };
  }
  return { queries: [...queries.values()], pairs, made, lacking };
}
