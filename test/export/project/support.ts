/** Stores with something in them, what they hold to the last byte, and project files that were tampered with. */
import { strToU8, unzipSync, zipSync, type Zippable } from "fflate";
import { finish } from "../../../src/base/channel.ts";
import { digest } from "../../../src/base/digest.ts";
import { summarise } from "../../../src/data/summary.ts";
import { openZip } from "../../../src/data/zip.ts";
import type { Collection } from "../../../src/domain/collection.ts";
import { parseGeneration } from "../../../src/domain/generation.ts";
import { collectionId, documentId, queryId, runId } from "../../../src/domain/ids.ts";
import type { RunProduct, RunRecord } from "../../../src/domain/run.ts";
import { toBlob } from "../../../src/export/files/file.ts";
import type { Manifest } from "../../../src/export/project/format.ts";
import { importProject, type ImportedProject, type ProjectImport } from "../../../src/export/project/restore.ts";
import type { Journal, ProjectStore } from "../../../src/export/project/store.ts";
import { projectFile, type ExportInput } from "../../../src/export/project/write.ts";
import { Connection } from "../../../src/storage/connection.ts";
import type { Store } from "../../../src/storage/store.ts";
import { checkpointOf, freshName, openTestStore, runOf } from "../../storage/support.ts";
import { tinyCollection } from "../../support/collection.ts";
import { tinyEncoder } from "../../support/encoder.ts";
import { draftOf, hostileCollection } from "../files/hostile.ts";

const writtenStores = ["drafts", "verdicts", "generations"] as const;
const everyStore = ["collections", "encoders", "runs", "products", "checkpoints", "parts", ...writtenStores] as const;

/** The page's store, and what is in it. */
export interface TestStore extends ProjectStore {
  readonly name: string;
  readonly store: Store;
  /** Everything in the database, to the last byte. */
  dump(): Promise<unknown>;
}

export async function openStore(name = freshName()): Promise<TestStore> {
  const store = await openTestStore(name);
  const connection = await Connection.open({ name });
  const dump = (): Promise<unknown> =>
    connection.read([...everyStore], async (transaction) => {
      const all: [string, unknown, unknown][] = [];
      for (const each of everyStore) {
        const kept = transaction.objectStore(each);
        all.push([each, await kept.getAllKeys(), (await kept.getAll()).map(briefly)]);
      }
      return all;
    });
  return Object.assign(Object.create(store) as TestStore, bound(store), { name, store, dump });
}

/** Bytes by their digest: they are many. */
const briefly = (value: unknown): unknown => (value instanceof Uint8Array ? digest(value) : value);

/** The store's methods, whoever calls them: its fields are private to the object itself. */
function bound(store: Store): Partial<TestStore> {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store) as object).filter(
    (name) => name !== "constructor",
  );
  return Object.fromEntries(
    names.map((name) => [
      name,
      (store[name as keyof Store] as unknown as (...given: unknown[]) => unknown).bind(store),
    ]),
  );
}

export const contentDigest = (collection: Collection): string => summarise(collection, "", 0).digest;
export const idOf = (collection: Collection) => collectionId(contentDigest(collection));

export async function storeCollection(store: ProjectStore, collection: Collection): Promise<void> {
  const result = { collection, summary: summarise(collection, "BEIR folder", 1) };
  await finish(store.writeCollection(result, [{ file: "corpus.jsonl", line: 3, reason: "no text", excerpt: "{}" }]));
}

export const builtIn = { id: "built-in", digest: "b".repeat(64) };
export const apiKey = "sk-canary-1234";

const generation = {
  collection: idOf(tinyCollection),
  generation: parseGeneration({ perQuery: 3 }),
  provider: { provider: "endpoint" as const, url: "http://localhost:1/v1", model: "m", concurrency: 2, key: apiKey },
  status: "unfinished" as const,
  updatedAt: "2026-03-01T00:00:00.000Z",
};

const ranked = {
  scores: {
    queryIds: [queryId("q4")],
    perQuery: { "ndcg@10": [0.5] },
    mean: { "ndcg@10": { value: 0.5, low: 0, high: 1 } },
  },
  rankings: [{ queryId: queryId("q4"), hits: [{ documentId: documentId("d2"), score: -0.25 }] }],
};

export const products: readonly RunProduct[] = [
  { name: "bm25", value: ranked },
  {
    name: "trainingSet",
    value: {
      queries: ["cat \ud800"],
      documents: ["a", "b"],
      rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25", rank: 1, score: Infinity }] }],
    },
  },
  { name: "vectorsBefore", value: { dimensions: 3, values: Float32Array.from([0, -0, NaN, 1, 2, 3]) } },
  { name: "gate", value: { considered: 1, dropped: 0, relabelled: 0, negatives: [] } },
];

