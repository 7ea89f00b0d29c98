/** What a step on WebGPU may be besides one batch at once: parts of a batch, several batches, fixed vectors, parts of an encoder. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { BertShape, EncoderShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, Engine, Model, StepSize, TrainerSettings, Tuning } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { trainedTable, withTrained } from "../../src/encoder/trained.ts";
import { programOf } from "../../src/encoder/webgpu/family.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/pass.ts";
import { Submitter } from "../../src/gpu/submit.ts";
import { packTexts } from "../../src/train/batch.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { predictMemory, programOptions } from "../../src/train/webgpu/memory.ts";
import { Serial } from "../../src/train/webgpu/serial.ts";
import { createWebGpuTrainer } from "../../src/train/webgpu/trainer.ts";
import { nullGpu, vulkanGpu } from "../support/device.ts";

type Arena = Float32Array<ArrayBuffer>;

let engine: Engine;
beforeAll(async () => {
  engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
afterAll(() => {
  engine.dispose();
});

const bert: BertShape = {
  family: "bert",
  layers: 2,
  hidden: 16,
  heads: 2,
  intermediate: 24,
  vocabulary: 60,
  positions: 40,
  types: 2,
  layerNormEpsilon: 1e-12,
};
const modern: EncoderShape = {
  family: "modernbert",
  layers: 2,
  hidden: 16,
  heads: 2,
  intermediate: 24,
  vocabulary: 60,
  positions: 40,
  globalEvery: 2,
  window: 3,
  globalTheta: 160_000,
  localTheta: 10_000,
  layerNormEpsilon: 1e-5,
};
const wordsOnly: EncoderShape = { family: "static", hidden: 16, vocabulary: 60 };
const settings: TrainerSettings = { temperature: 0.1, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 };

function startOf(shape: EncoderShape): Arena {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: sides } of table.tensors) {
    const source = random(3, name);
    const centre = /norm\.weight$/iu.test(name) ? 1 : 0;
    for (let i = 0; i < size(sides); i++) weights[offset + i] = centre + 0.2 * source.normal();
  }
  return weights;
}

const open = (shape: EncoderShape, weights = startOf(shape)): Promise<Model> =>
  engine.createModel({ shape, pooling: "mean", weights });

const source = random(8, "texts");
const text = (length: number) => Array.from({ length }, () => source.integer(60));
const texts = [3, 9, 1, 33, 12, 7, 20, 5, 2].map(text);

/** Three queries; of the last text nobody is a candidate. */
const batch: ContrastiveBatch = {
  texts: packTexts(texts),
  queries: Int32Array.of(0, 1, 2),
  offsets: Int32Array.of(0, 3, 6, 8),
  candidates: Int32Array.of(3, 4, 5, 4, 6, 7, 5, 3),
};
const other: ContrastiveBatch = {
  texts: packTexts([4, 8, 15].map(text)),
  queries: Int32Array.of(0),
  offsets: Int32Array.of(0, 2),
  candidates: Int32Array.of(1, 2),
};

