/** What hangs together in a collection, to look it up, and what of it holds some words. Both in small steps: they run beside a page. */
import type { Collection, Document, Judgement, Query } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { Progress } from "../domain/stages.ts";

export interface SplitJudgement extends Judgement {
  readonly split: string;
}

export interface Book {
  readonly collection: Collection;
  /** Of all splits, in their order. */
  readonly judgements: readonly SplitJudgement[];
  /** Places in the collection's lists. */
  readonly documents: ReadonlyMap<DocumentId, number>;
  readonly queries: ReadonlyMap<QueryId, number>;
  /** Places in `judgements`. */
  readonly ofQuery: ReadonlyMap<QueryId, readonly number[]>;
  readonly ofDocument: ReadonlyMap<DocumentId, readonly number[]>;
  readonly negatives: ReadonlyMap<QueryId, readonly WrittenNegative[]>;
}

export const bookLists = ["documents", "queries", "judgements"] as const;
export type BookList = (typeof bookLists)[number];

/** Rows between two reports: some 10,000 words. */
const rowsPerReport = 128;

function append<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = map.get(key);
  if (list) list.push(item);
  else map.set(key, [item]);
}

/** Calls `take` for every row, and reports now and then. */
function* each<Row>(
  rows: readonly Row[],
  unit: Progress["unit"],
  take: (row: Row, place: number) => void,
): Generator<Progress, void, void> {
  for (const [place, row] of rows.entries()) {
    take(row, place);
    if (place % rowsPerReport === 0) yield { done: place, total: rows.length, unit };
  }
}

export function* makeBook(collection: Collection): Generator<Progress, Book, void> {
  const documents = new Map<DocumentId, number>();
  const queries = new Map<QueryId, number>();
  const judgements: SplitJudgement[] = [];
  const ofQuery = new Map<QueryId, number[]>();
  const ofDocument = new Map<DocumentId, number[]>();
  const negatives = new Map<QueryId, WrittenNegative[]>();
  yield* each(collection.documents, "documents", ({ id }, place) => documents.set(id, place));
  yield* each(collection.queries, "queries", ({ id }, place) => queries.set(id, place));
  for (const [split, rows] of Object.entries(collection.judgements)) {
    yield* each(rows, "rows", (judgement) => {
      append(ofQuery, judgement.queryId, judgements.length);
      append(ofDocument, judgement.documentId, judgements.length);
      judgements.push({ ...judgement, split });
    });
  }
  yield* each(collection.negatives, "rows", (negative) => append(negatives, negative.queryId, negative));
  return { collection, judgements, documents, queries, ofQuery, ofDocument, negatives };
}

export const documentOf = ({ collection, documents }: Book, id: DocumentId): Document | undefined =>
  collection.documents[documents.get(id) ?? -1];

export const queryOf = ({ collection, queries }: Book, id: QueryId): Query | undefined =>
  collection.queries[queries.get(id) ?? -1];

export function rowCount(book: Book, list: BookList): number {
  return list === "judgements" ? book.judgements.length : book.collection[list].length;
}

/** Everything of a row that can be searched for. */
function fieldsOf(book: Book, list: BookList, place: number): readonly string[] {
  switch (list) {
    case "documents": {
      const document = book.collection.documents[place];
      return document ? [document.title, document.text, document.id] : [];
    }
    case "queries": {
      const query = book.collection.queries[place];
      return query ? [query.text, query.id] : [];
    }
    case "judgements": {
      const judgement = book.judgements[place];
      if (!judgement) return [];
      const { queryId, documentId, split } = judgement;
      const document = documentOf(book, documentId);
      return [queryOf(book, queryId)?.text ?? "", document?.title ?? "", queryId, documentId, split];
    }
    default:
      return list satisfies never;
  }
}

/** Words and "quoted phrases", each to be found somewhere in a row, as it is written but for upper and lower case. */
export function wantedIn(words: string): RegExp[] {
  const wanted = words.match(/"[^"]+"|[^\s"]+/gu) ?? [];
  return wanted.map((word) => new RegExp(escaped(word.replaceAll('"', "")), "iu"));
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);

/** The places of the rows that hold all of the words, in their order. */
export function* findRows(book: Book, list: BookList, words: string): Generator<Progress, readonly number[], void> {
  const wanted = wantedIn(words);
  const total = rowCount(book, list);
  const found: number[] = [];
  for (let place = 0; place < total; place++) {
    const fields = fieldsOf(book, list, place);
    if (wanted.every((word) => fields.some((field) => word.test(field)))) found.push(place);
    if (place % rowsPerReport === 0) yield { done: place, total, unit: "rows" };
  }
  return found;
}
