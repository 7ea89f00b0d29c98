import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { sumParts, sumTokens } from "../reduce/reduce.ts";
import backwardInputWideCode from "./backward.input.vec4.wgsl?raw";
import backwardInputCode from "./backward.input.wgsl?raw";
import backwardWeightWideCode from "./backward.weight.vec4.wgsl?raw";
import backwardWeightCode from "./backward.weight.wgsl?raw";
import forwardWideCode from "./forward.vec4.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

interface Kernels {
  readonly forward: Kernel;
  readonly backwardInput: Kernel;
  readonly backwardWeight: Kernel;
}

const scalar: Kernels = {
  forward: { name: "linear/forward", code: forwardCode },
  backwardInput: { name: "linear/backward.input", code: backwardInputCode },
  backwardWeight: { name: "linear/backward.weight", code: backwardWeightCode },
};

const wide: Kernels = {
  forward: { name: "linear/forward.vec4", code: forwardWideCode },
  backwardInput: { name: "linear/backward.input.vec4", code: backwardInputWideCode },
  backwardWeight: { name: "linear/backward.weight.vec4", code: backwardWeightWideCode },
};

/** Inputs and outputs of a linear layer: weight is (O, I). */
export interface LinearSize {
  readonly I: number;
  readonly O: number;
}

/** The kernels that load four numbers at once, wherever the sizes allow it: they are nearly twice as fast. */
const kernelsFor = ({ I, O }: LinearSize): Kernels => (I % 4 === 0 && O % 4 === 0 ? wide : scalar);

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
  /** (O); left out where there is none. */
  readonly bias?: Slice | undefined;
}

/** y = x · weightᵀ + bias. */
export const linearForward = ({ y, counts, x, weight, bias }: Forward, { I, O }: LinearSize): Dispatch<Counts> => ({
  kernel: kernelsFor({ I, O }).forward,
  constants: { I, O, BIASED: bias ? 1 : 0 },
  // What is never read has to be bound all the same.
  bindings: [counts, x, weight, bias ?? weight, y],
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
  /** (O); left out where there is none. */
  readonly dbias?: Slice | undefined;
  readonly counts: Slice;
  /** (T, I) */
  readonly x: Slice;
  /** (O, I) */
  readonly weight: Slice;
  /** (T, O) */
  readonly dy: Slice;
  /** At least {@link weightScratch} floats and, with a bias, PARTS · O. */
  readonly scratch: Slice;
}

function weightGradient({ dweight, counts, x, dy, scratch }: Backward, { I, O }: LinearSize): Dispatch<Counts>[] {
  const parts = weightParts({ I, O });
  const stage = (target: Slice): Dispatch<Counts> => ({
    kernel: kernelsFor({ I, O }).backwardWeight,
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
    kernel: kernelsFor(size).backwardInput,
    constants: { I: size.I, O: size.O },
    bindings: [at.counts, at.weight, at.dy, at.dx],
    workgroups: ({ T }) => [across(size.I), down(T)],
  },
  ...weightGradient(at, size),
  ...(at.dbias ? sumTokens({ y: at.dbias, counts: at.counts, x: at.dy, scratch: at.scratch }, { C: size.O }) : []),
];
