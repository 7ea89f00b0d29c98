/**
 * Everything the page keeps: collections with the drafts on them, encoders, runs with their products and checkpoints, in
 * one IndexedDB database.
 */
import type { Collection, RejectedRow } from "../domain/collection.ts";
import type { Draft, FoundVerdict } from "../domain/draft.ts";
import type { EncoderFiles } from "../domain/encoder.ts";
import type { CollectionId, RunId } from "../domain/ids.ts";
import type { CollectionRecord, RunProduct, RunProducts, RunRecord } from "../domain/run.ts";
import type { ImportResult, Progress } from "../domain/stages.ts";
import type { Checkpoint } from "../domain/training.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoints.ts";
import * as collections from "./collections.ts";
import { Connection } from "./connection.ts";
import * as drafts from "./drafts.ts";
import * as encoders from "./encoders.ts";
import { filesIn, type StoredFiles } from "./files.ts";
import type { Damaged } from "./listing.ts";
import { removeInterrupted, writeCollection, type ImportContext } from "./importing.ts";
import { pageLocks } from "./locks.ts";
import * as runs from "./runs.ts";
import type { EncoderRecord, GenerationRecord } from "./schema.ts";

export interface StoreOptions {
  /** Of the database; "decoy" unless told. */
  readonly name?: string;
  /** Another tab holds an older version open; the store opens when that tab is closed. */
  readonly onBlocked?: () => void;
  /** Another tab upgrades the database: this store has closed, the page has to be reloaded. */
  readonly onClosing?: () => void;
  /** The browser cut the connection. The next call opens another; what was saved is there. */
  readonly onTerminated?: () => void;
  /** The page's Web Locks unless told. They keep one tab from clearing away another's import. */
  readonly locks?: LockManager | undefined;
  /** Hears of records that lists leave out because they cannot be read; where it is not given, the list is refused. */
  readonly onDamaged?: Damaged;
}

function raise(error: Error): never {
  throw error;
}

/** Errors: StorageUnavailable, saying why and what to do. */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  const { name = "decoy", onBlocked, onClosing, onTerminated } = options;
  const connection = await Connection.open({ name, onBlocked, onClosing, onTerminated });
  const locks = "locks" in options ? options.locks : pageLocks();
  const context = { connection, locks, lock: `${name}-import` };
  return new Store(context, await removeInterrupted(context), options.onDamaged ?? raise);
}

/**
 * A promise of a method that writes resolves when the transaction is committed, and not before. One that is rejected
 * has changed nothing. Errors of every method: StorageUnavailable; of every one that writes: StorageFull.
 */
export class Store {
  /** Imports that ended with their tab before this store was opened; nothing of them is left. */
  readonly interruptedImports: number;
  /** Of hub encoders. */
  readonly files: StoredFiles;
  readonly #context: ImportContext;
  readonly #connection: Connection;
  readonly #damaged: Damaged;

  constructor(context: ImportContext, interruptedImports: number, damaged: Damaged) {
    this.#context = context;
    this.#connection = context.connection;
    this.files = filesIn(context.connection);
    this.#damaged = damaged;
    this.interruptedImports = interruptedImports;
  }

