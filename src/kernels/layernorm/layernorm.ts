import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { PARTS, sumParts } from "../reduce/reduce.ts";
import backwardInputCode from "./backward.input.wgsl?raw";
import backwardSumCode from "./backward.sum.wgsl?raw";
import backwardWeightCode from "./backward.weight.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "layernorm/forward", code: forwardCode };
const backwardInput: Kernel = { name: "layernorm/backward.input", code: backwardInputCode };
const backwardSum: Kernel = { name: "layernorm/backward.sum", code: backwardSumCode };
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

interface Normed {
  readonly counts: Slice;
  /** (T, H) */
  readonly x: Slice;
  /** (T) */
  readonly mean: Slice;
  /** (T) */
  readonly rstd: Slice;
  /** (T, H) */
  readonly dy: Slice;
}

interface BackwardSize {
  readonly H: number;
  /** Whether the result is added to what is there. */
  readonly adds?: boolean | undefined;
}

interface Input extends Normed {
  /** (T, H) */
  readonly dx: Slice;
  /** (H) */
  readonly weight: Slice;
}

/** dx, or with `adds` dx += that. */
export const layerNormInput = (at: Input, { H, adds = false }: BackwardSize): Dispatch<Counts> => ({
  kernel: backwardInput,
  constants: { H, ADDS: adds ? 1 : 0 },
  bindings: [at.counts, at.x, at.mean, at.rstd, at.weight, at.dy, at.dx],
  workgroups,
});

interface Weight extends Normed {
  /** (H) */
  readonly dweight: Slice;
  /** (H); left out where there is none. */
  readonly dbias?: Slice | undefined;
  /** Two of at least PARTS · H floats. */
  readonly scratch: readonly [Slice, Slice];
}

/** dweight and dbias, or with `adds` += that. */
export function layerNormWeight(at: Weight, { H, adds = false }: BackwardSize): Dispatch<Counts>[] {
  const [weights, biases] = at.scratch;
  const { dweight, dbias } = at;
  return [
    {
      kernel: backwardWeight,
      constants: { H, PARTS },
      bindings: [at.counts, at.x, at.mean, at.rstd, at.dy, weights, biases],
      workgroups: () => [Math.ceil(H / 64), PARTS],
    },
    dbias
      ? {
          kernel: backwardSum,
          constants: { H, PARTS, ADDS: adds ? 1 : 0 },
          bindings: [weights, biases, dweight, dbias],
          workgroups: () => [Math.ceil(H / 64)],
        }
      : sumParts({ y: dweight, partial: weights }, { C: H, parts: PARTS, adds }),
  ];
}
