/** Which form of its products a linear layer takes on the device at hand: measured on the model's own sizes, or known beforehand. */
import { present } from "../../base/assert.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Dispatch, Pipelines } from "../../gpu/pass.ts";
import { readFloats } from "../../gpu/readback.ts";
import { whole, type Slice } from "../../gpu/slice.ts";
import { Submitter } from "../../gpu/submit.ts";
import { tune, wallTimer, type Choices, type Contest, type Timer } from "../../gpu/tuner.ts";
import { write } from "../../gpu/upload.ts";
import { Usage } from "../../gpu/usage.ts";
import { COUNTS, countsUniform, type Counts } from "../counts.ts";
import { linearForward, linearInput, linearWeight, weightScratch } from "./linear.ts";
import {
  defaultVariant,
  hasVariants,
  LINEAR_VERSION,
  softwarePlan,
  variantOf,
  variantsOn,
  type LinearPlan,
  type LinearSize,
  type Product,
  type Variant,
} from "./variants.ts";

const products: readonly Product[] = ["forward", "input", "weight"];

export interface LinearTuning {
  /** Of the model's layers; the largest first says most about the rest. */
  readonly sizes: readonly LinearSize[];
  /** Tokens of a small and a large batch. */
  readonly tokens: readonly number[];
  readonly choices: Choices;
  /** Chooses among forms in f16, which the device must have; else among those in f32. */
  readonly half?: boolean | undefined;
  /** Forms to choose among; all of the precision that the device can run if left out. */
  readonly among?: readonly Variant[] | undefined;
  /** Milliseconds; 1500 if left out. */
  readonly budget?: number | undefined;
}

interface Tensors {
  /** Written by the product, and compared. */
  readonly target: Slice;
  readonly left: Slice;
  readonly right: Slice;
  readonly scratch: Slice;
  readonly counts: readonly { readonly T: number; readonly slice: Slice }[];
}

const nameOf = (product: Product, { I, O }: LinearSize): string => `${product} ${I}→${O}`;

/** Numbers in [-1, 1) that look unlike each other; what they are does not matter. */
function someNumbers(count: number): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(count);
  for (let i = 0, state = 1; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 31 - 1;
  }
  return numbers;
}

const countsOf = (T: number): Counts => ({ T, S: 1, B: 1, blocks: 1, words: 1, positions: 1 });

/** Tensors that hold those of every size, one set for all contests. */
async function makeTensors(gpu: Gpu, { sizes, tokens }: LinearTuning) {
  const most = (of: (size: LinearSize) => number): number => Math.max(...sizes.map(of));
  const T = Math.max(...tokens);
  const operand = most(({ I, O }) => Math.max(T * I, T * O, I * O));
  const partial = most(weightScratch);
  const buffers = await gpu.reserve("tuning", 4 * (3 * operand + partial), () => ({
    target: gpu.storage("tuning target", 4 * operand),
    left: gpu.storage("tuning left", 4 * operand),
    right: gpu.storage("tuning right", 4 * operand),
    scratch: gpu.storage("tuning scratch", 4 * partial),
    uniforms: tokens.map(() => gpu.allocate("tuning counts", 4 * COUNTS, Usage.uniform | Usage.copyTarget)),
  }));
  const { target, left, right, scratch, uniforms } = buffers;
  const numbers = someNumbers(operand);
  write(gpu, whole(left), numbers);
  write(gpu, whole(right), numbers.reverse());
  const counts = uniforms.map((buffer, i) => {
    const T = tokens[i] ?? 1;
    write(gpu, whole(buffer), countsUniform(countsOf(T)));
    return { T, slice: whole(buffer) };
  });
  return {
    tensors: { target: whole(target), left: whole(left), right: whole(right), scratch: whole(scratch), counts },
    free: () => [target, left, right, scratch, ...uniforms].forEach((buffer) => gpu.free(buffer)),
  };
}

interface Entry {
  readonly product: Product;
  readonly size: LinearSize;
  readonly variant: Variant;
}

function dispatchesOf({ product, size, variant }: Entry, counts: Slice, at: Tensors): Dispatch<Counts>[] {
  const { target, left, right, scratch } = at;
  const options = { ...size, plan: { variant: () => variant } };
  switch (product) {
    case "forward":
      return [linearForward({ y: target, counts, x: left, weight: right }, options)];
    case "input":
      return [linearInput({ dx: target, counts, weight: right, dy: left }, options)];
    case "weight":
      return linearWeight({ dweight: target, counts, x: left, dy: right, scratch }, options);
    default:
      return product satisfies never;
  }
}

