import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "distance/forward", code: forwardCode };
const backward: Kernel = { name: "distance/backward", code: backwardCode };

interface Forward {
  /** (N, 2 · reach − 1) */
  readonly bias: Slice;
  /** (buckets, N) */
  readonly table: Slice;
  /** (2 · reach − 1): the table's entry for distances 1 − reach to reach − 1. */
  readonly buckets: Slice;
}

/** A table of biases by bucket as biases by distance. */
export const distanceForward = (
  { bias, table, buckets }: Forward,
  { N, reach }: { readonly N: number; readonly reach: number },
): Dispatch<Counts> => ({
  kernel: forward,
  constants: { N, REACH: reach },
  bindings: [table, buckets, bias],
  workgroups: () => spread(N * (2 * reach - 1)),
});

interface Backward {
  /** (buckets, N) */
  readonly dtable: Slice;
  readonly counts: Slice;
  /** (blocks, buckets, N), by {@link attentionBiasBackward} of attention/attention.ts. */
  readonly partial: Slice;
}

/** The table's gradient; with `adds` it is added to what is there. */
export const distanceBackward = (
  { dtable, counts, partial }: Backward,
  { N, buckets, adds = false }: { readonly N: number; readonly buckets: number; readonly adds?: boolean },
): Dispatch<Counts> => ({
  kernel: backward,
  constants: { C: N * buckets, ADDS: adds ? 1 : 0 },
  bindings: [counts, partial, dtable],
  workgroups: () => [Math.ceil((N * buckets) / 64)],
});
