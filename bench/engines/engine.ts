/** What the benchmark asks of an engine, ours or a peer's. */
import type { BertShape } from "../../src/domain/encoder.ts";
import type { StepOutcome } from "../../src/domain/engine.ts";
import type { Multiplier } from "../matmul/matmul.ts";
import type { WatchedGpu } from "../watch.ts";
import type { Batch } from "../work.ts";

/** "decoy-f16" is our own, its steps in f16; only where it is asked for. */
export type EngineName = "decoy" | "decoy-f16" | "jax-js" | "tfjs";
export const usualEngines: readonly EngineName[] = ["decoy", "jax-js", "tfjs"];
export const engineNames: readonly EngineName[] = [...usualEngines, "decoy-f16"];

export interface Task {
  readonly shape: BertShape;
  /** In the layout of src/encoder/parameters.ts. */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly batches: readonly Batch[];
  /** Into how many padded groups an engine that packs no texts lays a batch. */
  readonly groups: number;
}

/** A model that trains and encodes the batches of its task, given by their number. */
export interface Job {
  /** How the engine lays texts out, where it can choose. */
  readonly layout: string;
  /** Forward, loss, backward, clip, AdamW. May be called again before it resolves. Its outcome is that before the update. */
  step(batch: number): Promise<StepOutcome>;
  /** (S, H) unit vectors, in the order of the texts. */
  encode(batch: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface BenchEngine {
  readonly name: EngineName;
  readonly watch: WatchedGpu;
  /** Whether it pays for padding, so that its layout has to be chosen. */
  readonly pads: boolean;
  /** Errors: whatever the engine throws; its message is the reason why it is left out. */
  open(task: Task): Promise<Job>;
  /** Square matrices of the given size to multiply; nothing where the engine has no matrix product of its own to offer. */
  multiplier?(size: number): Promise<Multiplier>;
  /** Most bytes by the engine's own count, where it keeps one. */
  peakBytes?(): number;
  dispose(): void;
}
