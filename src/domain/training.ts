/** What the encoder is trained on: rows of one query, one positive and its negatives, over shared text tables. */
import type { NegativeSource } from "./negative.ts";

export interface RowNegative {
  /** Index into {@link TrainingSet.documents}. */
  readonly document: number;
  readonly source: NegativeSource;
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
}

/** One optimiser step, as it was. */
export interface StepReport {
  /** 1-based. */
  readonly step: number;
  readonly steps: number;
  /** Mean InfoNCE over the batch's queries, in nats. */
  readonly loss: number;
  /** Global L2 norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Tokens encoded in this step, special tokens included, each distinct text once. */
  readonly tokens: number;
  readonly seconds: number;
  readonly learningRate: number;
}

/** Everything needed to go on as if nothing had happened. Float32 arenas share one layout (encoder/parameters.ts). */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  readonly weights: Float32Array<ArrayBuffer>;
  /** AdamW's first and second moments. */
  readonly firstMoment: Float32Array<ArrayBuffer>;
  readonly secondMoment: Float32Array<ArrayBuffer>;
}
