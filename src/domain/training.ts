/** What the encoder is trained on: rows of one query, one positive and its negatives, over shared text tables. */
import type { Judgement, Query } from "./collection.ts";
import type { RequestOf } from "./configNegatives.ts";
import type { Snapshot } from "./diagnostics.ts";
import type { Vectors } from "./encoder.ts";
import type { Tuning } from "./engine.ts";
import type { DocumentId } from "./ids.ts";
import type { NegativeSource } from "./negative.ts";
import type { Progress } from "./stages.ts";

export interface RowNegative {
  /** Index into {@link TrainingSet.documents}. */
  readonly document: number;
  readonly source: NegativeSource;
  /** The sampler's own score and 1-based rank, where it has them. */
  readonly score?: number;
  readonly rank?: number;
}

export interface TrainingRow {
  /** Index into {@link TrainingSet.queries}. */
  readonly query: number;
  /** Index into {@link TrainingSet.documents}. */
  readonly positive: number;
  readonly negatives: readonly RowNegative[];
}

/** Texts are stored once however many rows use them. Prefixes are not part of them: the encoder adds its own. */
export interface TrainingSet {
  readonly queries: readonly string[];
  readonly documents: readonly string[];
  readonly rows: readonly TrainingRow[];
  /** For batches by topic: the cluster of each row. */
  readonly topics?: readonly number[];
  /** For GIST and MarginMSE; not stored with the rows, as a guide gives the same ones again. */
  readonly guide?: GuideVectors;
}

/** Unit vectors of the training texts by the guide, whose cosines are its scores. */
export interface GuideVectors {
  /** Of {@link TrainingSet.queries}. */
  readonly queries: Vectors;
  /** Of {@link TrainingSet.documents}. */
  readonly documents: Vectors;
  /** Of {@link Refresh.corpus}, where training searches it. */
  readonly corpus?: Vectors;
}

/** The collection as the encoder saw it before training. */
export interface ReadCorpus {
  /** What the encoder reads of every document of the collection, in its order. */
  readonly corpus: readonly string[];
  readonly vectors: Vectors;
}

/** Negatives that are searched for while training goes on, and put after a row's own. The vectors are ANCE's first index, ADORE's only one. */
export interface Refresh extends ReadCorpus {
  readonly requests: readonly (RequestOf<"ance"> | RequestOf<"adore">)[];
  /** For each row, positions in `corpus` that may not become negatives of its query. */
  readonly excluded: readonly (readonly number[])[];
}

/** Queries that tell which weights are best: neither trained on nor measured with at the end. */
export interface Dev extends ReadCorpus {
  /** Of the corpus' documents. */
  readonly ids: readonly DocumentId[];
  /** Each with a relevant document. */
  readonly queries: readonly Query[];
  readonly judgements: readonly Judgement[];
}

/** A look at dev. */
export interface DevReport {
  /** Steps that the weights had done; 0: before training. */
  readonly step: number;
  /** nDCG@10 of the encoder alone, over the whole collection. */
  readonly score: number;
  /** Pauses not counted. */
  readonly seconds: number;
}

/** The weights that did best on dev so far; of equals the first. */
export interface BestOnDev {
  readonly step: number;
  readonly score: number;
  /** In the layout of a checkpoint's own. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Steps that had been done at the last look. */
  readonly looked: number;
}

/** The look that came out best, of equals the first; undefined of none. */
export const bestLook = (looks: readonly DevReport[]): DevReport | undefined =>
  looks.reduce<DevReport | undefined>((best, look) => (best && look.score <= best.score ? best : look), undefined);

/** A new index of ANCE: which weights made it, and what it cost. */
export interface RefreshReport {
  readonly source: "ance";
  /** Steps that the weights had done. */
  readonly version: number;
  readonly documents: number;
  /** Pauses not counted. */
  readonly seconds: number;
}

/** What ANCE's last index gave: rows × count positions in the corpus, row by row; −1 where it found too few. */
export interface MinedByAnce {
  readonly version: number;
  readonly documents: Int32Array<ArrayBuffer>;
}

/** One optimiser step, as it was. */
export interface StepReport {
  /** 1-based. */
  readonly step: number;
  readonly steps: number;
  /** Mean over a batch's queries, and over the step's batches; of InfoNCE in nats. */
  readonly loss: number;
  /** Global L2 norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Tokens encoded in this step, special tokens included, each distinct text of a batch once. */
  readonly tokens: number;
  readonly seconds: number;
  readonly learningRate: number;
}

/**
 * Everything needed to go on as if nothing had happened, from the encoder that training began with. Float32 arenas share one
 * layout, that of what trains (encoder/trained.ts).
 */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** What trains; left out where all of the encoder does. */
  readonly tuning?: Tuning;
  readonly weights: Float32Array<ArrayBuffer>;
  /** AdamW's first and second moments. */
  readonly firstMoment: Float32Array<ArrayBuffer>;
  readonly secondMoment: Float32Array<ArrayBuffer>;
  /** Only where ANCE trains: without it a resumed run could not give the same weights. */
  readonly mined?: MinedByAnce;
  /** Only where dev is looked at. After the last step `weights` are these. */
  readonly best?: BestOnDev;
}

export type TrainReport =
  | { readonly kind: "step"; readonly step: StepReport }
  | { readonly kind: "checkpoint"; readonly checkpoint: Checkpoint }
  /** Of what goes on before the first step and between two: counting tokens, encoding the collection anew, searching it. */
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "refreshed"; readonly refreshed: RefreshReport }
  | { readonly kind: "dev"; readonly dev: DevReport }
  | { readonly kind: "probe"; readonly snapshot: Snapshot };
