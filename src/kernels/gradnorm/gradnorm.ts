import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import finalCode from "./final.wgsl?raw";
import lossCode from "./loss.wgsl?raw";
import partialCode from "./partial.wgsl?raw";

const partial: Kernel = { name: "gradnorm/partial", code: partialCode };
const loss: Kernel = { name: "gradnorm/loss", code: lossCode };
const final: Kernel = { name: "gradnorm/final", code: finalCode };

/** Sums of squares that one piece of the gradient leaves. */
export const PARTIALS = 256;

/** The struct State of gradnorm/final.wgsl, in numbers of four bytes. */
export const STATE = { words: 8, loss: 0, gradNorm: 1, scale: 2, step: 4 } as const;

interface MeanLoss {
  /** {@link STATE} */
  readonly state: Slice;
  readonly counts: Slice;
  /** (B) */
  readonly losses: Slice;
}

/** The mean loss of a batch, added to those of the step's batches before it. */
export const meanLoss = ({ state, counts, losses }: MeanLoss): Dispatch<Counts> => ({
  kernel: loss,
  constants: {},
  bindings: [counts, losses, state],
  workgroups: () => [1],
});

interface GradNorm {
  /** {@link STATE}, with the sum of the batches' losses. */
  readonly state: Slice;
  readonly counts: Slice;
  /** The gradient, in pieces that can be bound; each a multiple of four floats. */
  readonly gradient: readonly Slice[];
  /** (pieces, PARTIALS) */
  readonly partial: Slice;
}

export interface NormSettings {
  /** Infinity for none. */
  readonly clip: number;
  readonly betas: readonly [number, number];
}

/** Mean loss, global gradient norm, clipping scale and bias corrections; the gradient is a sum over the step's batches. */
export const gradNorm = (at: GradNorm, { clip, betas }: NormSettings): Dispatch<Counts>[] => [
  ...at.gradient.map((piece, i) => ({
    kernel: partial,
    constants: { FLOATS: piece.size / 4 },
    bindings: [piece, { ...at.partial, offset: at.partial.offset + i * PARTIALS * 4, size: PARTIALS * 4 }],
    workgroups: () => [PARTIALS] as const,
  })),
  {
    kernel: final,
    constants: {
      PARTIALS: at.gradient.length * PARTIALS,
      CLIP: Number.isFinite(clip) ? clip : -1,
      ONE_MINUS_BETA1: 1 - betas[0],
      ONE_MINUS_BETA2: 1 - betas[1],
    },
    bindings: [at.counts, at.partial, at.state],
    workgroups: () => [1],
  },
];
