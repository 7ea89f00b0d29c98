/** The collection as the stages look things up in it. */
import { present } from "../base/assert.ts";
import { documentText, type Collection } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";

export interface Corpus {
  readonly ids: readonly DocumentId[];
  /** What the encoder reads of each document. */
  readonly texts: readonly string[];
  readonly placeOf: (documentId: DocumentId) => number | undefined;
  /** All documents that read so. */
  readonly placesOf: (text: string) => readonly number[];
  readonly textOf: (documentId: DocumentId) => string;
  readonly queryText: (queryId: QueryId) => string;
  /** Relevant documents of each query over all splits: none of them may become a negative. */
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

export function corpusOf(collection: Collection): Corpus {
  const ids = collection.documents.map(({ id }) => id);
  const texts = collection.documents.map(documentText);
  const places = new Map(ids.map((id, place) => [id, place] as const));
  const queries = new Map(collection.queries.map(({ id, text }) => [id, text] as const));
  const relevant = relevantDocuments(collection);
  const byText = lazily(() => placesByText(texts));
  return {
    ids,
    texts,
    placeOf: (id) => places.get(id),
    placesOf: (text) => byText().get(text) ?? [],
    textOf: (id) => present(texts[places.get(id) ?? -1], `document ${id}`),
    queryText: (id) => present(queries.get(id), `query ${id}`),
    relevant: (id) => relevant.get(id) ?? NONE,
  };
}
