/**
 * The database's stores and how older versions of it are brought to this one. What is large lies in `parts`, at most
 * 4 MiB each; the record that owns it holds the length and SHA-256 of every part, so that a record is whole or known not to be.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from "idb";
import type { Draft, FoundVerdict } from "../domain/draft.ts";
import type { Tuning } from "../domain/engine.ts";
import type { Generation } from "../domain/generation.ts";
import type { ProviderSettings } from "../domain/languageModel.ts";
import type { RunProducts, CollectionRecord, RunRecord } from "../domain/run.ts";

export interface EncoderRecord {
  /** SHA-256 over the paths and bytes of its files. */
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Length and SHA-256 of one value of `parts`. */
export interface PartDigest {
  readonly bytes: number;
  readonly sha256: string;
}

/** The parts of one stretch of bytes, in order. */
export type Parcel = readonly PartDigest[];

/** Encoders' parts are blobs: what reads them asks for ranges, and they stay on disk. Those of older versions are bytes, as all others. */
export type Part = Uint8Array<ArrayBuffer> | Blob;

/** Whose part it is, the owner's key, the name of the stretch, the index in it. */
export type PartKey = [owner: PartOwner, id: string, name: string, index: number];
export type PartOwner = "collection" | "encoder" | "product" | "checkpoint";

/** "documents", "queries", "judgements/test", "negatives": one JSON array a part. */
export interface Section {
  readonly name: string;
  readonly parts: Parcel;
}

export type StoredCollection =
  /** `token` tells this import from any other of the same collection. */
  | { readonly id: string; readonly status: "importing"; readonly token: string }
  | {
      readonly id: string;
      readonly status: "ready";
      readonly record: CollectionRecord;
      readonly sections: readonly Section[];
    };

export interface StoredEncoder {
  readonly key: string;
  readonly record: EncoderRecord;
  readonly files: readonly { readonly path: string; readonly parcel: Parcel }[];
}

export interface StoredProduct {
  readonly run: string;
  readonly name: keyof RunProducts;
  /** Vectors as float32, everything else as JSON. */
  readonly form: { readonly kind: "json" } | { readonly kind: "vectors"; readonly dimensions: number };
  readonly parcel: Parcel;
}

export const arenas = ["weights", "firstMoment", "secondMoment"] as const;

export interface Slot {
  readonly step: number;
  readonly parcels: Readonly<Record<(typeof arenas)[number], Parcel>>;
  /** Positions as int32; only where ANCE trains, and not in checkpoints from before there was ANCE. */
  readonly mined?: { readonly version: number; readonly parcel: Parcel };
  /** Only where not all of the encoder trains, and where dev is looked at; not in checkpoints from before there were these. */
  readonly tuning?: Tuning;
  readonly best?: { readonly step: number; readonly score: number; readonly looked: number; readonly parcel: Parcel };
}

/** Two slots written in turn, and which of them is the newest. */
export interface StoredCheckpoints {
  readonly run: string;
  readonly current: 0 | 1;
  readonly slots: readonly [Slot | undefined, Slot | undefined];
}

type Endpoint = Extract<ProviderSettings, { readonly provider: "endpoint" }>;

/** How a model was opened. An endpoint's key is no part of it: it is never stored. */
export type KeptProvider = Exclude<ProviderSettings, Endpoint> | Omit<Endpoint, "key">;

/** What decoys were last asked for on a collection, so that a later visit can go on. */
export interface GenerationRecord {
  readonly collection: string;
  readonly generation: Generation;
  readonly provider: KeptProvider;
  /** "unfinished" also while it goes on: a page may end without another word. */
  readonly status: "unfinished" | "stopped" | "finished";
  /** ISO 8601. */
  readonly updatedAt: string;
}

export interface DecoySchema extends DBSchema {
  collections: { key: string; value: StoredCollection };
  encoders: { key: string; value: StoredEncoder };
  runs: { key: string; value: RunRecord };
  products: { key: [run: string, name: string]; value: StoredProduct };
  checkpoints: { key: string; value: StoredCheckpoints };
  parts: { key: PartKey; value: Part };
  /** Beside the collection, not in it: one is written at a time, and a person may change it. */
  drafts: { key: [collection: string, key: string]; value: Draft };
  verdicts: { key: [collection: string, queryId: string, documentId: string]; value: FoundVerdict };
  generations: { key: string; value: GenerationRecord };
  /** Of hub encoders, in pieces (src/hub/kept.ts says which). */
  files: { key: [id: string, revision: string, path: string]; value: Blob };
}

export type Database = IDBPDatabase<DecoySchema>;
export type StoreName = StoreNames<DecoySchema>;
export type ReadTransaction = IDBPTransaction<DecoySchema, StoreName[], "readonly">;
export type WriteTransaction = IDBPTransaction<DecoySchema, StoreName[], "readwrite">;
type UpgradeTransaction = IDBPTransaction<DecoySchema, StoreName[], "versionchange">;

/** One step from version i to version i + 1. Never changed once released: add another. */
export type Migration = (database: Database, transaction: UpgradeTransaction) => void;

export const migrations: readonly Migration[] = [
  function createStores(database) {
    database.createObjectStore("collections", { keyPath: "id" });
    database.createObjectStore("encoders", { keyPath: "key" });
    database.createObjectStore("runs", { keyPath: "id" });
    database.createObjectStore("products", { keyPath: ["run", "name"] });
    database.createObjectStore("checkpoints", { keyPath: "run" });
    database.createObjectStore("parts");
  },
  function keepDrafts(database) {
    database.createObjectStore("drafts");
    database.createObjectStore("verdicts");
    database.createObjectStore("generations", { keyPath: "collection" });
  },
  function keepFiles(database) {
    database.createObjectStore("files");
  },
];
