/**
 * PyTorch's truth for what trains, dropout, several batches a step and documents that are not encoded, read from
 * test/fixtures/golden/training-* (made by make_training.py beside them), and how far an engine is from it.
 */
import { readFileSync } from "node:fs";
import type { EncoderShape, Pooling } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, Dropout, Engine, TrainerSettings, Tuning } from "../../src/domain/engine.ts";
import type { Checkpoint } from "../../src/domain/training.ts";
import { shapeOf } from "../../src/encoder/folder/shapes.ts";
import { parameterTable, size, type Region } from "../../src/encoder/parameters.ts";
import { copyNumbers, readSafetensors, type TensorView } from "../../src/encoder/safetensors.ts";
import { trainedTable, type Trained } from "../../src/encoder/trained.ts";
import { pack } from "./golden.ts";

export interface GoldenTraining {
  /** "mpnet: LoRA" */
  readonly name: string;
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly weights: Float32Array<ArrayBuffer>;
  readonly trained: Trained;
  /** Of each step. */
  readonly batches: readonly ContrastiveBatch[];
  readonly settings: TrainerSettings;
  readonly learningRate: number;
  /** LoRA's matrices, to be restored before the first step: its B is not zero. */
  readonly start?: Checkpoint;
  readonly expected: {
    /** (S, H) of the first batch's texts from the start, nothing dropped. */
    readonly embedding: Float64Array;
    /** (steps) */
    readonly loss: Float64Array;
    readonly gradNorm: Float64Array;
    /** Of the first step, and after the last: in the layout of what trains. */
    readonly gradient: Float64Array;
    readonly after: Float64Array;
  };
}

/** Largest differences from the truth. */
export interface Off {
  /** Absolute, of any number. */
  readonly embedding: number;
  /** Relative, of any step. */
  readonly loss: number;
  readonly gradNorm: number;
  /** Relative to the region's largest entry, of any region; and in which. */
  readonly gradient: number;
  readonly gradientOf: string;
  /** Absolute. */
  readonly after: number;
  readonly afterOf: string;
}

