/**
 * What an engine does: the one contract behind which the WebGPU engine and the CPU engine stand. Weights, gradients and
 * moments are flat Float32 arenas that share one layout (encoder/parameters.ts), so that a checkpoint made by one engine
 * goes on with the other.
 */
import type { LossName } from "./configTraining.ts";
import type { EncoderShape, EngineInfo, Pooling, Precision } from "./encoder.ts";
import type { Checkpoint } from "./training.ts";

/** Texts of one batch back to back, no padding. Each has at least one token. */
export interface PackedTexts {
  /** (T) */
  readonly tokenIds: Int32Array<ArrayBuffer>;
  /** (S + 1); text s is tokenIds[cuSeqlens[s] … cuSeqlens[s + 1]). */
  readonly cuSeqlens: Int32Array<ArrayBuffer>;
}

/** What a candidate is to its query, as bits. The positive, and whoever is nothing of this, has 0. */
export const roles = {
  /** Its score weighs more in InfoNCE (hardness weighting). */
  hardened: 1,
  /** A negative of the query's own, and whether it was found or written: the entropy term is over these alone. */
  found: 2,
  written: 4,
} as const;

/**
 * Queries and who they are compared with. Query b is text `queries[b]`; its candidates are the texts
 * `candidates[offsets[b] … offsets[b + 1])`, the positive first. A text may be a candidate of many queries, and may stand
 * more than once among the candidates of one; each occurrence counts. Where the loss is symmetric, a passage is a query
 * too: its candidates are queries.
 */
export interface ContrastiveBatch {
  readonly texts: PackedTexts;
  /** (B) */
  readonly queries: Int32Array<ArrayBuffer>;
  /** (B + 1) */
  readonly offsets: Int32Array<ArrayBuffer>;
  /** (offsets[B]) */
  readonly candidates: Int32Array<ArrayBuffer>;
  /** (offsets[B]), of {@link roles}; there where hardness or entropy ask for it. */
  readonly roles?: Int32Array<ArrayBuffer>;
  /** (offsets[B]) what a teacher gives the pair; there for MarginMSE. */
  readonly targets?: Float32Array<ArrayBuffer>;
  /**
   * (F, H) unit vectors that are not encoded and do not train, of documents whose side stays as it is: candidate S + f is row f.
   * A query is a text always.
   */
  readonly fixed?: Float32Array<ArrayBuffer>;
}

/** Matrices of a layer that LoRA may add to, by the names of their regions. */
export const layerMatrices = ["attention.qkv", "attention.output", "intermediate", "output"] as const;
export type LayerMatrix = (typeof layerMatrices)[number];

/** LoRA (Hu et al., arXiv 2106.09685): W stays, and alpha / rank · B · A is learned beside it; B starts at zero. */
export interface Lora {
  readonly rank: number;
  readonly alpha: number;
  readonly matrices: readonly LayerMatrix[];
}

/** What of an encoder trains; where both are left out, all of it. */
export interface Tuning {
  /** The embeddings and so many of the lowest layers stay as they are. */
  readonly frozenLayers?: number;
  /** Of the layers that are not frozen. */
  readonly lora?: Lora;
}

/** Share of the numbers that a training step sets to zero, scaling up the rest; none where left out. */
export interface Dropout {
  /** Of the embeddings' and of each block's two results before they are added to what came in (Devlin et al., 2019). */
  readonly hidden: number;
  /** Of the attention's weights. */
  readonly attention: number;
}

/** "adamw16" keeps both moments as bfloat16, rounded stochastically, in half the memory (src/kernels/adamw). */
export const optimizerNames = ["adamw", "adamw16"] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** Queries with at least one written negative of their own: the entropy term is the mean over these. */
export function queriesWithWritten({ offsets, roles: given }: Pick<ContrastiveBatch, "offsets" | "roles">): number {
  const hasWritten = (b: number) => given?.subarray(offsets[b - 1], offsets[b]).some((role) => role & roles.written);
  return offsets.reduce((count, _, b) => count + (b > 0 && hasWritten(b) ? 1 : 0), 0);
}

/** What the scores of a batch become; s is a cosine. All are means over the queries. */
export interface LossSettings {
  /** τ: InfoNCE and LambdaRank score by s / τ, MarginMSE by s itself. */
  readonly temperature: number;
  /** Where left out, InfoNCE. */
  readonly loss?: LossName;
  /** α: a hardened candidate's z in InfoNCE is s / τ + α · s, with the second s taken for a constant (arXiv 2503.04812, eq. 5). */
  readonly hardness?: number;
  /** CausalNeg's entropy term beside InfoNCE (arXiv 2606.01304). */
  readonly entropy?: { readonly weight: number; readonly temperature: number };
  /**
   * Matryoshka (arXiv 2205.13147): the mean of the losses on so many first numbers of each vector, brought to unit length;
   * none may be more than the encoder's width. Where left out, on whole vectors.
   */
  readonly dimensions?: readonly number[];
}

