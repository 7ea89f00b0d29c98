/** What decoys are written about: each training query with its answer, and the passages that lie near it. */
import { present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import type { Collection, Document } from "../domain/collection.ts";
import { type CollectionId, type DocumentId, queryId } from "../domain/ids.ts";
import type { Progress } from "../domain/stages.ts";
import type { Similar, Topic } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { firstPositives, trainingQueries } from "./decoys.ts";

export interface NeighboursState {
  /** Whose documents the thread has indexed. */
  indexed: CollectionId | undefined;
  /** Searches wait for each other, so that none meets another collection's index. */
  queue: Promise<unknown>;
}

export const createNeighbours = (): NeighboursState => ({ indexed: undefined, queue: Promise.resolve() });

/** A collection and the name that it is stored under. */
export interface OpenCollection {
  readonly id: CollectionId;
  readonly collection: Collection;
}

const topics = new WeakMap<Collection, readonly Topic[]>();

/** Training queries with their first positive, in the collection's order; nothing found yet. */
export function topicsOf(collection: Collection): readonly Topic[] {
  const known = topics.get(collection);
  if (known) return known;
  const positives = firstPositives(collection);
  const made = trainingQueries(collection).flatMap((query): Topic[] => {
    const positive = positives.get(query.id);
    return positive ? [{ query, positive, found: [] }] : [];
  });
  topics.set(collection, made);
  return made;
}

type Indexing = (progress: Progress) => void;

/** Runs `search` when the thread has the index of `open` and nothing else to do. */
function searching<T>(app: App, open: OpenCollection, search: () => Promise<T>, say?: Indexing): Promise<T> {
  const { neighbours, deps } = app;
  const before = neighbours.queue;
  const current = (async () => {
    await before.catch(() => undefined);
    if (neighbours.indexed !== open.id) {
      neighbours.indexed = undefined;
      await finish(deps.neighbours.indexText({ documents: open.collection.documents }), say);
      neighbours.indexed = open.id;
    }
    return search();
  })();
  neighbours.queue = current;
  return current;
}

const byId = new WeakMap<Collection, ReadonlyMap<DocumentId, Document>>();

export function documentsById(collection: Collection): ReadonlyMap<DocumentId, Document> {
  const known = byId.get(collection) ?? new Map(collection.documents.map((document) => [document.id, document]));
  byId.set(collection, known);
  return known;
}

/** Ids of the best documents for a text, by BM25. */
export function searchIds(app: App, open: OpenCollection, text: string, depth: number): Promise<readonly DocumentId[]> {
  return searching(app, open, async () => {
    const queries = [{ id: queryId("typed"), text }];
    const [ranking] = await finish(app.deps.neighbours.searchText({ queries, depth }));
    return ranking?.hits.map(({ documentId }) => documentId) ?? [];
  });
}

const similarDepth = 5;

export const similarIn =
  (app: App, open: OpenCollection): Similar =>
  async (text) => {
    const documents = documentsById(open.collection);
    const ids = await searchIds(app, open, text, similarDepth);
    return ids.map((id) => present(documents.get(id), `document ${id}`));
  };

export interface Finding {
  readonly depth: number;
  readonly say?: Indexing;
}

/** The same topics, each with its `depth` best documents that nobody judged relevant, in any split. */
export function withFound(
  app: App,
  open: OpenCollection,
  topics: readonly Topic[],
  { depth, say }: Finding,
): Promise<Topic[]> {
  const { judgements } = open.collection;
  const relevant = new Set(
    Object.values(judgements)
      .flat()
      .filter(({ grade }) => grade > 0)
      .map(({ queryId, documentId }) => JSON.stringify([queryId, documentId])),
  );
  const documents = documentsById(open.collection);
  const queries = topics.map(({ query }) => query);
  const search = async (): Promise<Topic[]> => {
    // Enough for what is judged relevant to be left out; a query has rarely more answers than that.
    const rankings = await finish(app.deps.neighbours.searchText({ queries, depth: depth + 10 }), say);
    const ranked = new Map(rankings.map(({ queryId, hits }) => [queryId, hits]));
    return topics.map((topic) => {
      const free = (ranked.get(topic.query.id) ?? []).filter(
        ({ documentId }) => !relevant.has(JSON.stringify([topic.query.id, documentId])),
      );
      const found = free.slice(0, depth).map(({ documentId }) => present(documents.get(documentId), documentId));
      return { ...topic, found };
    });
  };
  return searching(app, open, search, say);
}

/** Passages near a topic for looking at one request. */
const previewDepth = 5;

/** The topic with what the search finds near it. */
export async function previewTopic(app: App, topic: Topic): Promise<Topic> {
  const open = app.collections.open.value;
  if (!open) return topic;
  const [complete] = await withFound(app, open, [topic], { depth: previewDepth });
  return complete ?? topic;
}
