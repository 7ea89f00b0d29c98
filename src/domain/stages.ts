/**
 * The contracts that threads fulfil. The page connects workers to them, the headless runner calls the modules
 * themselves; the pipeline sees only these types.
 */
import type { Stage } from "../base/channel.ts";
import type { Arranged, Arrangement } from "./arrangement.ts";
import type { Collection, Document, Judgement, LeakReport, Query, RejectedRow } from "./collection.ts";
import type { EncoderCard, EncoderFiles, EncoderFolder, EngineChoice, EngineInfo, Vectors } from "./encoder.ts";
import type { WeightPrecision } from "./encoder.ts";
import type { DocumentId, QueryId } from "./ids.ts";
import type { Comparison, EncoderRankings, MetricName, Ranking, Scores } from "./ranking.ts";
import type { Config, TrainingConfig } from "./config.ts";
import type { Mapping, SeparatedForm, TablePreview } from "./mapping.ts";
import type { MemoryUse } from "./engine.ts";
import type { GradientVariance } from "./diagnostics.ts";
import type { Checkpoint, Dev, ReadCorpus, Refresh, TrainingSet, TrainReport } from "./training.ts";

/** How far a stage has come, in its own units. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: "documents" | "queries" | "rows" | "texts" | "bytes" | "steps" | "batches";
}

/** An encoder opened in the encoder thread; several may be open at once. */
export type ModelHandle = number;

export interface OpenedEncoder {
  readonly model: ModelHandle;
  readonly card: EncoderCard;
  readonly engine: EngineInfo;
}

export interface TrainOutcome {
  /** Steps done: fewer than planned where dev got no better for so long that training ended. */
  readonly steps: number;
  readonly tokens: number;
  /** Spent in steps, pauses not counted. */
  readonly seconds: number;
  readonly peakBytes: number;
  /** Its weights are those that the encoder ends with: the last step's, or the best on dev. */
  readonly checkpoint: Checkpoint;
}

/** Owns the GPU device (or the CPU engine) and the weights. */
export interface EncoderStages {
  /** Errors: UnreadableEncoder, GpuUnavailable. */
  open: Stage<{ readonly folder: EncoderFiles; readonly engine: EngineChoice }, Progress, OpenedEncoder>;
  /**
   * One unit vector a text, in order. Texts are given without prefix and cut to `maxTokens`. Where only queries train (`side`),
   * documents are read by the encoder as it was opened, whatever was trained since.
   */
  encode: Stage<
    {
      readonly model: ModelHandle;
      readonly texts: readonly string[];
      readonly kind: "query" | "document";
      readonly config: TrainingConfig;
    },
    Progress,
    Vectors
  >;
  /** Trains `model` as it was opened, from `resume` if given. Yields a step at a time and a checkpoint now and then. */
  train: Stage<
    {
      readonly model: ModelHandle;
      readonly data: TrainingSet;
      readonly config: TrainingConfig;
      readonly resume?: Checkpoint;
      readonly refresh?: Refresh;
      /** For the recipe's `best`. */
      readonly dev?: Dev;
      /** Where only queries train: documents that are not among these are encoded before the first step. */
      readonly read?: ReadCorpus;
      /** Seconds between checkpoints. */
      readonly checkpointEvery: number;
    },
    TrainReport,
    TrainOutcome
  >;
  /**
   * What training an encoder of this card will hold at most, if every text is as long as it may be; none has to be open for it.
   * Errors: GpuOutOfMemory where the device allows no such tensor, NothingTrains, GpuUnavailable.
   */
  predict: Stage<
    { readonly card: EncoderCard; readonly engine: EngineChoice; readonly config: Config },
    never,
    { readonly memory: MemoryUse; readonly engine: EngineInfo }
  >;
  /** V_tr over the first `batches` batches of the recipe's order. Weights and everything else stay as they are. */
  gradientVariance: Stage<
    {
      readonly model: ModelHandle;
      readonly data: TrainingSet;
      readonly config: TrainingConfig;
      readonly batches: number;
      /** As for `train`. */
      readonly read?: ReadCorpus;
    },
    Progress,
    GradientVariance
  >;
  /** Puts what a checkpoint holds of the weights into the encoder as it was opened, without training. */
  restore: Stage<{ readonly model: ModelHandle; readonly checkpoint: Checkpoint }, never, void>;
  /**
   * The folder as it was opened, in sentence-transformers' layout, with the weights, pooling and prefixes of now. Where only
   * queries train, two such folders in one: "queries" with the weights of now, "documents" with those that it was opened with.
   * Errors: WeightsTooLarge.
   */
  export: Stage<
    {
      readonly model: ModelHandle;
      readonly config: TrainingConfig;
      /** The model card; where left out, the opened folder's own is kept. */
      readonly readme?: string;
      /** How the weights are stored; "f32" where left out. */
      readonly precision?: WeightPrecision;
    },
    never,
    EncoderFolder
  >;
  close: Stage<{ readonly model: ModelHandle }, never, void>;
}