/** What bounds the memory of a step; it changes its time, and its result in no more than the last bits. */
export interface MemorySettings {
  /**
   * Most tokens that are encoded at once, or one text if that is longer. A batch with more goes in parts, forward twice (GradCache,
   * Gao et al., arXiv 2101.06983). Where left out, as many as leave no more than 1 GiB of activations.
   */
  readonly microTokens?: number;
  /** Only what each layer starts from is kept, and the rest of it made again on the way back (Chen et al., arXiv 1604.06174). */
  readonly recompute?: boolean;
}

/** Loss and AdamW settings that hold for a whole run (Loshchilov and Hutter, 2019; decay on matrices only). */
export interface TrainerSettings extends LossSettings, MemorySettings {
  readonly tuning?: Tuning;
  readonly dropout?: Dropout;
  /** Where left out, "adamw". */
  readonly optimizer?: OptimizerName;
  /** Where left out, and in an engine that knows no other ({@link EngineInfo.precisions}), "f32". */
  readonly precision?: Precision;
  /** Of dropout, of LoRA's start and of stochastic rounding; 0 if left out. */
  readonly seed?: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** The gradient is scaled down to this global L2 norm; Infinity for none. */
  readonly clip: number;
}

export interface StepOutcome {
  /** Mean over queries; of InfoNCE in nats. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
}

/** The largest step of a run, by which its memory is planned. */
export interface StepSize {
  /** Of a batch: each distinct text once. */
  readonly tokens: number;
  readonly texts: number;
  /** Tokens of the longest text. */
  readonly longest: number;
  /** Of a batch; and candidates of all of them together, the positives among them. */
  readonly queries: number;
  readonly candidates: number;
  /** Vectors that are not encoded. */
  readonly fixed?: number;
  /** Batches of the step; 1 if left out. */
  readonly batches?: number;
}

/** Bytes that a training holds at once, by what they are for. */
export interface MemoryUse {
  readonly weights: number;
  /** Of LoRA. */
  readonly adapters: number;
  readonly gradient: number;
  readonly moments: number;
  /** With all that a step writes besides. */
  readonly activations: number;
  /** Of all of these. */
  readonly total: number;
}

export interface Trainer {
  /**
   * One forward, backward, clip and AdamW update; of several batches, by the mean of their losses (gradient accumulation). May
   * be called again before earlier calls have resolved: outcomes arrive late and in order. A step whose loss or gradient norm is
   * not finite leaves weights and moments unchanged and resolves with that value, so that the caller can stop with the last good
   * state intact.
   */
  step(batch: ContrastiveBatch | readonly ContrastiveBatch[], learningRate: number): Promise<StepOutcome>;
  /** The gradient of the last step before clipping, in the layout of what trains (encoder/trained.ts): for tests and diagnostics. */
  gradient(): Promise<Float32Array<ArrayBuffer>>;
  /** Waits for all submitted steps. */
  checkpoint(): Promise<Checkpoint>;
  restore(checkpoint: Checkpoint): Promise<void>;
  dispose(): void;
}

export interface Model {
  readonly shape: EncoderShape;
  /** (S, H) unit vectors, in the order of the texts. */
  embed(texts: PackedTexts): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Trains this model's own weights. At most one trainer at a time. With `largest`, takes the memory of such a step at once, so
   * that what does not fit shows before the first.
   */
  createTrainer(settings: TrainerSettings, largest?: StepSize): Promise<Trainer>;
  /** A copy of the weight arena. Waits for all submitted steps. */
  weights(): Promise<Float32Array<ArrayBuffer>>;
  dispose(): void;
}

/** A training, as far as its memory depends on it. */
export interface PlannedTraining {
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly settings: TrainerSettings;
  readonly largest: StepSize;
}

export interface Engine {
  readonly info: EngineInfo;
  /** What a training will hold, without taking any of it. Errors: GpuOutOfMemory where the device allows no such tensor. */
  predict(training: PlannedTraining): MemoryUse;
  /** Most bytes held at once since the start, by this engine's own count; 0 where it cannot tell. */
  peakBytes(): number;
  createModel(input: {
    readonly shape: EncoderShape;
    readonly pooling: Pooling;
    readonly weights: Float32Array<ArrayBuffer>;
    /** The caller lets go of `weights`, which may become the model's own: no second copy is made. */
    readonly given?: boolean;
  }): Promise<Model>;
  dispose(): void;
}
