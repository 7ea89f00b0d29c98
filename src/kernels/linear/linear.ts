/**
 * A linear layer's three products: y = x · weightᵀ, dx = dy · weight, dweight = dyᵀ · x, each with what stands next to it in a
 * network as its epilogue (bias, residual, GELU and its derivative, the sum of what a tensor gets from several places), which
 * saves a pass over the memory each. What a kernel never reads has to be bound all the same: a tensor that it reads stands in.
 */
import type { Dispatch } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import { align } from "../../gpu/usage.ts";
import type { Counts } from "../counts.ts";
import { sumParts } from "../reduce/reduce.ts";
import { formOf, type LinearPlan, type LinearSize } from "./variants.ts";

export type { LinearSize } from "./variants.ts";

interface Options extends LinearSize {
  /** Whether the result is added to what is there. */
  readonly adds?: boolean | undefined;
  /** Which of the kernels; the defaults if left out. */
  readonly plan?: LinearPlan | undefined;
}

interface ScaledOptions extends Options {
  /** Times the product; 1 if left out. */
  readonly scale?: number | undefined;
}

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
  /** (T, O), added; left out where there is none. In another buffer than y: to add to y itself is `adds`. */
  readonly residual?: Slice | undefined;
  /** (T, O), GELU of y; left out where it is not wanted. May lie in the same buffer as y. */
  readonly activated?: Slice | undefined;
}

/** y = scale · x · weightᵀ + bias + residual, or with `adds` y += that. */
export function linearForward(
  { y, counts, x, weight, bias, residual, activated }: Forward,
  { I, O, scale = 1, adds = false, plan }: ScaledOptions,
): Dispatch<Counts> {
  const { kernels, constants, rows, columns } = formOf("forward", { I, O }, plan);
  const used = { BIASED: bias ? 1 : 0, RESIDUAL: residual ? 1 : 0, ADDS: adds ? 1 : 0 };
  return {
    kernel: activated ? kernels.activated : kernels.forward,
    constants: { I, O, SCALE: scale, ...used, ...constants },
    bindings: [counts, x, weight, bias ?? weight, residual ?? x, y, ...(activated ? [activated] : [])],
    workgroups: ({ T }) => [Math.ceil(O / columns), Math.ceil(T / rows)],
  };
}

interface Input {
  /** (T, I) */
  readonly dx: Slice;
  readonly counts: Slice;
  /** (O, I) */
  readonly weight: Slice;
  /** (T, O) */
  readonly dy: Slice;
  /** (T, I): what the layer's input was GELU of. With it dx is the gradient of that. */
  readonly preactivation?: Slice | undefined;
}

/** dx = scale · dy · weight, times GELU'(preactivation) where that is given, or with `adds` dx += that. */
export function linearInput(
  { dx, counts, weight, dy, preactivation }: Input,
  { I, O, scale = 1, adds = false, plan }: ScaledOptions,
): Dispatch<Counts> {
  const { kernels, constants, rows, columns } = formOf("input", { I, O }, plan);
  return {
    kernel: kernels.input,
    constants: { I, O, SCALE: scale, ACTIVATED: preactivation ? 1 : 0, ADDS: adds ? 1 : 0, ...constants },
    bindings: [counts, weight, dy, preactivation ?? dy, dx],
    workgroups: ({ T }) => [Math.ceil(I / columns), Math.ceil(T / rows)],
  };
}

/** Threads that keep a large GPU busy. */
const BUSY = 16384;
const MOST_PARTS = 32;

/** Into how many shares of the tokens the gradient of a weight is split at the most: more for small matrices, which have few tiles. */
export const weightParts = ({ I, O }: LinearSize): number => {
  const tiles = Math.ceil(I / 8) * Math.ceil(O / 8);
  return Math.min(MOST_PARTS, Math.max(1, Math.round(BUSY / tiles)));
};

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Bytes of the parts of dweight in the scratch; those of dbias follow. */
const partialBytes = (size: LinearSize): number =>
  weightParts(size) > 1 ? align(weightParts(size) * size.I * size.O * FLOAT) : 0;

/** Floats that {@link linearWeight} needs as scratch. */
export const weightScratch = (size: LinearSize): number => partialBytes(size) / FLOAT + weightParts(size) * size.O;

interface Weight {
  /** (O, I) */
  readonly dweight: Slice;
  /** (O); left out where there is none. */
  readonly dbias?: Slice | undefined;
  readonly counts: Slice;
  /** (T, I) */
  readonly x: Slice;
  /** (T, O) */
  readonly dy: Slice;
  /** At least {@link weightScratch} floats, in a buffer of none of the others. */
  readonly scratch: Slice;
}

/** dweight = dyᵀ · x and dbias = Σ over tokens of dy, or with `adds` dweight and dbias += that. */
export function linearWeight(
  { dweight, dbias, counts, x, dy, scratch }: Weight,
  { I, O, adds = false, plan }: Options,
): Dispatch<Counts>[] {
  const { kernels, constants, rows, columns } = formOf("weight", { I, O }, plan);
  const parts = Math.min(weightParts({ I, O }), plan?.mostParts ?? MOST_PARTS);
  const biasPartial: Slice = {
    ...scratch,
    offset: scratch.offset + partialBytes({ I, O }),
    size: parts * O * FLOAT,
  };
  const stage = (weight: Slice, bias: Slice): Dispatch<Counts> => ({
    kernel: kernels.weight,
    constants: { I, O, PARTS: parts, BIASED: dbias ? 1 : 0, ADDS: adds && parts === 1 ? 1 : 0, ...constants },
    bindings: [counts, x, dy, weight, bias],
    workgroups: () => [Math.ceil(I / columns), Math.ceil(O / rows), parts],
  });
  if (parts === 1) return [stage(dweight, dbias ?? biasPartial)];
  const weightPartial: Slice = { ...scratch, size: parts * I * O * FLOAT };
  return [
    stage(weightPartial, biasPartial),
    sumParts({ y: dweight, partial: weightPartial }, { C: I * O, parts, adds }),
    ...(dbias ? [sumParts({ y: dbias, partial: biasPartial }, { C: O, parts, adds })] : []),
  ];
}
