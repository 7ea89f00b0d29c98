import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "infonce/forward", code: forwardCode };
const backward: Kernel = { name: "infonce/backward", code: backwardCode };

interface Forward {
  /** (B) */
  readonly loss: Slice;
  /** (pairs) */
  readonly coefficient: Slice;
  /** (S, H) */
  readonly embedding: Slice;
  /** (B) */
  readonly queries: Slice;
  /** (B + 1) */
  readonly offsets: Slice;
  /** (pairs) */
  readonly candidates: Slice;
}

/** Each query's loss, and the derivative of their mean by each pair's dot product. */
export const infonceForward = (
  at: Forward,
  { H, temperature }: { readonly H: number; readonly temperature: number },
): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H, TEMPERATURE: temperature },
  bindings: [at.embedding, at.queries, at.offsets, at.candidates, at.loss, at.coefficient],
  workgroups: ({ B }) => [B],
});

/** The pairs of (query, candidate) that each text stands in, as compressed sparse rows. */
export interface Touching {
  /** (S + 1) */
  readonly offsets: Slice;
  /** (2 · pairs) */
  readonly pairs: Slice;
  /** (2 · pairs) */
  readonly others: Slice;
}

interface Backward {
  /** (S, H) */
  readonly dembedding: Slice;
  /** (S, H) */
  readonly embedding: Slice;
  /** (pairs) */
  readonly coefficient: Slice;
  readonly touching: Touching;
}

export const infonceBackward = (
  { dembedding, embedding, coefficient, touching }: Backward,
  { H }: { readonly H: number },
): Dispatch<Counts> => ({
  kernel: backward,
  constants: { H },
  bindings: [embedding, coefficient, touching.offsets, touching.pairs, touching.others, dembedding],
  workgroups: ({ S }) => [S, Math.ceil(H / 64)],
});
