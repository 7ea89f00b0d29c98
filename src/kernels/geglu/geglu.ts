import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "geglu/forward", code: forwardCode };
const backward: Kernel = { name: "geglu/backward", code: backwardCode };

interface Forward {
  /** (T, C) */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, 2C) */
  readonly x: Slice;
}

/** y = GELU of the first half of x's rows, times the second half. */
export const gegluForward = ({ y, counts, x }: Forward, { C }: { readonly C: number }): Dispatch<Counts> => ({
  kernel: forward,
  constants: { C },
  bindings: [counts, x, y],
  workgroups: ({ T }) => spread(T * C),
});

interface Backward {
  /** (T, 2C) */
  readonly dx: Slice;
  readonly counts: Slice;
  /** (T, 2C) */
  readonly x: Slice;
  /** (T, C) */
  readonly dy: Slice;
  /** (T, C); what {@link gegluForward} gave, made again so that nobody has to keep it. */
  readonly y: Slice;
}

export const gegluBackward = ({ dx, counts, x, dy, y }: Backward, { C }: { readonly C: number }): Dispatch<Counts> => ({
  kernel: backward,
  constants: { C },
  bindings: [counts, x, dy, dx, y],
  workgroups: ({ T }) => spread(T * C),
});
