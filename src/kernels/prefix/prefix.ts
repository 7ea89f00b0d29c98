import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "prefix/forward", code: forwardCode };
const backward: Kernel = { name: "prefix/backward", code: backwardCode };

interface Widths {
  /** Of the vectors. */
  readonly H: number;
  /** Of their prefixes, at most H. */
  readonly W: number;
}

interface Forward {
  /** (S, W) */
  readonly y: Slice;
  /** (S) */
  readonly norm: Slice;
  /** (S, H) */
  readonly x: Slice;
}

/** The first W numbers of each vector, at unit length. */
export const prefixForward = ({ y, norm, x }: Forward, { H, W }: Widths): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H, W },
  bindings: [x, y, norm],
  workgroups: ({ S, vectors = S }) => [vectors],
});

interface Backward {
  /** (S, H) */
  readonly dx: Slice;
  /** (S, W) */
  readonly y: Slice;
  /** (S) */
  readonly norm: Slice;
  /** (S, W) */
  readonly dy: Slice;
}

/** Writes all of dx, or with `adds` adds to it. */
export const prefixBackward = (
  { dx, y, norm, dy }: Backward,
  { H, W, adds }: Widths & { readonly adds: boolean },
): Dispatch<Counts> => ({
  kernel: backward,
  constants: { H, W, ADDS: adds ? 1 : 0 },
  bindings: [y, norm, dy, dx],
  workgroups: ({ S, vectors = S }) => [vectors],
});
