import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "gelu/forward", code: forwardCode };
const backward: Kernel = { name: "gelu/backward", code: backwardCode };

interface Forward {
  /** (T, C) */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, C) */
  readonly x: Slice;
}

/** y = x · Φ(x). */
export const geluForward = ({ y, counts, x }: Forward, { C }: { readonly C: number }): Dispatch<Counts> => ({
  kernel: forward,
  constants: { C },
  bindings: [counts, x, y],
  workgroups: ({ T }) => spread(T * C),
});

interface Backward {
  /** (T, C); dy before, dx after. */
  readonly dx: Slice;
  readonly counts: Slice;
  /** (T, C) */
  readonly x: Slice;
}

export const geluBackward = ({ dx, counts, x }: Backward, { C }: { readonly C: number }): Dispatch<Counts> => ({
  kernel: backward,
  constants: { C },
  bindings: [counts, x, dx],
  workgroups: ({ T }) => spread(T * C),
});
