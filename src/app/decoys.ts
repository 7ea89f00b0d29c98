/** Queries with their answer and their decoys, ready to be shown: before a run those written, afterwards the rows trained on. */
import { type Signal, signal } from "@preact/signals";
import type { Collection, Document, Judgement } from "../domain/collection.ts";
import { documentText } from "../domain/collection.ts";
import type { RunRecord } from "../domain/run.ts";
import type { NegativeSource, Reasoning, WrittenNegative } from "../domain/negative.ts";
import type { TrainingSet } from "../domain/training.ts";
import type { App } from "./app.ts";
import { productsOf } from "./runState.ts";

export interface PassageView {
  /** May be empty. */
  readonly title: string;
  readonly text: string;
}

export interface DecoyView extends PassageView {
  readonly source: NegativeSource;
  readonly reasoning: Reasoning | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface DecoyRow {
  readonly query: string;
  readonly positives: readonly PassageView[];
  readonly decoys: readonly DecoyView[];
}

export interface DecoysState {
  readonly page: Signal<number>;
  /** The rows of a run of the past; the rows of the run at hand are in its own state. */
  readonly shown: Signal<{ readonly run: RunRecord; readonly trainingSet: TrainingSet | undefined } | undefined>;
}

export const rowsPerPage = 5;

export function createDecoys(): DecoysState {
  return { page: signal(0), shown: signal<DecoysState["shown"]["value"]>(undefined) };
}

/** Shows the rows that `run` trained on. */
export async function showRowsOf(app: App, run: RunRecord): Promise<void> {
  const { trainingSet } = await productsOf(app, run.id);
  app.decoys.page.value = 0;
  app.decoys.shown.value = { run, trainingSet };
}

/** Back to the rows of the run at hand, or to what the selected collection brings. */
export function showOwnRows(app: App): void {
  app.decoys.page.value = 0;
  app.decoys.shown.value = undefined;
}

/** What a collection knows of a passage, by the string that the encoder reads of it. */
type Known = ReadonlyMap<string, Document | WrittenNegative>;
const known = new WeakMap<Collection, Known>();

function knownPassages(collection: Collection): Known {
  const passages =
    known.get(collection) ??
    new Map([...collection.documents, ...collection.negatives].map((passage) => [documentText(passage), passage]));
  known.set(collection, passages);
  return passages;
}

/** One page of the rows that a run trains on, with titles and reasoning where `collection` knows them. */
export function trainingRows(set: TrainingSet, collection: Collection | undefined, page: number): DecoyRow[] {
  const passages: Known = collection ? knownPassages(collection) : new Map();
  const passage = (index: number): Document | WrittenNegative | PassageView => {
    const text = set.documents[index] ?? "";
    return passages.get(text) ?? { title: "", text };
  };
  return set.rows.slice(page * rowsPerPage, (page + 1) * rowsPerPage).map((row) => ({
    query: set.queries[row.query] ?? "",
    positives: [passage(row.positive)],
    decoys: row.negatives.map(({ document, source }) => decoyView(source, passage(document))),
  }));
}

/** Those named "train"; all of a collection with only one split, which a run divides itself. */
function trainingJudgements({ judgements }: Collection): readonly Judgement[] {
  const splits = Object.values(judgements);
  return judgements["train"] ?? (splits.length === 1 ? splits.flat() : []);
}

/** The training queries of a collection that have an answer, in its order. */
export function trainingQueries(collection: Collection): Collection["queries"] {
  const train = trainingJudgements(collection);
  const answered = new Set(train.filter(({ grade }) => grade > 0).map(({ queryId }) => queryId));
  return collection.queries.filter(({ id }) => answered.has(id));
}

/** One page of what came with the collection. */
export function writtenRows(collection: Collection, page: number): DecoyRow[] {
  const queries = trainingQueries(collection).slice(page * rowsPerPage, (page + 1) * rowsPerPage);
  const wanted = new Set(queries.map(({ id }) => id));
  const judged = trainingJudgements(collection).filter(({ queryId, grade }) => grade > 0 && wanted.has(queryId));
  const needed = new Set(judged.map(({ documentId }) => documentId));
  const documents = new Map<string, Document>(
    collection.documents.filter(({ id }) => needed.has(id)).map((document) => [document.id, document]),
  );
  return queries.map(({ id, text }) => ({
    query: text,
    positives: judged
      .filter(({ queryId }) => queryId === id)
      .map(({ documentId }) => documents.get(documentId))
      .filter((document) => document !== undefined),
    decoys: collection.negatives
      .filter(({ queryId }) => queryId === id)
      .map((negative) => decoyView(negative.source, negative)),
  }));
}

function decoyView(source: NegativeSource, passage: Document | WrittenNegative | PassageView): DecoyView {
  const { title, text } = passage;
  const written = "queryId" in passage ? passage : undefined;
  return { source, title, text, reasoning: written?.reasoning, attributes: written?.attributes ?? {} };
}
