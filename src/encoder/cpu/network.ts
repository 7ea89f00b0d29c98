import type { ContrastiveBatch, LossSettings, MemorySettings, PackedTexts, StepSize } from "../../domain/engine.ts";
import type { Trained } from "../trained.ts";
import type { Dropping } from "./drop.ts";

export type Arena = Float32Array<ArrayBuffer>;

/** Which parameters' gradient is asked for, and where each lies in an arena of them. Nothing below `lowest` is among them. */
export type Wanted = Pick<Trained, "regions" | "floats" | "embeddings" | "lowest">;

/** Where the gradient of a batch goes, and of which loss. */
export interface Target {
  readonly settings: LossSettings & MemorySettings;
  readonly wanted: Wanted;
  /** Added to, in the layout of what is wanted. */
  readonly gradient: Arena;
  /** What the gradient is multiplied with: 1 / batches of the step. */
  readonly share: number;
  /** What is dropped; its first token is the batch's. */
  readonly dropping?: Dropping | undefined;
}

/**
 * What a family of encoders computes on the CPU. The model around it keeps the weights, the order of the calls and the
 * optimiser; each call ends before the next begins.
 */
export interface Network {
  /** (S, H) unit vectors. */
  embed(weights: Arena, texts: PackedTexts): Arena;
  /** The loss of the batch. */
  differentiate(weights: Arena, batch: ContrastiveBatch, target: Target): number;
  /** Takes the memory of such a step now, for all to come. */
  reserve(size: StepSize, target: Pick<Target, "wanted" | "settings">): void;
  /** To be called when the weights have changed. */
  weightsChanged(): void;
  dispose(): void;
}
