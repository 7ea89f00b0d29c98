/**
 * Training in f16: near to PyTorch in double precision and to f32, repeatable, with gradients that neither vanish nor go unnoticed where
 * they are not finite; and in f32 where the device has no f16. Roundings are of 2⁻¹¹ = 5e-4 each and cancel in large sums, so that a
 * gradient's direction suffers less than its numbers.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { ContrastiveBatch, Engine, TrainerSettings } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { hasHalf, vulkanGpu } from "../support/device.ts";
import { loadGolden, pack } from "../support/golden.ts";
import { goldenTraining, offOf } from "../support/goldenTraining.ts";
import { normals } from "../support/kernels.ts";

const half = await hasHalf();

const shape = {
  family: "bert",
  layers: 2,
  hidden: 32,
  heads: 2,
  intermediate: 64,
  vocabulary: 60,
  positions: 40,
  types: 2,
  layerNormEpsilon: 1e-12,
} as const;
const settings = { temperature: 0.05, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 } as const;
const lora = { rank: 4, alpha: 8, matrices: ["attention.qkv", "output"] } as const;

function startWeights(): Float32Array<ArrayBuffer> {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: dimensions } of table.tensors) {
    const middle = name.endsWith("LayerNorm.weight") ? 1 : 0;
    normals(size(dimensions), name, 0.15).forEach((value, i) => (weights[offset + i] = middle + value));
  }
  return weights;
}

/** Four queries, each with a positive, two negatives of its own and the other positives; new texts for every step. */
function batchOf(step: number): ContrastiveBatch {
  const source = random(5, `batch ${step}`);
  const texts = Array.from({ length: 16 }, () =>
    Array.from({ length: 3 + source.integer(20) }, () => source.integer(shape.vocabulary)),
  );
  const rows = [0, 1, 2, 3].map((b) => [
    4 + b,
    8 + 2 * b,
    9 + 2 * b,
    ...[4, 5, 6, 7].filter((other) => other !== 4 + b),
  ]);
  return {
    texts: pack(texts),
    queries: Int32Array.of(0, 1, 2, 3),
    offsets: Int32Array.of(0, 6, 12, 18, 24),
    candidates: Int32Array.from(rows.flat()),
  };
}

interface Trained {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly gradient: Float32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

async function trained(engine: Engine, more: Partial<TrainerSettings>, steps: number): Promise<Trained> {
  const model = await engine.createModel({ shape, pooling: "mean", weights: startWeights() });
  const trainer = await model.createTrainer({ ...settings, ...more });
  const outcomes = [await trainer.step(batchOf(0), 1e-3)];
  const gradient = await trainer.gradient();
  for (let step = 1; step < steps; step++) outcomes.push(await trainer.step(batchOf(step), 1e-3));
  const weights = await model.weights();
  model.dispose();
  return {
    losses: outcomes.map(({ loss }) => loss),
    norms: outcomes.map(({ gradNorm }) => gradNorm),
    gradient,
    weights,
  };
}

type Numbers = Float32Array | Float64Array;
function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += value * (b[i] ?? NaN);
  return sum;
}
const cosine = (a: Numbers, b: Numbers): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
/** The length of the difference over that of the truth. */
const distance = (actual: Numbers, truth: Numbers): number => {
  const difference = truth.map((value, i) => value - (actual[i] ?? NaN));
  return Math.sqrt(dot(difference, difference) / dot(truth, truth));
};
/** The largest difference of a number from its truth, over that. */
const farthest = (actual: readonly number[], truth: Numbers | readonly number[]): number =>
  Math.max(...actual.map((value, i) => Math.abs(value / (truth[i] ?? NaN) - 1)));

/** The adapter at hand, which keeps its f16 to itself. */
async function withoutHalf(): Promise<GPU> {
  const gpu = await vulkanGpu();
  const requestAdapter = async () => {
    const adapter = await gpu.requestAdapter();
    if (!adapter) return null;
    const features = new Set([...adapter.features].filter((name) => name !== "shader-f16"));
    const { limits, info } = adapter;
    return { features, limits, info, requestDevice: (asked: GPUDeviceDescriptor) => adapter.requestDevice(asked) };
  };
  // Only this of an adapter is asked for.
  return { requestAdapter } as unknown as GPU;
}

