/** The collection as the stages look things up in it. */
import { present } from "../base/assert.ts";
import { documentText, type Collection } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { TrainingPair } from "../negatives/pools.ts";
import type { Splits } from "./prepare.ts";

export interface Corpus {
  readonly ids: readonly DocumentId[];
  /** What the encoder reads of each document. */
  readonly texts: readonly string[];
  readonly placeOf: (documentId: DocumentId) => number | undefined;
  /** All documents that read so. */
  readonly placesOf: (text: string) => readonly number[];
  readonly textOf: (documentId: DocumentId) => string;
  /** What the encoder reads of a pair's answer. */
  readonly answerText: (pair: Omit<TrainingPair, "queryId">) => string;
  readonly queryText: (queryId: QueryId) => string;
  /** Relevant documents of each query over all splits, and their near-copies where these are known: none may become a negative. */
  readonly relevant: (queryId: QueryId) => ReadonlySet<DocumentId>;
}

function relevantDocuments({ judgements }: Collection): ReadonlyMap<QueryId, ReadonlySet<DocumentId>> {
  const relevant = new Map<QueryId, Set<DocumentId>>();
  for (const { queryId, documentId, grade } of Object.values(judgements).flat()) {
    if (grade <= 0) continue;
    const known = relevant.get(queryId) ?? new Set<DocumentId>();
    relevant.set(queryId, known.add(documentId));
  }
  return relevant;
}

function placesByText(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [place, text] of texts.entries()) {
    const same = places.get(text);
    if (same) same.push(place);
    else places.set(text, [place]);
  }
  return places;
}

/** Made when first asked for. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const NONE: ReadonlySet<DocumentId> = new Set();

export function corpusOf({ collection, copies }: Pick<Splits, "collection" | "copies">): Corpus {
  const ids = collection.documents.map(({ id }) => id);
  const texts = collection.documents.map(documentText);
  const places = new Map(ids.map((id, place) => [id, place] as const));
  const queries = new Map(collection.queries.map(({ id, text }) => [id, text] as const));
  const relevant = relevantDocuments(collection);
  const textOf = (id: DocumentId) => present(texts[places.get(id) ?? -1], `document ${id}`);
  const byText = lazily(() => placesByText(texts));
  return {
    ids,
    texts,
    placeOf: (id) => places.get(id),
    placesOf: (text) => byText().get(text) ?? [],
    textOf,
    answerText: ({ documentId, text }) => text ?? textOf(documentId),
    queryText: (id) => present(queries.get(id), `query ${id}`),
    relevant(id) {
      const known = relevant.get(id) ?? NONE;
      // Made when asked for: a collection that repeats itself has more near-copies than are worth holding by query.
      return copies.size === 0 ? known : new Set([...known].flatMap((own) => [own, ...(copies.get(own) ?? [])]));
    },
  };
}
