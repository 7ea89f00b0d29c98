import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "dropout/forward", code: forwardCode };
const backward: Kernel = { name: "dropout/backward", code: backwardCode };

/** Numbers whose hash by src/encoder/dropout.ts is below the threshold become 0; the others are divided by 1 − rate. */
export interface Dropping {
  readonly rate: number;
  /** `dropThreshold(rate)`. */
  readonly threshold: number;
  readonly site: number;
}

interface DropoutSize extends Dropping {
  readonly C: number;
}

const constants = ({ C, rate, threshold, site }: DropoutSize) => ({
  C,
  SITE: site,
  THRESHOLD: threshold,
  SCALE: 1 / (1 - rate),
});

interface Forward {
  /** (T, C); before and after. */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, C), added to what is left; left out where there is none. In another buffer than y. */
  readonly residual?: Slice | undefined;
}

/** y = dropout(y) + residual. */
export const dropoutForward = ({ y, counts, residual }: Forward, size: DropoutSize): Dispatch<Counts> => ({
  kernel: forward,
  constants: { ...constants(size), RESIDUAL: residual ? 1 : 0 },
  // What is never read has to be bound all the same.
  bindings: [counts, residual ?? counts, y],
  workgroups: ({ T }) => spread(T * size.C),
});

interface Backward {
  /** (T, C) */
  readonly dx: Slice;
  readonly counts: Slice;
  /** (T, C) */
  readonly dy: Slice;
}

export const dropoutBackward = ({ dx, counts, dy }: Backward, size: DropoutSize): Dispatch<Counts> => ({
  kernel: backward,
  constants: constants(size),
  bindings: [counts, dy, dx],
  workgroups: ({ T }) => spread(T * size.C),
});
