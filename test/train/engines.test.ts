/** The two engines on the same texts and weights: each is the other's oracle, on shapes that no fixture has. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { EncoderShape, Pooling } from "../../src/domain/encoder.ts";
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
    const centre = name.endsWith("LayerNorm.weight") ? 1 : 0;
    for (let i = 0; i < size(dims); i++) weights[offset + i] = centre + 0.15 * source.normal();
  }
  return weights;
}

/** Rows of random words, one of them a single token, some repeated. */
function batchOf(shape: EncoderShape, inBatch: boolean): ContrastiveBatch {
  const source = random(5);
  const longest = shape.family === "bert" ? shape.positions : 300;
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
