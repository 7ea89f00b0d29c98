/** Queries for a collection that has none: a model writes them for a sample of documents, and search tells the good ones. */
import { type Signal, signal } from "@preact/signals";
import { digestOfTexts } from "../base/digest.ts";
import { finish } from "../base/channel.ts";
import { random, shuffled } from "../base/random.ts";
import type { Collection, Document, Query } from "../domain/collection.ts";
import { type DocumentId, queryId } from "../domain/ids.ts";
import type { CollectionRecord } from "../domain/run.ts";
import type { ImportResult } from "../domain/stages.ts";
import type { WrittenQuery } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { readCollection, selectCollection } from "./collections.ts";
import { thinkingProvider } from "./judging.ts";
import { canWork, work, type Work } from "./modelWork.ts";
import { tell } from "./notices.ts";
import { searchIds } from "./topics.ts";

export interface QueriesState {
  /** As typed. */
  readonly documents: Signal<string>;
  readonly perDocument: Signal<string>;
  readonly top: Signal<string>;
  /** What was written, kept or not, until it is made a collection. */
  readonly written: Signal<readonly WrittenQuery[]>;
  readonly total: Signal<number>;
  /** What the written queries are about. */
  readonly about: Signal<{ readonly record: CollectionRecord; readonly collection: Collection } | undefined>;
}

export function createQueries(): QueriesState {
  return {
    documents: signal("100"),
    perDocument: signal("2"),
    top: signal("10"),
    written: signal<readonly WrittenQuery[]>([]),
    total: signal(0),
    about: signal<QueriesState["about"]["value"]>(undefined),
  };
}

const wholeOf = (typed: string): number | undefined => {
  const value = Number(typed.trim());
  return Number.isInteger(value) && value >= 1 ? value : undefined;
};

interface Numbers {
  readonly documents: number;
  readonly perDocument: number;
  readonly top: number;
}

/** Undefined where a field is no whole number of 1 or more. */
export function queryNumbers({ queries }: App): Numbers | undefined {
  const documents = wholeOf(queries.documents.value);
  const perDocument = wholeOf(queries.perDocument.value);
  const top = wholeOf(queries.top.value);
  if (documents === undefined || perDocument === undefined || top === undefined) return undefined;
  return { documents, perDocument, top };
}

export const canWriteQueries = (app: App): boolean =>
  canWork(app) && thinkingProvider(app) !== undefined && queryNumbers(app) !== undefined;

/** A passage of a few words says too little to be asked about. */
const fewestCharacters = 40;

/** The same documents for the same seed. */
function sample(collection: Collection, count: number, seed: number): Document[] {
  const worth = collection.documents.filter(({ text }) => text.length >= fewestCharacters);
  return shuffled(worth, random(seed, "documents to ask about")).slice(0, count);
}

export async function writeQueries(app: App): Promise<void> {
  const { queries, collections, generation } = app;
  const numbers = queryNumbers(app);
  const provider = thinkingProvider(app);
  const record = collections.list.value.find(({ id }) => id === collections.selected.value);
  if (!numbers || !provider || !record || !canWork(app)) return;
  const collection = await readCollection(app, record.id);
  const seed = generation.form.generation.value?.seed ?? 1;
  const documents = sample(collection, numbers.documents, seed);
  const { perDocument, top } = numbers;
  queries.about.value = { record, collection };
  queries.written.value = [];
  queries.total.value = documents.length * perDocument;
  const open = { id: record.id, collection };
  const start: Work<WrittenQuery>["start"] = async function* (model, signal) {
    const synthesis = await app.deps.synthesis();
    const search = (text: string, depth: number) => searchIds(app, open, text, depth);
    yield* synthesis.writeQueries({ documents, perDocument, model, seed, search, top, signal });
  };
  const receive = async (query: WrittenQuery): Promise<void> => {
    queries.written.value = [...queries.written.value, query];
  };
  await work(app, { kind: "queries", provider, recorded: [], start, receive });
}

export const keptQueries = ({ queries }: App): readonly WrittenQuery[] =>
  queries.written.value.filter(({ kept }) => kept);

/** A new collection of the same documents and the queries that were kept, all of them for training. */
export async function keepQueries(app: App): Promise<void> {
  const { queries, deps, collections } = app;
  const about = queries.about.value;
  const kept = keptQueries(app);
  if (!about || kept.length === 0 || !app.writable.value || app.work.kind.value === "queries") return;
  deps.askToKeep();
  const record = await finish(deps.store.writeCollection(withQueries(about, kept), []));
  collections.list.value = [...collections.list.value.filter(({ id }) => id !== record.id), record];
  queries.written.value = [];
  queries.about.value = undefined;
  await selectCollection(app, record.id);
  app.decoys.view.value = "write";
  tell(app, {
    kind: "done",
    text: `${record.name} is a collection now: ${record.documents} documents and ${record.queries} queries. The next run divides the queries into training and test.`,
  });
}

/** One query a distinct text; every document that it was written for answers it. */
function withQueries(
  { record, collection }: NonNullable<QueriesState["about"]["value"]>,
  kept: readonly WrittenQuery[],
): ImportResult {
  const answers = new Map<string, Set<DocumentId>>();
  for (const { text, documentId } of kept)
    answers.set(text, (answers.get(text) ?? new Set<DocumentId>()).add(documentId));
  const queries: Query[] = [...answers.keys()].map((text, i) => ({ id: queryId(`written-${i + 1}`), text }));
  const train = queries.flatMap(({ id, text }) =>
    [...(answers.get(text) ?? [])].map((documentId) => ({ queryId: id, documentId, grade: 1 })),
  );
  const name = `${record.name} with written queries`;
  const digest = digestOfTexts([
    record.digest,
    ...train.flatMap(({ queryId, documentId }) => [queryId, documentId]),
    ...answers.keys(),
  ]);
  return {
    collection: { name, documents: collection.documents, queries, judgements: { train }, negatives: [] },
    summary: {
      format: "Written queries",
      documents: collection.documents.length,
      queries: queries.length,
      judgements: { train: train.length },
      negatives: 0,
      rejected: 0,
      digest,
    },
  };
}