/** The largest difference over the largest number of `truth`. */
function error(actual: Arena, truth: Arena): number {
  let [difference, largest] = [0, 1e-30];
  truth.forEach((value, i) => {
    difference = Math.max(difference, Math.abs((actual[i] ?? NaN) - value));
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

async function gradientOf(
  shape: EncoderShape,
  given: Parameters<Awaited<ReturnType<Model["createTrainer"]>>["step"]>[0],
  more: Partial<TrainerSettings> = {},
) {
  const model = await open(shape);
  const trainer = await model.createTrainer({ ...settings, ...more });
  const outcome = await trainer.step(given, 0);
  const gradient = await trainer.gradient();
  model.dispose();
  return { ...outcome, gradient };
}

test.each([bert, modern, wordsOnly])(
  "a $family encoder in parts has the gradient that it has at once",
  async (shape) => {
    const whole = await gradientOf(shape, batch);
    for (const microTokens of [1, 20, 60]) {
      const parts = await gradientOf(shape, batch, { microTokens });
      expect(parts.loss).toBeCloseTo(whole.loss, 6);
      expect(parts.gradNorm / whole.gradNorm).toBeCloseTo(1, 5);
      expect(error(parts.gradient, whole.gradient)).toBeLessThan(1e-5);
    }
  },
);

test("in parts two steps leave the weights that they leave at once", async () => {
  const train = async (more: Partial<TrainerSettings>) => {
    const model = await open(bert);
    // So large an epsilon that the update follows the gradient: by its sign alone, the last bits of small ones would show.
    const trainer = await model.createTrainer({ ...settings, epsilon: 0.1, ...more });
    await trainer.step(batch, 1e-1);
    await trainer.step(other, 1e-1);
    const weights = await model.weights();
    model.dispose();
    return weights;
  };
  const whole = await train({});
  expect(error(await train({ microTokens: 40 }), whole)).toBeLessThan(1e-4);
  expect(error(whole, startOf(bert))).toBeGreaterThan(1e-3);
});

test("a step of several batches has the mean of their losses and gradients", async () => {
  const [first, second] = [await gradientOf(bert, batch), await gradientOf(bert, other)];
  for (const microTokens of [undefined, 20]) {
    const both = await gradientOf(bert, [batch, other], microTokens === undefined ? {} : { microTokens });
    expect(both.loss).toBeCloseTo((first.loss + second.loss) / 2, 6);
    const mean = first.gradient.map((value, i) => (value + (second.gradient[i] ?? NaN)) / 2);
    expect(error(both.gradient, mean)).toBeLessThan(1e-5);
    expect(both.gradNorm / Math.hypot(...mean)).toBeCloseTo(1, 5);
  }
});

test("after a step that added gradients up, one that does not is as ever", async () => {
  const model = await open(bert);
  const trainer = await model.createTrainer(settings);
  const before = await trainer.step(batch, 0);
  await trainer.step([other, batch], 0);
  expect(await trainer.step(batch, 0)).toEqual(before);
  model.dispose();
});

test.each([undefined, 20])("fixed vectors are compared with and not trained (microTokens %s)", async (microTokens) => {
  const model = await open(bert);
  const documents = await model.embed(packTexts(texts.slice(3)));
  model.dispose();
  const queries: ContrastiveBatch = {
    ...batch,
    texts: packTexts(texts.slice(0, 3)),
    fixed: documents,
  };
  const whole = await gradientOf(bert, batch);
  const more = microTokens === undefined ? {} : { microTokens };
  const { loss, gradient } = await gradientOf(bert, queries, more);
  expect(loss).toBeCloseTo(whole.loss, 5);
  expect(error(gradient, whole.gradient)).toBeGreaterThan(0.01);
  // By finite differences of the loss at unmoved documents, along a few directions not far from the gradient's.
  const start = startOf(bert);
  for (const seed of [1, 2, 3]) {
    const direction = random(seed, "direction");
    const length = Math.hypot(...gradient);
    const along = gradient.map((value) => value / length + direction.normal() / Math.sqrt(gradient.length));
    const lossAt = async (step: number) => {
      const moved = await open(
        bert,
        start.map((value, i) => value + step * (along[i] ?? 0)),
      );
      const trainer = await moved.createTrainer({ ...settings, ...more });
      const outcome = await trainer.step(queries, 0);
      moved.dispose();
      return outcome.loss;
    };
    const step = 2e-3;
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    const expected = gradient.reduce((sum, value, i) => sum + value * (along[i] ?? 0), 0);
    expect(Math.abs(slope / expected - 1)).toBeLessThan(0.005);
  }
});

const lora = { rank: 4, alpha: 8, matrices: ["attention.qkv", "attention.output", "intermediate", "output"] } as const;
const ways: readonly (readonly [string, Partial<TrainerSettings>])[] = [
  ["all of it", {}],
  ["moments of 16 bits", { optimizer: "adamw16", seed: 4 }],
  ["a frozen layer", { tuning: { frozenLayers: 1 } }],
  ["LoRA", { tuning: { lora }, seed: 9 }],
  [
    "LoRA above a frozen layer, in parts, with dropout",
    { tuning: { lora, frozenLayers: 1 }, dropout: { hidden: 0.1, attention: 0.1 }, microTokens: 30, seed: 2 },
  ],
  ["dropout, recomputed", { dropout: { hidden: 0.2, attention: 0.1 }, recompute: true, seed: 1 }],
];

test.each(ways)("a run that was stopped goes on to the same bits: %s", async (_, more) => {
  const all = { ...settings, ...more };
  const model = await open(bert);
  const trainer = await model.createTrainer(all);
  for (let i = 0; i < 2; i++) await trainer.step(batch, 1e-2);
  const checkpoint = await trainer.checkpoint();
  for (let i = 0; i < 2; i++) await trainer.step([batch, other], 1e-2);
  const end = await trainer.checkpoint();
  model.dispose();

  const second = await open(bert);
  const resumed = await second.createTrainer(all);
  await resumed.restore(checkpoint);
  for (let i = 0; i < 2; i++) await resumed.step([batch, other], 1e-2);
  expect(await resumed.checkpoint()).toEqual(end);
  expect(end.weights).not.toEqual(checkpoint.weights);
  second.dispose();
});

test.each(ways)("what is embedded, read and kept is one encoder: %s", async (_, more) => {
  const model = await open(bert);
  const trainer = await model.createTrainer({ ...settings, ...more });
  for (let i = 0; i < 3; i++) await trainer.step(batch, 1e-2);
  const during = await model.embed(batch.texts);
  const merged = await model.weights();
  const { tuning, weights } = await trainer.checkpoint();
  expect(error(withTrained(bert, startOf(bert), { tuning, weights }), merged)).toBe(0);
  trainer.dispose();
  expect(error(await model.weights(), merged)).toBeLessThan(1e-6);
  expect(error(await model.embed(batch.texts), during)).toBeLessThan(1e-5);
  model.dispose();
  const fresh = await open(bert, merged);
  expect(error(await fresh.embed(batch.texts), during)).toBeLessThan(1e-5);
  fresh.dispose();
});

test.each<[string, Tuning, (region: string) => boolean]>([
  ["frozen layers", { frozenLayers: 1 }, (region) => region.startsWith("layer.1.")],
  [
    "LoRA on one matrix",
    { lora: { ...lora, matrices: ["output"] } },
    (region) => region.endsWith("output.weight") && !region.includes("attention"),
  ],
])("only what trains moves: %s", async (_, tuning, trains) => {
  const model = await open(bert);
  const trainer = await model.createTrainer({ ...settings, tuning });
  for (let i = 0; i < 2; i++) await trainer.step(batch, 1e-2);
  const after = await model.weights();
  const before = startOf(bert);
  for (const { name, offset, shape } of Object.values(parameterTable(bert).regions)) {
    const part = (arena: Arena) => arena.subarray(offset, offset + size(shape));
    expect(
      part(after).some((value, i) => value !== part(before)[i]),
      name,
    ).toBe(trains(name));
  }
  model.dispose();
});

const largest: StepSize = { tokens: batch.texts.tokenIds.length, texts: 9, longest: 33, queries: 3, candidates: 8 };

test.each([...ways, ["in parts", { microTokens: 40 }] as const])(
  "the memory that a training takes is the predicted one, all of it at once, and it is given back: %s",
  async (_, more) => {
    // Nothing is computed.
    const gpu = await openGpu(await nullGpu());
    const context = { gpu, pipelines: new Pipelines(gpu), submitter: new Submitter(gpu) };
    const all = { ...settings, ...more };
    const trained = trainedTable(bert, all.tuning);
    const table = parameterTable(bert);
    const weights = gpu.storage("weights", 4 * table.floats);
    const trainer = await createWebGpuTrainer({
      context,
      program: programOf(bert, "mean", programOptions(trained, all)),
      trained,
      shape: bert,
      table,
      weights,
      settings: all,
      serial: new Serial(),
      released: () => undefined,
    });
    await trainer.reserve(largest);
    const planned = { shape: bert, pooling: "mean", settings: all, largest } as const;
    const predicted = predictMemory(planned, gpu.device.limits).total;
    // The rest is the outcome on its way back: a few small buffers.
    expect(gpu.heldBytes - predicted).toBeGreaterThanOrEqual(0);
    expect(gpu.heldBytes - predicted).toBeLessThan(300);
    trainer.dispose();
    expect(gpu.heldBytes).toBe(4 * table.floats);
    gpu.dispose();
  },
);

test("a step that was planned for takes no more memory", async () => {
  const own = await createWebGpuEngine({ gpu: await vulkanGpu() });
  const model = await own.createModel({ shape: bert, pooling: "mean", weights: startOf(bert) });
  const trainer = await model.createTrainer({ ...settings, microTokens: 40 }, largest);
  const taken = own.peakBytes();
  await trainer.step(batch, 1e-2);
  expect(own.peakBytes()).toBe(taken);
  own.dispose();
});

test("what the device cannot bind is refused before anything is taken, with advice", () => {
  const planned = { shape: bert, pooling: "mean", settings } as const;
  const huge = { tokens: 2 ** 28, texts: 1, longest: 2 ** 28, queries: 3, candidates: 8 };
  expect(() => engine.predict({ ...planned, largest: huge })).toThrow("Use a smaller batch");
});
