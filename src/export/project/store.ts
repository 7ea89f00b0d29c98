/** What a project is read from and written to: the page's store (src/storage/store.ts fulfils it), and a note beside it. */
import type { Collection, RejectedRow } from "../../domain/collection.ts";
import type { Draft, FoundVerdict } from "../../domain/draft.ts";
import type { EncoderFiles } from "../../domain/encoder.ts";
import type { Generation } from "../../domain/generation.ts";
import type { CollectionId, RunId } from "../../domain/ids.ts";
import type { ProviderSettings } from "../../domain/languageModel.ts";
import type { CollectionRecord, RunProduct, RunProducts, RunRecord } from "../../domain/run.ts";
import type { ImportResult, Progress } from "../../domain/stages.ts";
import type { Checkpoint } from "../../domain/training.ts";

type Endpoint = Extract<ProviderSettings, { readonly provider: "endpoint" }>;

/** What decoys were last asked for on a collection. An endpoint's key is no part of it. */
export interface Asked {
  readonly collection: string;
  readonly generation: Generation;
  readonly provider: Exclude<ProviderSettings, Endpoint> | Omit<Endpoint, "key">;
  readonly status: "unfinished" | "stopped" | "finished";
  readonly updatedAt: string;
}

/** To be stored under a collection; what is there under the same keys gives way. */
export interface WrittenChanges {
  readonly collection: CollectionId;
  readonly drafts: readonly Draft[];
  readonly verdicts: readonly FoundVerdict[];
  readonly generation?: Asked;
}

/** Promises of what writes resolve when it is committed; one that is rejected has changed nothing. */
export interface ProjectStore {
  listCollections(): Promise<readonly CollectionRecord[]>;
  readCollection(id: CollectionId): Promise<Collection>;
  writeCollection(
    result: ImportResult,
    rejectedRows: readonly RejectedRow[],
    createdAt?: string,
  ): AsyncGenerator<Progress, CollectionRecord, void>;
  removeCollection(id: CollectionId): Promise<void>;
  listDrafts(collection: CollectionId): Promise<readonly Draft[]>;
  listVerdicts(collection: CollectionId): Promise<readonly FoundVerdict[]>;
  readGeneration(collection: CollectionId): Promise<Asked | undefined>;
  /** All of it, of all collections, or nothing: one transaction. */
  putWritten(changes: readonly WrittenChanges[]): Promise<void>;
  listEncoders(): Promise<readonly { readonly key: string; readonly name: string; readonly createdAt: string }[]>;
  readEncoder(key: string): Promise<EncoderFiles>;
  putEncoder(folder: EncoderFiles, createdAt?: string): Promise<{ readonly key: string }>;
  removeEncoder(key: string): Promise<void>;
  listRuns(): Promise<readonly RunRecord[]>;
  putRun(record: RunRecord): Promise<void>;
  removeRun(id: RunId): Promise<void>;
  putProduct(id: RunId, product: RunProduct): Promise<void>;
  readProducts(id: RunId, damaged?: (error: Error) => void): Promise<RunProducts>;
  saveCheckpoint(id: RunId, checkpoint: Checkpoint): Promise<void>;
  loadCheckpoint(id: RunId, damaged?: (error: Error) => void): Promise<Checkpoint | undefined>;
}

/** Where an import notes what it is adding; empty when none is under way. */
export const journalKey = "decoy.import";

/** Small notes that outlive the page, as `localStorage` keeps them. */
export interface Journal {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}
