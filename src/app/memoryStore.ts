/** What stands in where the browser gives no storage: everything works, nothing outlives the page. */
import { present } from "../base/assert.ts";
import { digestOf } from "../base/digest.ts";
import { collectionId } from "../domain/ids.ts";
import type { Collection } from "../domain/collection.ts";
import type { EncoderFolder } from "../domain/encoder.ts";
import type { CollectionRecord, RunProducts, RunRecord } from "../domain/run.ts";
import type { Checkpoint } from "../domain/training.ts";
import type { AppStore, EncoderRecord } from "./dependencies.ts";

interface Kept<Record, Value> {
  readonly record: Record;
  readonly value: Value;
}

export function memoryStore(now: () => Date): AppStore {
  return { interruptedImports: 0, ...collectionsIn(now), ...encodersIn(now), ...runsIn() };
}

function collectionsIn(now: () => Date) {
  const kept = new Map<string, Kept<CollectionRecord, Collection>>();
  return {
    listCollections: async () => [...kept.values()].map(({ record }) => record),
    async *writeCollection({ collection, summary }, rejectedRows) {
      const id = collectionId(summary.digest);
      const record = { ...summary, id, name: collection.name, createdAt: now().toISOString(), rejectedRows };
      kept.set(id, { record, value: collection });
      return record;
    },
    readCollection: async (id) => present(kept.get(id), "the collection").value,
    removeCollection: async (id) => void kept.delete(id),
  } satisfies Partial<AppStore>;
}

function encodersIn(now: () => Date) {
  const kept = new Map<string, Kept<EncoderRecord, EncoderFolder>>();
  return {
    listEncoders: async () => [...kept.values()].map(({ record }) => record),
    async putEncoder(folder) {
      const sizes = Object.entries(folder.files).map(([path, { length }]) => [path, length] as const);
      const bytes = sizes.reduce((sum, [, length]) => sum + length, 0);
      const record = { key: digestOf([folder.name, sizes]), name: folder.name, bytes, createdAt: now().toISOString() };
      kept.set(record.key, { record, value: folder });
      return record;
    },
    readEncoder: async (key) => present(kept.get(key), "the encoder").value,
    removeEncoder: async (key) => void kept.delete(key),
  } satisfies Partial<AppStore>;
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