  /** Newest first. */
  listCollections(): Promise<CollectionRecord[]> {
    return collections.listCollections(this.#connection, this.#damaged);
  }

  /**
   * Yields after each part. The collection is there when the generator has returned, and not before; stopping it takes
   * away what it had written. A collection of the same digest is stored once: the one that is there is returned.
   * `createdAt`: ISO 8601; now unless told.
   */
  writeCollection(
    result: ImportResult,
    rejectedRows: readonly RejectedRow[],
    createdAt?: string,
  ): AsyncGenerator<Progress, CollectionRecord, void> {
    return writeCollection(this.#context, result, rejectedRows, createdAt);
  }

  /** Errors: NotStored, DamagedRecord. */
  readCollection(id: CollectionId): Promise<Collection> {
    return collections.readCollection(this.#connection, id);
  }

  /** With the drafts and verdicts on it. Runs on it stay. */
  removeCollection(id: CollectionId): Promise<void> {
    return collections.removeCollection(this.#connection, id);
  }

  putDraft(collection: CollectionId, draft: Draft): Promise<void> {
    return drafts.putDrafts(this.#connection, collection, [draft]);
  }

  /** All of them or none. */
  putDrafts(collection: CollectionId, all: readonly Draft[]): Promise<void> {
    return drafts.putDrafts(this.#connection, collection, all);
  }

  /** In the order in which they were written. */
  listDrafts(collection: CollectionId): Promise<Draft[]> {
    return drafts.listDrafts(this.#connection, collection);
  }

  removeDrafts(collection: CollectionId, keys: readonly string[]): Promise<void> {
    return drafts.removeDrafts(this.#connection, collection, keys);
  }

  putVerdicts(collection: CollectionId, verdicts: readonly FoundVerdict[]): Promise<void> {
    return drafts.putVerdicts(this.#connection, collection, verdicts);
  }

  listVerdicts(collection: CollectionId): Promise<FoundVerdict[]> {
    return drafts.listVerdicts(this.#connection, collection);
  }

  /** One a collection. */
  putGeneration(record: GenerationRecord): Promise<void> {
    return drafts.putGeneration(this.#connection, record);
  }

  readGeneration(collection: CollectionId): Promise<GenerationRecord | undefined> {
    return drafts.readGeneration(this.#connection, collection);
  }

  /** All of it, of all collections, or nothing. What is there under the same keys gives way. */
  putWritten(changes: readonly drafts.WrittenChanges[]): Promise<void> {
    return drafts.putWritten(this.#connection, changes);
  }

  /** Newest first. */
  listEncoders(): Promise<EncoderRecord[]> {
    return encoders.listEncoders(this.#connection, this.#damaged);
  }

  /** `createdAt`: ISO 8601; now unless told. */
  putEncoder(folder: EncoderFiles, createdAt?: string): Promise<EncoderRecord> {
    return encoders.putEncoder(this.#connection, folder, createdAt);
  }

  /** Errors: NotStored, DamagedRecord. */
  readEncoder(key: string): Promise<EncoderFiles> {
    return encoders.readEncoder(this.#connection, key);
  }

  removeEncoder(key: string): Promise<void> {
    return encoders.removeEncoder(this.#connection, key);
  }

  /** Newest first. */
  listRuns(): Promise<RunRecord[]> {
    return runs.listRuns(this.#connection, this.#damaged);
  }

  readRun(id: RunId): Promise<RunRecord | undefined> {
    return runs.readRun(this.#connection, id);
  }

  putRun(record: RunRecord): Promise<void> {
    return runs.putRun(this.#connection, record);
  }

  /** With its products and checkpoints. */
  removeRun(id: RunId): Promise<void> {
    return runs.removeRun(this.#connection, id);
  }

  putProduct(id: RunId, product: RunProduct): Promise<void> {
    return runs.putProduct(this.#connection, id, product);
  }

  /** With `damaged`, a damaged product is reported and left out; without, it is thrown. Errors: DamagedRecord. */
  readProducts(id: RunId, damaged?: Damaged): Promise<RunProducts> {
    return runs.readProducts(this.#connection, id, damaged);
  }

  /** The arrays must not change before it resolves. */
  saveCheckpoint(id: RunId, checkpoint: Checkpoint): Promise<void> {
    return saveCheckpoint(this.#connection, id, checkpoint);
  }

  /** The newest whose bytes are those that were saved; undefined if there is none. `damaged` hears of those passed over. */
  loadCheckpoint(id: RunId, damaged?: Damaged): Promise<Checkpoint | undefined> {
    return loadCheckpoint(this.#connection, id, damaged);
  }

  close(): void {
    this.#connection.close();
  }
}