/** Odd in every field that a record can be odd in. */
export const oddRun = (id: string): RunRecord => ({ ...runOf(id), failure: 'a "$" and\n', notes: ["n"] });

/** Two collections (one, where many stores are filled), drafts and verdicts on one of them and on the page's own, an encoder, two runs. */
export async function fill(store: ProjectStore, { small = false } = {}): Promise<void> {
  await storeCollection(store, tinyCollection);
  if (!small) await storeCollection(store, hostileCollection);
  const review = {
    decision: "rejected",
    at: "2026-02-01T00:00:00.000Z",
    before: { title: "", text: "before" },
  } as const;
  await store.putWritten([
    {
      collection: idOf(tinyCollection),
      drafts: [draftOf({ key: "a" }), draftOf({ key: "b", review, text: "\u2028 \ud800" })],
      verdicts: [{ queryId: queryId("q0"), documentId: documentId("d3"), action: "drop", reason: "r", by: "person" }],
      generation,
    },
    { collection: collectionId("built-in"), drafts: [draftOf({ key: "c", outcome: "rejected" })], verdicts: [] },
  ]);
  const { key } = await store.putEncoder(tinyEncoder());
  for (const id of ["r1", "r2"]) {
    const own = runId(id);
    for (const product of products) await store.putProduct(own, product);
    const mined = { version: 2, documents: Int32Array.from([3, -1]) };
    await store.saveCheckpoint(own, { ...checkpointOf(5), mined });
    await store.putRun({ ...oddRun(id), encoder: key, collection: idOf(tinyCollection) });
  }
}

const now = () => new Date("2026-11-23T12:00:00.000Z");

export const exported = (store: ProjectStore, options: Partial<ExportInput> = {}): Promise<Blob> =>
  toBlob(
    projectFile({
      store,
      app: "0.1.0",
      now,
      shipped: [builtIn],
      settings: { "decoy.recipe": '{"seed":"3"}' },
      ...options,
    }),
  );

export const imported = (
  store: ProjectStore,
  blob: Blob,
  options: Partial<ProjectImport> = {},
): Promise<ImportedProject> => finish(importing(store, blob, options));

export const importing = (store: ProjectStore, blob: Blob, options: Partial<ProjectImport> = {}) =>
  importProject({ name: "decoy.zip", blob, store, openZip, contentDigest, shipped: [builtIn], ...options });

/** What the store's own readers give, without the dates on which collections and encoders were stored. */
export async function stateOf(store: ProjectStore) {
  const collections = [];
  for (const { createdAt: _, ...record } of await store.listCollections()) {
    collections.push({ record, content: await store.readCollection(record.id) });
  }
  const written = [];
  for (const id of [...collections.map(({ record }) => record.id), collectionId("built-in")]) {
    const [drafts, verdicts] = [await store.listDrafts(id), await store.listVerdicts(id)];
    written.push({ id, drafts, verdicts, asked: await store.readGeneration(id) });
  }
  const runs = [];
  for (const record of await store.listRuns()) {
    runs.push([record, await store.readProducts(record.id), await store.loadCheckpoint(record.id)]);
  }
  const encoders = [];
  for (const { key } of await store.listEncoders()) encoders.push([key, await store.readEncoder(key)]);
  return { collections: collections.toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1)), written, runs, encoders };
}

type Contents = Record<string, Uint8Array>;

/** The project's files, to be changed, and its manifest. */
export async function unpacked(blob: Blob): Promise<{ files: Contents; manifest: Manifest }> {
  const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
  const manifest = JSON.parse(new TextDecoder().decode(files["manifest.json"])) as Manifest;
  return { files, manifest };
}

export const zipOf = (files: Contents, options: Zippable = {}): Blob =>
  new Blob([new Uint8Array(zipSync({ ...files, ...options }))]);

/** The manifest with lengths and digests of the files as they are now: as someone would who means harm. */
export function signed(files: Contents, manifest: Manifest): Blob {
  const entries = manifest.entries.map(({ path }) => {
    const bytes = files[path] ?? new Uint8Array(0);
    return { path, bytes: bytes.length, sha256: digest(bytes) };
  });
  return zipOf({ ...files, "manifest.json": strToU8(JSON.stringify({ ...manifest, entries })) });
}

export function noteBook(): Journal & { readonly notes: Map<string, string> } {
  const notes = new Map<string, string>();
  return { notes, getItem: (key) => notes.get(key) ?? null, setItem: (key, value) => void notes.set(key, value) };
}
