/** What the page needs from outside: storage, threads, the network, the clock. The composition root gives it; tests give their own. */
import type { Collection, RejectedRow } from "../domain/collection.ts";
import type { Draft, FoundVerdict } from "../domain/draft.ts";
import type { EncoderFiles, EncoderFolder } from "../domain/encoder.ts";
import type { CollectionId, RunId } from "../domain/ids.ts";
import type { CollectionRecord, RunProduct, RunProducts, RunRecord, RunReport } from "../domain/run.ts";
import type { EncoderStages, ImportResult, Progress, ReaderStages, RetrieverStages } from "../domain/stages.ts";
import type { Synthesis } from "../domain/synthesis.ts";
import type { Checkpoint } from "../domain/training.ts";
import type { RunInput, RunOutcome, Services } from "../pipeline/run.ts";
import type { CardInput } from "../export/card.ts";
import type { OnnxExporter } from "../export/onnx/contract.ts";
import type { Encoders } from "../hub/encoders.ts";
import type { FileStore, HubEncoder } from "../hub/kept.ts";
import type { Uploads } from "../hub/uploads.ts";
import type { WrittenChanges } from "../storage/drafts.ts";
import type { GenerationRecord } from "../storage/schema.ts";

/** A file as it was picked or dropped; `path` is relative to what was picked. */
export interface PickedFile {
  readonly path: string;
  readonly blob: Blob;
}

export interface EncoderRecord {
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** ISO 8601; empty where nobody noted it. */
  readonly createdAt: string;
  /** What the hub's are known by. */
  readonly hub?: HubEncoder;
}

/** What is kept between visits. */
export interface AppStore {
  readonly interruptedImports: number;
  /** Of hub encoders. */
  readonly files: FileStore;
  listCollections(): Promise<readonly CollectionRecord[]>;
  writeCollection(
    result: ImportResult,
    rejectedRows: readonly RejectedRow[],
    /** ISO 8601; now unless told. */
    createdAt?: string,
  ): AsyncGenerator<Progress, CollectionRecord, void>;
  readCollection(id: CollectionId): Promise<Collection>;
  /** With the drafts and verdicts on it. */
  removeCollection(id: CollectionId): Promise<void>;
  putDraft(collection: CollectionId, draft: Draft): Promise<void>;
  /** All of them or none. */
  putDrafts(collection: CollectionId, drafts: readonly Draft[]): Promise<void>;
  /** In the order in which they were written. */
  listDrafts(collection: CollectionId): Promise<readonly Draft[]>;
  removeDrafts(collection: CollectionId, keys: readonly string[]): Promise<void>;
  putVerdicts(collection: CollectionId, verdicts: readonly FoundVerdict[]): Promise<void>;
  listVerdicts(collection: CollectionId): Promise<readonly FoundVerdict[]>;
  /** One a collection. */
  putGeneration(record: GenerationRecord): Promise<void>;
  readGeneration(collection: CollectionId): Promise<GenerationRecord | undefined>;
  /** All of it, of all collections, or nothing. */
  putWritten(changes: readonly WrittenChanges[]): Promise<void>;
  listEncoders(): Promise<readonly EncoderRecord[]>;
  putEncoder(folder: EncoderFiles, createdAt?: string): Promise<EncoderRecord>;
  readEncoder(key: string): Promise<EncoderFiles>;
  removeEncoder(key: string): Promise<void>;
  listRuns(): Promise<readonly RunRecord[]>;
  putRun(record: RunRecord): Promise<void>;
  removeRun(id: RunId): Promise<void>;
  putProduct(id: RunId, product: RunProduct): Promise<void>;
  /** A damaged product is told to `damaged` and left out. */
  readProducts(id: RunId, damaged?: (error: Error) => void): Promise<RunProducts>;
  saveCheckpoint(id: RunId, checkpoint: Checkpoint): Promise<void>;
  loadCheckpoint(id: RunId, damaged?: (error: Error) => void): Promise<Checkpoint | undefined>;
}

/** Zips, folders and cards of encoders, loaded when first needed. */
export interface FolderFormats {
  zipFolder(folder: EncoderFolder): Promise<Blob>;
  readFolder(files: readonly PickedFile[]): Promise<EncoderFiles>;
  modelCard(input: CardInput): string;
}

export type Pipeline = (services: Services, input: RunInput) => AsyncGenerator<RunReport, RunOutcome, void>;

/** Small settings, as `localStorage` keeps them. */
export interface Settings {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface Dependencies {
  readonly store: AppStore;
  /** Whether a note is kept beside the store of how much is in it, to notice a loss. */
  readonly noted: boolean;
  /** Asks the browser not to clear the store when room gets short; called when there is something to lose. */
  readonly askToKeep: () => void;
  /** False in a second tab: nothing may be written. */
  readonly writer: boolean;
  readonly services: Services;
  readonly reader: ReaderStages;
  /** A thread of its own, so that a search never disturbs the indexes of a run. */
  readonly searcher: { readonly encoder: EncoderStages; readonly retriever: RetrieverStages };
  /** Finds passages near a query or a draft; its index is neither a run's nor the search's. */
  readonly neighbours: RetrieverStages;
  /** Loaded when decoys are first written, looked through or judged. */
  readonly synthesis: () => Promise<Synthesis>;
  readonly pipeline: Pipeline;
  readonly formats: () => Promise<FolderFormats>;
  /** The Hugging Face hub, and what is kept of it; loaded when first looked at. */
  readonly hub: () => Promise<Encoders>;
  /** Bytes that may still be stored; undefined where the browser does not tell. */
  readonly room: () => Promise<number | undefined>;
  /** Sending to the hub; loaded when it is first wanted. */
  readonly uploads: () => Promise<Uploads>;
  /** A thread that makes ONNX files; whoever starts it ends it. */
  readonly startExporter: () => { readonly exporter: OnnxExporter; readonly end: () => void };
  readonly settings: Settings;
  /** A file that ships with the page. Errors: MissingFile. */
  readonly shipped: (path: string) => Promise<Blob>;
  /** Hands a file to the person. */
  readonly download: (blob: Blob, name: string) => void;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Runs `act` in `ms` milliseconds, unless the returned function is called before. */
  readonly later: (ms: number, act: () => void) => () => void;
}