/** Most floats of a result that are compared. */
const COMPARED = 2 ** 16;

interface Bench {
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  readonly tensors: Tensors;
}

/** The beginning of what a form makes of the fewest tokens. */
async function resultOf(entry: Entry, { gpu, pipelines, tensors }: Bench): Promise<Float32Array> {
  const { product, size } = entry;
  const [first] = [...tensors.counts].sort((a, b) => a.T - b.T);
  if (!first) return new Float32Array();
  const rows = product === "weight" ? size.O : first.T;
  const columns = product === "forward" ? size.O : size.I;
  const from = { ...tensors.target, size: 4 * Math.min(rows * columns, COMPARED) };
  const passes = await pipelines.realise(dispatchesOf(entry, first.slice, tensors));
  // Cleared, or a form that writes nothing would pass for the one before it.
  const clears = [tensors.target, tensors.scratch];
  new Submitter(gpu).submit({ label: "tuning", passes, counts: countsOf(first.T), clears });
  return readFloats(gpu, from);
}

const keyOf = (gpu: Gpu, { tokens, half }: LinearTuning): string =>
  `${gpu.name} | linear ${LINEAR_VERSION} | ${tokens.join(",")} tokens${half ? " | f16" : ""}`;

type Contestants = (contest: Contest, contestant: string) => Entry;

/** Times what the contestants do for all token counts; those that give other bits than the first, the default, are left out. */
function timerOf(bench: Bench, entryOf: Contestants): Timer {
  const { gpu, pipelines, tensors } = bench;
  const truths = new Map<string, Promise<Float32Array>>();
  return wallTimer<Counts>({
    gpu,
    pipelines,
    work: (contest, contestant) =>
      tensors.counts.map(({ T, slice }) => ({
        dispatches: dispatchesOf(entryOf(contest, contestant), slice, tensors),
        counts: countsOf(T),
      })),
    async agrees(contest, contestant) {
      const truth =
        truths.get(contest.name) ?? resultOf(entryOf(contest, present(contest.contestants[0], "a default")), bench);
      truths.set(contest.name, truth);
      const [expected, actual] = [await truth, await resultOf(entryOf(contest, contestant), bench)];
      return expected.every((value, i) => value === actual[i]);
    },
  });
}

/** {@link tuneLinear} whatever the device is. */
export async function measureLinear(gpu: Gpu, pipelines: Pipelines, tuning: LinearTuning): Promise<LinearPlan> {
  const entries = new Map<string, Omit<Entry, "variant">>();
  for (const size of tuning.sizes.filter(hasVariants))
    for (const product of products) entries.set(nameOf(product, size), { product, size: { I: size.I, O: size.O } });
  if (entries.size === 0) return { variant: () => undefined, half: tuning.half };
  const { half } = tuning;
  const all = tuning.among ?? variantsOn({ subgroups: gpu.device.features.has("subgroups"), half });
  const first = defaultVariant(half);
  const contestants = [first, ...all.filter((variant) => variant !== first)];
  const contests = [...entries].map(([name, { product }]): Contest => ({ name, kind: product, contestants }));
  const entryOf: Contestants = ({ name }, contestant) => ({
    ...present(entries.get(name), name),
    variant: present(variantOf(contestant), contestant),
  });
  const { choices, budget } = tuning;
  const { tensors, free } = await makeTensors(gpu, tuning);
  try {
    const timer = timerOf({ gpu, pipelines, tensors }, entryOf);
    const winners = await tune({ contests, choices, key: keyOf(gpu, tuning), timer, budget });
    return { variant: (product, size) => variantOf(winners.get(nameOf(product, size))), half };
  } finally {
    free();
  }
}

/**
 * The forms to use for a model on this device. In software nothing is measured: it would take long and say little. A form that does
 * not give the default's bits (a driver may compile it otherwise) is never chosen. Errors: GpuOutOfMemory.
 */
export const tuneLinear = async (gpu: Gpu, pipelines: Pipelines, tuning: LinearTuning): Promise<LinearPlan> =>
  gpu.software
    ? softwarePlan({ subgroups: gpu.device.features.has("subgroups"), half: tuning.half })
    : measureLinear(gpu, pipelines, tuning);
