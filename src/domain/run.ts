/** A run: one recipe on one collection with one encoder, from the index to the verdict. */
import type { LeakReport, RejectedRow } from "./collection.ts";
import type { Config } from "./config.ts";
import type { EncoderCard, EngineChoice, EngineInfo, Vectors } from "./encoder.ts";
import type { MemoryUse } from "./engine.ts";
import type { CollectionId, RunId } from "./ids.ts";
import type { BySystem, Comparisons, Ranking, Scores, SystemName } from "./ranking.ts";
import type { ModelHandle, Progress } from "./stages.ts";
import type { GradientVariance, Snapshot } from "./diagnostics.ts";
import type { DocumentId, QueryId } from "./ids.ts";
import type { NegativeSource } from "./negative.ts";
import type { Checkpoint, DevReport, RefreshReport, StepReport, TrainingSet } from "./training.ts";

/** In the order in which they run. */
export const stageNames = ["index", "mine", "gate", "mix", "before", "train", "after"] as const;
export type StageName = (typeof stageNames)[number];

/** One system measured on the evaluation split: its figures and the rankings (depth 100) that they come from. */
export interface SystemResult {
  readonly scores: Scores;
  readonly rankings: readonly Ranking[];
}

/**
 * What stages made, kept so that a later session goes on instead of starting over. Each is reported once, when it is
 * made; handing them back skips the work.
 */
export interface RunProducts extends Readonly<Partial<Record<SystemName, SystemResult>>> {
  readonly gate?: GateReport;
  readonly trainingSet?: TrainingSet;
  /** Document vectors, in the order of the collection's documents. Where only queries train, those from before are those after. */
  readonly vectorsBefore?: Vectors;
  readonly vectorsAfter?: Vectors;
  /** The negatives as the encoder saw them before and after training. */
  readonly snapshotBefore?: Snapshot;
  readonly snapshotAfter?: Snapshot;
  readonly variance?: GradientVariance;
}

/** A negative that the gate left out or turned into an answer. */
export interface GatedNegative {
  readonly queryId: QueryId;
  readonly source: NegativeSource;
  /** Of a found one. */
  readonly documentId?: DocumentId;
  readonly text: string;
  readonly action: "relabel" | "drop";
  /** "s = .81, positive .79: over 95 % of it." */
  readonly reason: string;
}

export interface GateReport {
  readonly considered: number;
  readonly dropped: number;
  readonly relabelled: number;
  /** At most the first 5,000. */
  readonly negatives: readonly GatedNegative[];
}

export type RunProduct = {
  [Name in keyof RunProducts]-?: { readonly name: Name; readonly value: NonNullable<RunProducts[Name]> };
}[keyof RunProducts];

export type RunReport =
  | {
      readonly kind: "opened";
      readonly model: ModelHandle;
      readonly card: EncoderCard;
      readonly engine: EngineInfo;
      /** What training will hold at most; left out where nothing is trained. */
      readonly memory?: MemoryUse;
    }
  | { readonly kind: "started"; readonly stage: StageName }
  | { readonly kind: "progress"; readonly stage: StageName; readonly progress: Progress }
  | { readonly kind: "finished"; readonly stage: StageName; readonly seconds: number }
  /** Something the person should know, and nothing is wrong: rows without a synthetic negative, shortened texts, … */
  | { readonly kind: "note"; readonly stage: StageName; readonly text: string }
  | { readonly kind: "step"; readonly step: StepReport }
  | { readonly kind: "checkpoint"; readonly checkpoint: Checkpoint }
  | { readonly kind: "refreshed"; readonly refreshed: RefreshReport }
  | { readonly kind: "dev"; readonly dev: DevReport }
  | { readonly kind: "probe"; readonly snapshot: Snapshot }
  | { readonly kind: "product"; readonly product: RunProduct };

/** Name of the evaluation split where nothing is judged: documents, searched by their own titles and sentences. */
export const heldOutSplit = "held-out documents";

/** What was measured on one set of queries. */
export interface Figures {
  readonly systems: BySystem<Scores>;
  readonly comparisons: Comparisons;
  /** One sentence for a person. */
  readonly verdict: string;
}

/** The figures on clean queries alone; below {@link fewestClean} of them there are none, and the verdict says so. */
export type CleanFigures =
  | (Figures & { readonly kind: "measured" })
  | { readonly kind: "tooFew"; readonly queries: number; readonly verdict: string };

/** A mean over fewer queries says nothing. */
export const fewestClean = 10;

/** What the weights were chosen by. */
export interface DevResult {
  readonly split: string;
  readonly queries: number;
  /** In the order of their steps. */
  readonly looks: readonly DevReport[];
  /** Steps that the kept weights had done; 0: those from before training. */
  readonly kept: number;
}

export interface RunResult extends Figures {
  readonly split: string;
  /** Undefined where no training query is known. */
  readonly leak: LeakReport | undefined;
  /** Where some queries are not clean: the same figures on those that are. Missing in runs from before they were made. */
  readonly clean?: CleanFigures;
  readonly trainingRows: number;
  /** Steps done, also those after the weights that were kept. */
  readonly steps: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** Seconds by stage, pauses not counted. */
  readonly seconds: Readonly<Partial<Record<StageName, number>>>;
  readonly peakBytes: number;
  readonly engine: EngineInfo;
  readonly encoder: EncoderCard;
  readonly notes: readonly string[];
  readonly gate: Pick<GateReport, "considered" | "dropped" | "relabelled"> | undefined;
  /** Before, during and after training, by steps; undefined where nothing was trained. */
  readonly snapshots: readonly Snapshot[];
  readonly variance: GradientVariance | undefined;
  /** V_norm: variance over the steps of the gradient's norm before clipping. */
  readonly normVariance: number | undefined;
  readonly refreshes: readonly RefreshReport[];
  /** Where the recipe keeps the best weights. */
  readonly dev?: DevResult;
}

export type RunStatus = "running" | "paused" | "stopped" | "failed" | "finished";

/** A run as it is stored: its products and checkpoint lie beside it under its id. */
export interface RunRecord {
  readonly id: RunId;
  readonly name: string;
  readonly collection: CollectionId;
  readonly collectionName: string;
  readonly collectionDigest: string;
  /** Key of the stored encoder, or "built-in". */
  readonly encoder: string;
  readonly encoderName: string;
  /** Key of the guide, where it is not the encoder that the run starts from. */
  readonly guide?: string;
  readonly engine: EngineChoice;
  readonly config: Config;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly status: RunStatus;
  /** Why it failed, in words for a person. */
  readonly failure?: string;
  readonly stage: StageName;
  readonly steps: readonly StepReport[];
  readonly probes?: readonly Snapshot[];
  readonly refreshes?: readonly RefreshReport[];
  /** Looks at dev. */
  readonly dev?: readonly DevReport[];
  readonly notes?: readonly string[];
  readonly result?: RunResult;
}

/** What is known of a stored collection without reading it. */
export interface CollectionRecord {
  readonly id: CollectionId;
  readonly name: string;
  readonly format: string;
  readonly createdAt: string;
  readonly digest: string;
  readonly documents: number;
  readonly queries: number;
  /** Judgements by split. */
  readonly judgements: Readonly<Record<string, number>>;
  readonly negatives: number;
  /** By split that is not trained on. Missing where there is no training split, and in what was stored before they were counted. */
  readonly leaks?: Readonly<Record<string, LeakReport>>;
  readonly rejected: number;
  /** At most the first 10,000. */
  readonly rejectedRows: readonly RejectedRow[];
}
