import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "pooling/forward", code: forwardCode };
const backward: Kernel = { name: "pooling/backward", code: backwardCode };

export interface PoolingSize {
  readonly H: number;
  /** The first token of each text instead of the mean over its tokens. */
  readonly firstOnly: boolean;
}

const constants = ({ H, firstOnly }: PoolingSize) => ({ H, FIRST_ONLY: firstOnly ? 1 : 0 });

interface Forward {
  /** (S, H) */
  readonly pooled: Slice;
  /** (S + 1) */
  readonly cuSeqlens: Slice;
  /** (T, H) */
  readonly x: Slice;
}

export const poolingForward = ({ pooled, cuSeqlens, x }: Forward, size: PoolingSize): Dispatch<Counts> => ({
  kernel: forward,
  constants: constants(size),
  bindings: [cuSeqlens, x, pooled],
  workgroups: ({ S }) => [S, Math.ceil(size.H / 64)],
});

interface Backward {
  /** (T, H) */
  readonly dx: Slice;
  readonly counts: Slice;
  /** (S + 1) */
  readonly cuSeqlens: Slice;
  /** (T) */
  readonly textOf: Slice;
  /** (S, H) */
  readonly dpooled: Slice;
}

export const poolingBackward = (at: Backward, size: PoolingSize): Dispatch<Counts> => ({
  kernel: backward,
  constants: constants(size),
  bindings: [at.counts, at.cuSeqlens, at.textOf, at.dpooled, at.dx],
  workgroups: ({ T }) => spread(T * size.H),
});