describe.skipIf(!half)("training in f16 (skipped where the adapter has no shader-f16)", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
  }, 120_000);
  afterAll(() => {
    engine.dispose();
  });

  test("is offered", () => expect(engine.info.precisions).toEqual(["f32", "f16"]));

  test.each(["mean-hybrid", "cls-in-batch", "modernbert-cls"] as const)(
    "%s is near PyTorch",
    async (name) => {
      const golden = loadGolden(name);
      const { batch, expected, learningRate } = golden;
      const model = await engine.createModel(golden);
      const trainer = await model.createTrainer({ ...golden.settings, precision: "f16" });
      // What is measured is in f32.
      const embedding = await model.embed(batch.texts);
      expect(distance(embedding, expected.embedding)).toBeLessThan(2e-5);
      const outcomes = [await trainer.step(batch, learningRate)];
      const gradient = await trainer.gradient();
      expect(cosine(gradient, expected.gradient)).toBeGreaterThan(1 - 1e-4);
      expect(distance(gradient, expected.gradient)).toBeLessThan(0.015);
      expect(distance(gradient, expected.gradient)).toBeGreaterThan(1e-4);
      while (outcomes.length < expected.loss.length) outcomes.push(await trainer.step(batch, learningRate));
      expect(outcomes.length).toBeGreaterThan(2);
      expect(
        farthest(
          outcomes.map(({ loss }) => loss),
          expected.loss,
        ),
      ).toBeLessThan(0.01);
      expect(
        farthest(
          outcomes.map(({ gradNorm }) => gradNorm),
          expected.gradNorm,
        ),
      ).toBeLessThan(0.01);
      expect(distance(await model.weights(), expected.after)).toBeLessThan(1e-3);
      model.dispose();
    },
    240_000,
  );

  test.each(goldenTraining.filter(({ name }) => /^(mpnet: (LoRA|dropout)|modernbert: all at once)$/u.test(name)))(
    "$name is near PyTorch",
    async (golden) => {
      const off = await offOf(engine, { ...golden, settings: { ...golden.settings, precision: "f16" } });
      expect(off.embedding).toBeLessThan(1e-5);
      expect(off.loss).toBeLessThan(0.01);
      expect(off.gradNorm).toBeLessThan(0.01);
      expect(off.gradient, off.gradientOf).toBeLessThan(0.03);
      // Adam moves a weight by the rate at most, in the wrong direction where its gradient is nothing but rounding.
      expect(off.after, off.afterOf).toBeLessThan(2 * golden.learningRate * golden.expected.loss.length);
    },
    240_000,
  );

  test("twenty steps are those of f32 within a few roundings, and two runs have the same bits", async () => {
    const single = await trained(engine, {}, 20);
    const first = await trained(engine, { precision: "f16" }, 20);
    expect(single.losses.at(-1)).toBeLessThan(single.losses[0] ?? 0);
    expect(farthest(first.losses, single.losses)).toBeLessThan(0.02);
    expect(cosine(first.gradient, single.gradient)).toBeGreaterThan(1 - 1e-4);
    expect(distance(first.weights, single.weights)).toBeLessThan(0.01);
    expect(first.losses).not.toEqual(single.losses);
    expect(await trained(engine, { precision: "f16" }, 20)).toEqual(first);
  }, 240_000);

  test("a gradient far below what f16 can hold comes through", async () => {
    // So many numbers that a temperature makes small: each below 6e-8, the smallest of f16.
    const tiny = { temperature: 1e6 };
    const [single, given] = [await trained(engine, tiny, 1), await trained(engine, { ...tiny, precision: "f16" }, 1)];
    expect(Math.max(...single.gradient.map(Math.abs))).toBeLessThan(6e-8);
    expect(Math.max(...single.gradient.map(Math.abs))).toBeGreaterThan(0);
    expect(distance(given.gradient, single.gradient)).toBeLessThan(0.015);
  }, 120_000);

  test("parts, layers made again and adapters change no more than roundings", async () => {
    const whole = await trained(engine, { precision: "f16" }, 1);
    const parts = await trained(engine, { precision: "f16", microTokens: 64, recompute: true }, 1);
    expect(distance(parts.gradient, whole.gradient)).toBeLessThan(0.005);
    const beside = { tuning: { lora } };
    const [single, given] = [
      await trained(engine, beside, 3),
      await trained(engine, { ...beside, precision: "f16" }, 3),
    ];
    expect(distance(given.gradient, single.gradient)).toBeLessThan(0.015);
    expect(given.gradient).not.toEqual(single.gradient);
    expect(farthest(given.losses, single.losses)).toBeLessThan(0.01);
  }, 240_000);

  test("weights beyond f16's range are multiplied as they are; where nothing finite comes of them, the step is reported and skipped", async () => {
    const model = await engine.createModel({ shape, pooling: "mean", weights: startWeights() });
    const trainer = await model.createTrainer({ ...settings, precision: "f16" });
    await trainer.step(batchOf(0), 1e-3);
    const good = await trainer.checkpoint();
    const large = good.weights.map((weight) => 1e6 * weight);
    await trainer.restore({ ...good, weights: large });
    const { loss, gradNorm } = await trainer.step(batchOf(1), 0);
    expect([loss, gradNorm].every(Number.isFinite)).toBe(true);

    const absurd = good.weights.map((weight) => 1e30 * weight);
    await trainer.restore({ ...good, weights: absurd });
    const outcome = await trainer.step(batchOf(1), 1e-3);
    expect(Number.isFinite(outcome.loss) && Number.isFinite(outcome.gradNorm)).toBe(false);
    const after = await trainer.checkpoint();
    expect(after).toEqual({ ...good, weights: absurd });
    model.dispose();
  }, 120_000);

  test("a run that began in f32 goes on in f16", async () => {
    const model = await engine.createModel({ shape, pooling: "mean", weights: startWeights() });
    const trainer = await model.createTrainer(settings);
    await trainer.step(batchOf(0), 1e-3);
    const checkpoint = await trainer.checkpoint();
    const next = await trainer.step(batchOf(1), 1e-3);
    trainer.dispose();
    const other = await model.createTrainer({ ...settings, precision: "f16" });
    await other.restore(checkpoint);
    const { loss } = await other.step(batchOf(1), 1e-3);
    expect(loss / next.loss).toBeCloseTo(1, 2);
    expect(loss).not.toBe(next.loss);
    model.dispose();
  }, 120_000);

  test("takes the memory of f32", () => {
    const largest = { tokens: 200, texts: 16, longest: 22, queries: 4, candidates: 24 };
    const of = (more: Partial<TrainerSettings>) =>
      engine.predict({ shape, pooling: "mean", settings: { ...settings, ...more }, largest });
    expect(of({ precision: "f16" })).toEqual(of({}));
  });
});

test("without f16 training is in f32, and the engine says that it knows no other", async () => {
  const engine = await createWebGpuEngine({ gpu: await withoutHalf() });
  expect(engine.info.precisions).toEqual(["f32"]);
  expect(await trained(engine, { precision: "f16" }, 2)).toEqual(await trained(engine, {}, 2));
  engine.dispose();
}, 240_000);
