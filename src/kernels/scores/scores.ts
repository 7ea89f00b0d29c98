import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "scores/forward", code: forwardCode };
const backward: Kernel = { name: "scores/backward", code: backwardCode };

interface Forward {
  /** (pairs) */
  readonly score: Slice;
  /** (S, H) */
  readonly embedding: Slice;
  /** (B) */
  readonly queries: Slice;
  /** (B + 1) */
  readonly offsets: Slice;
  /** (pairs) */
  readonly candidates: Slice;
}

/** The inner product of each query with each of its candidates. */
export const scoresForward = (at: Forward, { H }: { readonly H: number }): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H },
  bindings: [at.embedding, at.queries, at.offsets, at.candidates, at.score],
  workgroups: ({ B }) => [B],
});

/** The sides of pairs (query, candidate) that each text stands on, as compressed sparse rows. */
export interface Touching {
  /** (S + 1) */
  readonly offsets: Slice;
  /** (2 · pairs) */
  readonly sides: Slice;
  /** (2 · pairs) */
  readonly others: Slice;
}

interface Backward {
  /** (S, H) */
  readonly dembedding: Slice;
  /** (S, H) */
  readonly embedding: Slice;
  /** (pairs, 2) the derivative by each score as the query's vector sees it, and as the candidate's does. */
  readonly coefficient: Slice;
  readonly touching: Touching;
}

export const scoresBackward = (
  { dembedding, embedding, coefficient, touching }: Backward,
  { H }: { readonly H: number },
): Dispatch<Counts> => ({
  kernel: backward,
  constants: { H },
  bindings: [embedding, coefficient, touching.offsets, touching.sides, touching.others, dembedding],
  workgroups: ({ S, vectors = S }) => [vectors, Math.ceil(H / 64)],
});
