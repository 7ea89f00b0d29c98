/** What stands in where the browser gives no storage: everything works, nothing outlives the page. */
import { present } from "../base/assert.ts";
import { digestOf } from "../base/digest.ts";
import { type CollectionId, collectionId } from "../domain/ids.ts";
import type { Collection } from "../domain/collection.ts";
import { type EncoderFiles, sourcesOf } from "../domain/encoder.ts";
import type { CollectionRecord, RunProducts, RunRecord } from "../domain/run.ts";
import type { Draft, FoundVerdict } from "../domain/draft.ts";
import type { Checkpoint } from "../domain/training.ts";
import type { GenerationRecord } from "../storage/schema.ts";
import type { AppStore, EncoderRecord } from "./dependencies.ts";

interface Kept<Record, Value> {
  readonly record: Record;
  readonly value: Value;
}

export function memoryStore(now: () => Date): AppStore {
  const { forget, ...drafts } = draftsIn();
  return {
    interruptedImports: 0,
    files: filesIn(),
    ...collectionsIn(now, forget),
    ...drafts,
    ...encodersIn(now),
    ...runsIn(),
  };
}

function collectionsIn(now: () => Date, forget: (id: CollectionId) => void) {
  const kept = new Map<string, Kept<CollectionRecord, Collection>>();
  return {
    listCollections: async () => [...kept.values()].map(({ record }) => record),
    async *writeCollection({ collection, summary }, rejectedRows, createdAt = now().toISOString()) {
      const id = collectionId(summary.digest);
      const record = { ...summary, id, name: collection.name, createdAt, rejectedRows };
      kept.set(id, { record, value: collection });
      return record;
    },
    readCollection: async (id) => present(kept.get(id), "the collection").value,
    removeCollection: async (id) => {
      kept.delete(id);
      forget(id);
    },
  } satisfies Partial<AppStore>;
}

/** The values of each collection, by a key of their own. */
function byCollection<Value>() {
  const kept = new Map<CollectionId, Map<string, Value>>();
  const of = (id: CollectionId): Map<string, Value> => {
    const values = kept.get(id) ?? new Map<string, Value>();
    kept.set(id, values);
    return values;
  };
  return { of, forget: (id: CollectionId) => void kept.delete(id) };
}

function draftsIn() {
  const drafts = byCollection<Draft>();
  const verdicts = byCollection<FoundVerdict>();
  const generations = new Map<string, GenerationRecord>();
  return {
    putDraft: async (id, draft) => void drafts.of(id).set(draft.key, draft),
    putDrafts: async (id, all) => all.forEach((draft) => drafts.of(id).set(draft.key, draft)),
    listDrafts: async (id) => [...drafts.of(id).values()].toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)),
    removeDrafts: async (id, keys) => keys.forEach((key) => drafts.of(id).delete(key)),
    putVerdicts: async (id, all) =>
      all.forEach((verdict) => verdicts.of(id).set(`${verdict.queryId}\n${verdict.documentId}`, verdict)),
    listVerdicts: async (id) => [...verdicts.of(id).values()],
    putGeneration: async (record) => void generations.set(record.collection, record),
    readGeneration: async (id) => generations.get(id),
    putWritten: async (changes) => {
      for (const { collection, drafts: all, verdicts: found, generation } of changes) {
        for (const draft of all) drafts.of(collection).set(draft.key, draft);
        for (const verdict of found) verdicts.of(collection).set(`${verdict.queryId}\n${verdict.documentId}`, verdict);
        if (generation) generations.set(generation.collection, generation);
      }
    },
    forget: (id: CollectionId): void => {
      drafts.forget(id);
      verdicts.forget(id);
      generations.delete(id);
    },
  } satisfies Partial<AppStore> & { forget: unknown };
}

function encodersIn(now: () => Date) {
  const kept = new Map<string, Kept<EncoderRecord, EncoderFiles>>();
  return {
    listEncoders: async () => [...kept.values()].map(({ record }) => record),
    async putEncoder(folder, createdAt = now().toISOString()) {
      const sizes = sourcesOf(folder).map(({ name, size }) => [name, size] as const);
      const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
      const record = { key: digestOf([folder.name, sizes]), name: folder.name, bytes, createdAt };
      kept.set(record.key, { record, value: folder });
      return record;
    },
    readEncoder: async (key) => present(kept.get(key), "the encoder").value,
    removeEncoder: async (key) => void kept.delete(key),
  } satisfies Partial<AppStore>;
}

function filesIn(): AppStore["files"] {
  type Place = Parameters<AppStore["files"]["get"]>[0];
  const kept = new Map<string, { readonly place: Place; readonly blob: Blob }>();
  const keyOf = ({ id, revision, path }: Place) => JSON.stringify([id, revision, path]);
  return {
    put: async (place, bytes) => void kept.set(keyOf(place), { place, blob: new Blob([bytes]) }),
    get: async (place) => kept.get(keyOf(place))?.blob,
    list: async () => [...kept.values()].map(({ place }) => place),
    remove: async (place) => void kept.delete(keyOf(place)),
  };
}

function runsIn() {
  const records = new Map<string, RunRecord>();
  const products = new Map<string, RunProducts>();
  const checkpoints = new Map<string, Checkpoint>();
  return {
    listRuns: async () => [...records.values()].toSorted((a, b) => b.createdAt.localeCompare(a.createdAt)),
    putRun: async (record) => void records.set(record.id, record),
    removeRun: async (id) => {
      records.delete(id);
      products.delete(id);
      checkpoints.delete(id);
    },
    putProduct: async (id, product) => void products.set(id, { ...products.get(id), [product.name]: product.value }),
    readProducts: async (id) => products.get(id) ?? {},
    saveCheckpoint: async (id, checkpoint) => void checkpoints.set(id, checkpoint),
    loadCheckpoint: async (id) => checkpoints.get(id),
  } satisfies Partial<AppStore>;
}
