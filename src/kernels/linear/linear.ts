import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { sumParts, sumTokens } from "../reduce/reduce.ts";
import backwardInputCode from "./backward.input.wgsl?raw";
import backwardWeightCode from "./backward.weight.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "linear/forward", code: forwardCode };
const backwardInput: Kernel = { name: "linear/backward.input", code: backwardInputCode };
const backwardWeight: Kernel = { name: "linear/backward.weight", code: backwardWeightCode };

/** Inputs and outputs of a linear layer: weight is (O, I). */
export interface LinearSize {
  readonly I: number;
  readonly O: number;
}

/** Workgroups that cover a matrix: 8 × 4 threads with 8 × 8 elements each. */
const across = (columns: number): number => Math.ceil(columns / 64);
const down = (rows: number): number => Math.ceil(rows / 32);

interface Forward {
  /** (T, O) */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, I) */
  readonly x: Slice;
  /** (O, I) */
  readonly weight: Slice;
  /** (O) */
  readonly bias: Slice;
}

/** y = x · weightᵀ + bias. */
export const linearForward = ({ y, counts, x, weight, bias }: Forward, { I, O }: LinearSize): Dispatch<Counts> => ({
  kernel: forward,
  constants: { I, O },
  bindings: [counts, x, weight, bias, y],
  workgroups: ({ T }) => [across(O), down(T)],
});

/** Threads that keep a large GPU busy. */
const BUSY = 16384;
const MOST_PARTS = 32;

/** Into how many shares of the tokens the gradient of a weight is split: more for small matrices, which have few tiles. */
export const weightParts = ({ I, O }: LinearSize): number => {
  const tiles = Math.ceil(I / 8) * Math.ceil(O / 8);
  return Math.min(MOST_PARTS, Math.max(1, Math.round(BUSY / tiles)));
};

/** Floats that {@link linearBackward} needs as scratch for its weight. */
export const weightScratch = (size: LinearSize): number =>
  weightParts(size) > 1 ? weightParts(size) * size.I * size.O : 0;

interface Backward {
  /** (T, I) */
  readonly dx: Slice;
  /** (O, I) */
  readonly dweight: Slice;
  /** (O) */
  readonly dbias: Slice;
  readonly counts: Slice;
  /** (T, I) */
  readonly x: Slice;
  /** (O, I) */
  readonly weight: Slice;
  /** (T, O) */
  readonly dy: Slice;
  /** At least {@link weightScratch} and PARTS · O floats. */
  readonly scratch: Slice;
}

function weightGradient({ dweight, counts, x, dy, scratch }: Backward, { I, O }: LinearSize): Dispatch<Counts>[] {
  const parts = weightParts({ I, O });
  const stage = (target: Slice): Dispatch<Counts> => ({
    kernel: backwardWeight,
    constants: { I, O, PARTS: parts },
    bindings: [counts, x, dy, target],
    workgroups: () => [across(I), down(O), parts],
  });
  if (parts === 1) return [stage(dweight)];
  return [stage(scratch), sumParts({ y: dweight, partial: scratch }, { C: I * O, parts })];
}

/** dx = dy · weight, dweight = dyᵀ · x, dbias = Σ over tokens of dy. */
export const linearBackward = (at: Backward, size: LinearSize): Dispatch<Counts>[] => [
  {
    kernel: backwardInput,
    constants: { I: size.I, O: size.O },
    bindings: [at.counts, at.weight, at.dy, at.dx],
    workgroups: ({ T }) => [across(size.I), down(T)],
  },
  ...weightGradient(at, size),
  ...sumTokens({ y: at.dbias, counts: at.counts, x: at.dy, scratch: at.scratch }, { C: size.O }),
];
