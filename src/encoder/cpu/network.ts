import type { ContrastiveBatch, LossSettings, PackedTexts } from "../../domain/engine.ts";

export type Arena = Float32Array<ArrayBuffer>;

/** Where the gradient of a batch goes, and of which loss. */
export interface Target {
  readonly settings: LossSettings;
  /** Added to, in the arena's layout. */
  readonly gradient: Arena;
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
  /** To be called when the weights have changed. */
  weightsChanged(): void;
  dispose(): void;
}
