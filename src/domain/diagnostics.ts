/** What can be seen of the negatives themselves: how hard they are, where the loss looks, whether their origin shows. */
import type { NegativeSource } from "./negative.ts";

/** Who the softmax of InfoNCE gives its mass to. "inBatch": passages of the other rows. */
export type MassSource = "positive" | NegativeSource;

/** Margins s(q, d+) − s(q, d−) of one source, cosine. */
export interface Margins {
  readonly count: number;
  readonly mean: number;
  /** Counts in {@link marginEdges}' bins; the first and last take what lies outside. */
  readonly histogram: readonly number[];
}

/** Bin edges of the margins: 21 edges from −.5 to .5, 20 bins. */
export const marginEdges: readonly number[] = Array.from({ length: 21 }, (_, i) => (i - 10) / 20);

/** One look at a fixed sample of the training rows with the weights of one moment. In-batch negatives are left out. */
export interface Snapshot {
  /** Optimiser steps done. */
  readonly step: number;
  readonly rows: number;
  /** Mean softmax probability by source; sums to 1. */
  readonly mass: Readonly<Partial<Record<MassSource, number>>>;
  /** Share of the candidates by source: what `mass` would be if all scores were equal. Sums to 1. */
  readonly expected: Readonly<Partial<Record<MassSource, number>>>;
  readonly margins: Readonly<Partial<Record<NegativeSource, Margins>>>;
  /**
   * V_emb: trace of the covariance over rows of ∂L/∂e_q, the gradient of a row's loss by its query's unit vector:
   * 1/(B−1) Σ ‖g_b − ḡ‖².
   */
  readonly embeddingVariance: number;
  /**
   * Source-shortcut probe: area under the ROC curve of a linear probe that tells written negatives from found ones by
   * their vectors alone, five-fold cross-validated. .5: their origin does not show. Undefined with fewer than ten of either.
   */
  readonly shortcut: number | undefined;
}

/** Gradient variance, its other two definitions; the paper (arXiv 2412.17250) reports figures without defining theirs. */
export interface GradientVariance {
  /** V_tr: 1/(B−1) Σ_b ‖g_b − ḡ‖² over B batches at fixed weights: trace of the covariance of the parameter gradient. */
  readonly trace: number;
  /** ‖ḡ‖². */
  readonly meanSquared: number;
  readonly batches: number;
}
