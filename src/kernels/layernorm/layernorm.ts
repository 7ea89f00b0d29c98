import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { PARTS, sumParts } from "../reduce/reduce.ts";
import backwardInputCode from "./backward.input.wgsl?raw";
import backwardWeightCode from "./backward.weight.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "layernorm/forward", code: forwardCode };
const backwardInput: Kernel = { name: "layernorm/backward.input", code: backwardInputCode };
const backwardWeight: Kernel = { name: "layernorm/backward.weight", code: backwardWeightCode };

/** Four tokens each. */
const workgroups = ({ T }: Counts) => [Math.ceil(T / 4)] as const;

interface Forward {
  /** (T, H) */
  readonly y: Slice;
  /** (T) */
  readonly mean: Slice;
  /** (T) */
  readonly rstd: Slice;
  readonly counts: Slice;
  /** (T, H) */
  readonly x: Slice;
  /** (H) */
  readonly weight: Slice;
  /** (H); left out where there is none. */
  readonly bias?: Slice | undefined;
}

export const layerNormForward = (
  { y, mean, rstd, counts, x, weight, bias }: Forward,
  { H, epsilon }: { readonly H: number; readonly epsilon: number },
): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H, EPSILON: epsilon, BIASED: bias ? 1 : 0 },
  // What is never read has to be bound all the same.
  bindings: [counts, x, weight, bias ?? weight, y, mean, rstd],
  workgroups,
});

interface Backward {
  /** (T, H) */
  readonly dx: Slice;
  /** (H) */
  readonly dweight: Slice;
  /** (H); left out where there is none. */
  readonly dbias?: Slice | undefined;
  readonly counts: Slice;
  /** (T, H) */
  readonly x: Slice;
  /** (T) */
  readonly mean: Slice;
  /** (T) */
  readonly rstd: Slice;
  /** (H) */
  readonly weight: Slice;
  /** (T, H) */
  readonly dy: Slice;
  /** Two of at least PARTS · H floats. */
  readonly scratch: readonly [Slice, Slice];
}

export const layerNormBackward = (at: Backward, { H }: { readonly H: number }): Dispatch<Counts>[] => [
  {
    kernel: backwardInput,
    constants: { H },
    bindings: [at.counts, at.x, at.mean, at.rstd, at.weight, at.dy, at.dx],
    workgroups,
  },
  {
    kernel: backwardWeight,
    constants: { H, PARTS },
    bindings: [at.counts, at.x, at.mean, at.rstd, at.dy, ...at.scratch],
    workgroups: () => [Math.ceil(H / 64), PARTS],
  },
  sumParts({ y: at.dweight, partial: at.scratch[0] }, { C: H, parts: PARTS }),
  ...(at.dbias ? [sumParts({ y: at.dbias, partial: at.scratch[1] }, { C: H, parts: PARTS })] : []),
];