interface File {
  readonly pooling: Pooling;
  readonly temperature: number;
  readonly optimiser: {
    readonly lr: number;
    readonly betas: [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip: number;
  };
  readonly batches: readonly {
    readonly texts: readonly (readonly number[])[];
    readonly queries: readonly number[];
    readonly candidates: readonly (readonly number[])[];
    readonly fixed?: number;
  }[];
  readonly cases: readonly {
    readonly name: string;
    readonly settings: {
      readonly tuning?: Tuning;
      readonly dropout?: Dropout;
      readonly dimensions?: readonly number[];
      readonly seed?: number;
    };
    readonly batches: readonly number[];
  }[];
}

type Tensors = ReadonlyMap<string, TensorView>;

function numbers(file: Tensors, name: string): Float64Array {
  const tensor = file.get(name);
  if (!tensor) throw new Error(`the fixture lacks ${name}`);
  const values = new Float64Array(size(tensor.shape));
  copyNumbers(tensor, values);
  return values;
}

function contrastive(batch: File["batches"][number], fixed: Float64Array): ContrastiveBatch {
  const offsets = new Int32Array(batch.candidates.length + 1);
  batch.candidates.forEach((row, b) => (offsets[b + 1] = (offsets[b] ?? 0) + row.length));
  return {
    texts: pack(batch.texts),
    queries: Int32Array.from(batch.queries),
    offsets,
    candidates: Int32Array.from(batch.candidates.flat()),
    ...(batch.fixed !== undefined && { fixed: Float32Array.from(fixed) }),
  };
}

/** An encoder's tensors, those that the file has under `prefix`, in the parameter table's layout. */
function weightsIn(shape: EncoderShape, file: Tensors, prefix = ""): Float64Array {
  const table = parameterTable(shape);
  const arena = new Float64Array(table.floats);
  for (const { name, offset } of table.tensors) {
    if (file.has(prefix + name)) arena.set(numbers(file, prefix + name), offset);
  }
  return arena;
}

/** The same of what trains: LoRA's matrices have the names of their regions, the others those of their tensors. */
function trainedIn(shape: EncoderShape, trained: Trained, file: Tensors, prefix: string): Float64Array {
  const arena = new Float64Array(trained.floats);
  if (trained.lora) {
    for (const { name, offset } of Object.values(trained.regions)) arena.set(numbers(file, prefix + name), offset);
    return arena;
  }
  const weights = weightsIn(shape, file, prefix);
  for (const { offset, weights: from, floats } of trained.ranges)
    arena.set(weights.subarray(from, from + floats), offset);
  return arena;
}

const families = ["mpnet", "modernbert"] as const;

function read(family: (typeof families)[number]): readonly GoldenTraining[] {
  const at = (file: string) => readFileSync(new URL(`../fixtures/golden/training-${family}/${file}`, import.meta.url));
  const shape = shapeOf(at("config.json").toString("utf8"));
  const file = JSON.parse(at("cases.json").toString("utf8")) as File;
  const [model, truth] = ["model", "expected"].map((name) =>
    readSafetensors(new Uint8Array(at(`${name}.safetensors`))),
  );
  if (!model || !truth) throw new Error("the fixture lacks a file");
  const { lr, betas, eps, weight_decay: weightDecay, clip } = file.optimiser;
  const fixed = numbers(truth, "fixed");
  const batches = file.batches.map((batch) => contrastive(batch, fixed));
  return file.cases.map(({ name, settings, batches: ofStep }): GoldenTraining => {
    const trained = trainedTable(shape, settings.tuning);
    const arena = (what: string) => trainedIn(shape, trained, truth, `${name}/${what}.`);
    const zeros = () => new Float32Array(trained.floats);
    const start = () => ({
      step: 0,
      ...(settings.tuning && { tuning: settings.tuning }),
      weights: Float32Array.from(arena("start")),
      firstMoment: zeros(),
      secondMoment: zeros(),
    });
    return {
      name: `${family}: ${name}`,
      shape,
      pooling: file.pooling,
      weights: Float32Array.from(weightsIn(shape, model)),
      trained,
      batches: ofStep.flatMap((number) => batches[number] ?? []),
      settings: { temperature: file.temperature, betas, epsilon: eps, weightDecay, clip, ...settings },
      learningRate: lr,
      ...(trained.lora && { start: start() }),
      expected: {
        embedding: numbers(truth, `${name}/embedding`),
        loss: numbers(truth, `${name}/loss`),
        gradNorm: numbers(truth, `${name}/grad_norm`),
        gradient: arena("grad"),
        after: arena("after"),
      },
    };
  });
}

export const goldenTraining: readonly GoldenTraining[] = families.flatMap(read);

type Numbers = Float32Array | Float64Array;

/** NaN where either has one, or where there is another number of them. */
function worst(actual: Numbers, expected: Numbers): number {
  if (actual.length !== expected.length) return NaN;
  let most = 0;
  actual.forEach((value, i) => (most = Math.max(most, Math.abs(value - (expected[i] ?? NaN)))));
  return most;
}

const relative = (actual: readonly number[], expected: Float64Array): number =>
  worst(
    Float64Array.from(actual, (value, i) => value / (expected[i] ?? NaN)),
    expected.map(() => 1),
  );

/** Not the keys' bias, the second third of its region: the truth is 0, and an engine gives rounding. */
const isSeen =
  ({ shape: [rows = 0], name }: Region) =>
  (_: number, i: number): boolean =>
    !(name.endsWith("attention.qkv.bias") && i >= rows / 3 && i < (2 * rows) / 3);

/** The region that is the farthest off, in units of `unit`. */
function farthest(
  { trained }: GoldenTraining,
  [actual, expected]: readonly [Numbers, Numbers],
  unit: (truth: Float64Array) => number,
): readonly [off: number, region: string] {
  if (actual.length !== expected.length) return [NaN, "all"];
  let [most, where] = [0, ""];
  for (const region of Object.values(trained.regions)) {
    const part = (arena: Numbers) =>
      Float64Array.from(arena.subarray(region.offset, region.offset + size(region.shape))).filter(isSeen(region));
    const off = worst(part(actual), part(expected)) / unit(part(expected));
    if (!(off <= most)) [most, where] = [off, region.name];
  }
  return [most, where];
}

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);

/** Runs the case's steps on an engine. */
export async function offOf(engine: Engine, golden: GoldenTraining): Promise<Off> {
  const { batches, settings, learningRate, start, expected } = golden;
  const model = await engine.createModel(golden);
  const trainer = await model.createTrainer(settings);
  if (start) await trainer.restore(start);
  const [first] = batches;
  if (!first) throw new Error("the case has no batch");
  const embedding = worst(await model.embed(first.texts), expected.embedding);
  const step = () => trainer.step(batches.length > 1 ? batches : first, learningRate);
  const outcomes = [await step()];
  const [gradient, gradientOf] = farthest(golden, [await trainer.gradient(), expected.gradient], largest);
  while (outcomes.length < expected.loss.length) outcomes.push(await step());
  const { weights, tuning } = await trainer.checkpoint();
  const [after, afterOf] = farthest(golden, [weights, expected.after], () => 1);
  if (tuning !== settings.tuning) throw new Error("the checkpoint does not say what trains");
  trainer.dispose();
  model.dispose();
  return {
    embedding,
    loss: relative(
      outcomes.map(({ loss }) => loss),
      expected.loss,
    ),
    gradNorm: relative(
      outcomes.map(({ gradNorm }) => gradNorm),
      expected.gradNorm,
    ),
    gradient,
    gradientOf,
    after,
    afterOf,
  };
}
