/** The two engines on the same texts and weights: each is the other's oracle, on shapes that no fixture has. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { mostTokens, type EncoderShape, type Pooling } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, Engine, TrainerSettings } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { contrastiveBatch } from "../../src/train/batch.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";

let engines: readonly [cpu: Engine, webgpu: Engine];
beforeAll(async () => {
  engines = [await createCpuEngine(), await createWebGpuEngine({ gpu: await vulkanGpu() })];
});
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

function initial(shape: EncoderShape): Float32Array<ArrayBuffer> {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: dims } of table.tensors) {
    const source = random(3, name);
    const centre = /norm\.weight$/iu.test(name) ? 1 : 0;
    for (let i = 0; i < size(dims); i++) weights[offset + i] = centre + 0.15 * source.normal();
  }
  return weights;
}

/** Rows of random words, one of them a single token, some repeated. */
function batchOf(shape: EncoderShape, inBatch: boolean): ContrastiveBatch {
  const source = random(5);
  const longest = shape.family === "static" ? 300 : mostTokens(shape);
  const lengths = [1, 2, 7, 33, longest, 12, 5, 20, 9, 3];
  const documents = lengths.map((length, i) => `${i} ${length}`);
  const rows = [0, 1, 2].map((query) => ({
    query,
    positive: 3 * query,
    negatives: [1, 2, 9].map((more) => ({
      document: (3 * query + more) % documents.length,
      source: "random" as const,
    })),
  }));
  const known = new Map<string, number[]>();
  return contrastiveBatch(
    { queries: ["a 4", "b 1", "c 6"], documents, rows },
    rows,
    { inBatch, mask: false },
    (text) => {
      const ids =
        known.get(text) ?? Array.from({ length: Number(text.split(" ")[1]) }, () => source.integer(shape.vocabulary));
      known.set(text, ids);
      return ids;
    },
  );
}

const base = { family: "bert", types: 2, layerNormEpsilon: 1e-12 } as const;
const modern = { family: "modernbert", globalTheta: 160_000, localTheta: 10_000, layerNormEpsilon: 1e-5 } as const;
/** XLM-R's vocabulary and positions in a small encoder. */
const multilingual = {
  ...base,
  layers: 1,
  hidden: 8,
  heads: 2,
  intermediate: 16,
  vocabulary: 250_002,
  positions: 42,
  firstPosition: 2,
  types: 1,
} as const;
const cases: readonly (readonly [string, EncoderShape, Pooling, boolean])[] = [
  [
    "widths that 4 does not divide, no layer-norm luck",
    { ...base, layers: 1, hidden: 30, heads: 3, intermediate: 50, vocabulary: 101, positions: 40 },
    "mean",
    true,
  ],
  [
    "three layers, wide heads",
    { ...base, layers: 3, hidden: 64, heads: 1, intermediate: 96, vocabulary: 64, positions: 64 },
    "cls",
    false,
  ],
  [
    "no layer at all",
    { ...base, layers: 0, hidden: 16, heads: 2, intermediate: 16, vocabulary: 50, positions: 64 },
    "mean",
    true,
  ],
  [
    "MPNet: a bias by distance, far apart",
    {
      ...base,
      names: "mpnet",
      layers: 2,
      hidden: 30,
      heads: 3,
      intermediate: 50,
      vocabulary: 101,
      positions: 182,
      firstPosition: 2,
      types: 0,
      distanceBuckets: 32,
    },
    "mean",
    true,
  ],
  [
    "ModernBERT: widths that 4 does not divide, texts longer than a window",
    {
      ...modern,
      layers: 2,
      hidden: 30,
      heads: 5,
      intermediate: 23,
      vocabulary: 101,
      positions: 140,
      globalEvery: 2,
      window: 9,
    },
    "mean",
    true,
  ],
  [
    "ModernBERT without a layer",
    {
      ...modern,
      layers: 0,
      hidden: 16,
      heads: 2,
      intermediate: 16,
      vocabulary: 50,
      positions: 64,
      globalEvery: 3,
      window: 4,
    },
    "mean",
    true,
  ],
  ["no transformer at all", { family: "static", hidden: 65, vocabulary: 333 }, "mean", true],
  ["a text of more tokens than there are vectors", { family: "static", hidden: 20, vocabulary: 32 }, "mean", false],
];
const settings: TrainerSettings = { temperature: 0.1, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 };

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? NaN))), 0);

test.each(cases)("agree on %s", async (_, shape, pooling, inBatch) => {
  const batch = batchOf(shape, inBatch);
  const results = [];
  for (const engine of engines) {
    const model = await engine.createModel({ shape, pooling, weights: initial(shape) });
    const embeddings = await model.embed(batch.texts);
    const trainer = await model.createTrainer(settings);
    const first = await trainer.step(batch, 1e-3);
    const gradient = await trainer.gradient();
    const second = await trainer.step(batch, 1e-3);
    results.push({ embeddings, first, gradient, second });
    trainer.dispose();
    model.dispose();
  }
  const [cpu, webgpu] = results;
  if (!cpu || !webgpu) throw new Error("two engines");
  expect(worst(cpu.embeddings, webgpu.embeddings)).toBeLessThan(1e-5);
  expect(worst(cpu.gradient, webgpu.gradient)).toBeLessThan(1e-4 * Math.max(...cpu.gradient.map(Math.abs)));
  for (const step of ["first", "second"] as const) {
    expect(webgpu[step].loss / cpu[step].loss).toBeCloseTo(1, 4);
    expect(webgpu[step].gradNorm / cpu[step].gradNorm).toBeCloseTo(1, 4);
  }
  expect(cpu.second.loss).not.toBe(cpu.first.loss);
});

const narrow = { layers: 1, hidden: 8, heads: 2, intermediate: 12, vocabulary: 3_000 } as const;
const local = { ...modern, ...narrow, positions: 40, globalEvery: 2, window: 3 } as const;

// Of XLM-R neither padding's position nor any of the other 250,002 words.
test.each([multilingual, local])(
  "of a table of $family only the rows that a batch reads have a gradient",
  async (shape) => {
    const batch = batchOf(shape, true);
    const { regions } = parameterTable(shape);
    const { hidden } = shape;
    const words = new Set(batch.texts.tokenIds);
    for (const engine of engines) {
      const model = await engine.createModel({ shape, pooling: "mean", weights: initial(shape) });
      const trainer = await model.createTrainer(settings);
      // What another batch left in other rows is gone by the second step.
      const tokenIds = batch.texts.tokenIds.map((id) => (id + 1) % shape.vocabulary);
      await trainer.step({ ...batch, texts: { ...batch.texts, tokenIds } }, 1e-3);
      await trainer.step(batch, 1e-3);
      const gradient = await trainer.gradient();
      const read = (region: string): number[] => {
        const { offset = 0, shape: [rows = 0] = [] } = regions[region] ?? {};
        return Array.from({ length: rows }, (_, row) => row).filter((row) =>
          gradient.subarray(offset + row * hidden, offset + (row + 1) * hidden).some((value) => value !== 0),
        );
      };
      expect(read("embeddings.word")).toEqual([...words].toSorted((a, b) => a - b));
      const places = "firstPosition" in shape ? Array.from({ length: 40 }, (_, place) => place + 2) : [];
      expect(read("embeddings.position")).toEqual(places);
      trainer.dispose();
      model.dispose();
    }
  },
);
