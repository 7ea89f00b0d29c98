/** What the CPU engine says a training will hold, against what it does hold by its own count. */
import { describe, expect, test, vi } from "vitest";
import { random } from "../../src/base/random.ts";
import type { BertShape, EncoderShape, ModernBertShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, StepSize, TrainerSettings } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { layerMatrices } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { pack } from "../support/golden.ts";
import { staticSettings } from "../support/static.ts";
import { settings } from "./cpuModel.ts";

const bert: BertShape = {
  family: "bert",
  layers: 3,
  hidden: 32,
  heads: 2,
  intermediate: 64,
  vocabulary: 300,
  positions: 256,
  types: 2,
  layerNormEpsilon: 1e-12,
};
const modern: ModernBertShape = {
  family: "modernbert",
  layers: 3,
  hidden: 32,
  heads: 2,
  intermediate: 48,
  vocabulary: 300,
  positions: 256,
  globalEvery: 2,
  window: 16,
  globalTheta: 160_000,
  localTheta: 10_000,
  layerNormEpsilon: 1e-5,
};

function randomWeights(shape: EncoderShape): Float32Array<ArrayBuffer> {
  const source = random(4, "weights");
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { offset, shape, name } of table.tensors)
    for (let i = 0; i < size(shape); i++) weights[offset + i] = (/norm/iu.test(name) ? 1 : 0) + 0.1 * source.normal();
  return weights;
}

/** 1,400 tokens. */
const lengths = [10, 240, 256, 200, 250, 244, 200];
const batch: ContrastiveBatch = {
  texts: pack(lengths.map((length, s) => Array.from({ length }, (_, t) => (7 * t + s) % 300))),
  queries: Int32Array.of(0, 1),
  offsets: Int32Array.of(0, 3, 6),
  candidates: Int32Array.of(2, 3, 4, 3, 5, 6),
};
const largest: StepSize = { tokens: 1400, texts: 7, longest: 256, queries: 2, candidates: 6 };

interface Case {
  readonly keptBytes?: number;
  readonly more?: Partial<TrainerSettings>;
}

const lora = { rank: 4, alpha: 8, matrices: layerMatrices };
const cases: readonly (readonly [string, Case])[] = [
  ["all of it", {}],
  ["nothing kept", { keptBytes: 0 }],
  ["half of it kept, in small parts", { keptBytes: 2 ** 21, more: { microTokens: 300 } }],
  ["frozen layers", { more: { tuning: { frozenLayers: 2 } } }],
  ["LoRA and dropout", { more: { tuning: { lora }, dropout: { hidden: 0.1, attention: 0.1 } } }],
];

async function held(shape: EncoderShape, { keptBytes, more }: Case, planned?: StepSize) {
  const engine = await createCpuEngine(keptBytes === undefined ? {} : { keptBytes });
  const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(shape) });
  const all = { ...settings, ...more };
  const predicted = engine.predict({ shape, pooling: "mean", settings: all, largest });
  expect(engine.peakBytes()).toBeLessThan(predicted.weights + 2 ** 20);
  const trainer = await model.createTrainer(all, planned);
  const before = engine.peakBytes();
  await trainer.step(batch, 1e-3);
  return { before, peak: engine.peakBytes(), predicted };
}

describe.each([bert, modern])("$family", (shape) => {
  test.each(cases)("%s: what is predicted is what is held, and no less", async (_, given) => {
    const { peak, predicted } = await held(shape, given);
    expect(peak).toBeLessThanOrEqual(predicted.total);
    // What products and blocks take besides is at most as much as is said, which weighs where all is small.
    expect(peak).toBeGreaterThan(0.7 * predicted.total);
    const { total, ...parts } = predicted;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    // With the largest step known, no step takes more than the trainer did.
    const planned = await held(shape, given, largest);
    expect(planned.peak).toBe(planned.before);
  });
});

test("less trains, less is kept at once: less memory", async () => {
  const engine = await createCpuEngine();
  const predict = (more: Partial<TrainerSettings>, of = engine) =>
    of.predict({ shape: bert, pooling: "mean", settings: { ...settings, ...more }, largest });
  const [all, some] = [predict({}), predict({ tuning: { frozenLayers: 2 } })];
  expect(some.moments).toBeLessThan(all.moments / 2);
  expect(some.gradient).toBeLessThan(all.gradient / 2);
  expect(some.activations).toBeLessThan(all.activations);
  expect(predict({ tuning: { lora } }).adapters).toBeGreaterThan(0);
  const none = await createCpuEngine({ keptBytes: 0 });
  expect(predict({}, none).activations).toBeLessThan(all.activations);
  expect(predict({ microTokens: 300 }, none).activations).toBeLessThan(predict({}, none).activations / 2);
});

test("a static encoder holds its table four times, and vectors", async () => {
  const shape = { family: "static", hidden: 16, vocabulary: 400 } as const;
  const engine = await createCpuEngine();
  const predicted = engine.predict({ shape, pooling: "mean", settings: staticSettings, largest });
  expect(predicted).toMatchObject({ weights: 25_600, adapters: 0, gradient: 25_600, moments: 51_200 });
});

test("what does not fit shows before the first step, and leaves the model free", async () => {
  const engine = await createCpuEngine();
  const model = await engine.createModel({ shape: bert, pooling: "mean", weights: randomWeights(bert) });
  const before = engine.peakBytes();
  vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
    throw new RangeError("none left");
  });
  await expect(model.createTrainer(settings, largest)).rejects.toMatchObject({ name: "CpuOutOfMemory" });
  vi.restoreAllMocks();
  expect(engine.peakBytes()).toBe(before);
  const trainer = await model.createTrainer(settings, largest);
  expect((await trainer.step(batch, 1e-3)).loss).toBeGreaterThan(0);
});
