import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "normalise/forward", code: forwardCode };
const backward: Kernel = { name: "normalise/backward", code: backwardCode };

interface Forward {
  /** (S, H) */
  readonly y: Slice;
  /** (S) */
  readonly norm: Slice;
  /** (S, H) */
  readonly x: Slice;
}

/** y = x / ‖x‖. */
export const normaliseForward = ({ y, norm, x }: Forward, { H }: { readonly H: number }): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H },
  bindings: [x, y, norm],
  workgroups: ({ S }) => [S],
});

interface Backward {
  /** (S, H) */
  readonly dx: Slice;
  /** (S, H) */
  readonly y: Slice;
  /** (S) */
  readonly norm: Slice;
  /** (S, H) */
  readonly dy: Slice;
}

export const normaliseBackward = ({ dx, y, norm, dy }: Backward, { H }: { readonly H: number }): Dispatch<Counts> => ({
  kernel: backward,
  constants: { H },
  bindings: [y, norm, dy, dx],
  workgroups: ({ S }) => [S],
});