export interface IndexSummary {
  readonly documents: number;
  readonly terms: number;
  /** Mean document length in terms after analysis. */
  readonly averageLength: number;
}

/** Owns the indexes: one BM25 index, and any number of vector indexes by name. */
export interface RetrieverStages {
  indexText: Stage<{ readonly documents: readonly Document[] }, Progress, IndexSummary>;
  /** Best `depth` documents a query by BM25. */
  searchText: Stage<{ readonly queries: readonly Query[]; readonly depth: number }, Progress, Ranking[]>;
  indexVectors: Stage<
    { readonly name: string; readonly ids: readonly DocumentId[]; readonly vectors: Vectors },
    never,
    void
  >;
  /** Best `depth` documents a query by inner product with index `name`; exact. */
  searchVectors: Stage<
    { readonly name: string; readonly queryIds: readonly QueryId[]; readonly vectors: Vectors; readonly depth: number },
    Progress,
    Ranking[]
  >;
  /** Best `depth` documents a query by index `name`, alone and fused with BM25; exact but for what fusion.ts says. */
  searchFused: Stage<
    { readonly name: string; readonly queries: readonly Query[]; readonly vectors: Vectors; readonly depth: number },
    Progress,
    EncoderRankings
  >;
  /** As trec_eval computes them; intervals from `seed`. Queries without a relevant document are left out. */
  evaluate: Stage<
    {
      readonly rankings: readonly Ranking[];
      readonly judgements: readonly Judgement[];
      readonly metrics: readonly MetricName[];
      readonly seed: number;
    },
    never,
    Scores
  >;
  /** The same scores on some of their queries alone, at least one; intervals from `seed`. */
  restrict: Stage<
    { readonly scores: Scores; readonly queryIds: readonly QueryId[]; readonly seed: number },
    never,
    Scores
  >;
  /** b against a on one metric, query by query. */
  compare: Stage<
    { readonly a: Scores; readonly b: Scores; readonly metric: MetricName; readonly seed: number },
    never,
    Comparison
  >;
}

export interface ImportSummary {
  /** "BEIR folder", "BEIR zip", "JSONL of pairs". */
  readonly format: string;
  readonly documents: number;
  readonly queries: number;
  /** Judgements by split. */
  readonly judgements: Readonly<Record<string, number>>;
  readonly negatives: number;
  /** By split that is not trained on; missing where there is no training split. */
  readonly leaks?: Readonly<Record<string, LeakReport>>;
  /** All of them, whatever the reason; the reports carry at most the first 10,000. */
  readonly rejected: number;
  /** SHA-256 of what was accepted. */
  readonly digest: string;
}

export type ImportReport =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "rejected"; readonly rows: readonly RejectedRow[] };

export interface ImportResult {
  readonly collection: Collection;
  readonly summary: ImportSummary;
}

/** `path` is relative to what was picked or dropped. */
export interface GivenFile {
  readonly path: string;
  readonly blob: Blob;
}

/** Reads what a person gives into a collection, off the page's thread. */
export interface ReaderStages {
  /** Errors: UnreadableCollection, naming the file and what to do. */
  read: Stage<
    {
      readonly files: readonly GivenFile[];
      /** What the columns mean, where the only file is a table; where left out, their names must be known. */
      readonly mapping?: Mapping;
    },
    ImportReport,
    ImportResult
  >;
  /**
   * The start of a table (CSV, TSV, JSON lines, Parquet), where one is all that was given; undefined where it is not. `form`: how
   * separated values are cut, where a person said so. Errors: UnreadableCollection.
   */
  preview: Stage<
    { readonly files: readonly GivenFile[]; readonly form?: SeparatedForm },
    never,
    TablePreview | undefined
  >;
  /** Other splits of the same judgements. Errors: ImpossibleSplit. */
  arrange: Stage<Pick<Collection, "queries" | "judgements"> & { readonly arrangement: Arrangement }, never, Arranged>;
}
