import { beforeAll, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { GradientVariance } from "../../src/domain/diagnostics.ts";
import type { Engine, Model } from "../../src/domain/engine.ts";
import type { Progress } from "../../src/domain/stages.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { planBatches } from "../../src/data/batches.ts";
import { contrastiveBatch } from "../../src/train/batch.ts";
import { createEncoder } from "../../src/train/service.ts";
import { train } from "../../src/train/train.ts";
import { gradientVariance } from "../../src/train/variance.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { bits, collect, data, input, open, startWeights, tokenize, touchyWeights, type Arena } from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const { config } = input({ inBatch: true, weightDecay: 0.3, clip: 0.01, temperature: 0.1 });
const measure = (model: Model, over: Partial<Parameters<typeof gradientVariance>[0]> = {}) =>
  gradientVariance({ model, data, config, tokenize, batches: 5, ...over });

/** Two passes in double precision over gradients that fresh trainers give. */
async function byDefinition(batches: number): Promise<GradientVariance> {
  const plan = planBatches(data.rows.length, config);
  const gradients: Arena[] = [];
  for (let b = 0; b < batches; b++) {
    const model = await open(engine);
    const trainer = await model.createTrainer({
      temperature: 0.1,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0,
      clip: Infinity,
    });
    const rows = plan.rows(b).flatMap((row) => data.rows[row] ?? []);
    await trainer.step(contrastiveBatch(data, rows, config, tokenize), 0.1);
    gradients.push(await trainer.gradient());
    model.dispose();
  }
  const mean = Array.from(startWeights(), (_, k) => gradients.reduce((sum, g) => sum + (g[k] ?? NaN), 0) / batches);
  const distance = (g: Arena) => mean.reduce((sum, m, k) => sum + ((g[k] ?? NaN) - m) ** 2, 0);
  return {
    trace: gradients.reduce((sum, g) => sum + distance(g), 0) / (batches - 1),
    meanSquared: mean.reduce((sum, m) => sum + m * m, 0),
    batches,
  };
}

test("V_tr is that of its definition, past the end of an epoch too", async () => {
  // Four batches an epoch.
  const expected = await byDefinition(6);
  const measured = await finish(measure(await open(engine), { batches: 6 }));
  expect(measured.batches).toBe(6);
  expect(measured.trace / expected.trace).toBeCloseTo(1, 6);
  expect(measured.meanSquared / expected.meanSquared).toBeCloseTo(1, 6);
  expect(measured.trace).toBeGreaterThan(0);
});

test("the same batch again and again does not vary", async () => {
  const once = { ...data, rows: data.rows.slice(0, 2) };
  const unshuffled = { ...config, batchSize: 2, shuffle: false };
  const { trace, meanSquared } = await finish(measure(await open(engine), { data: once, config: unshuffled }));
  expect(trace).toBe(0);
  expect(meanSquared).toBeGreaterThan(0);
});

test("the weights are the same bits afterwards, also when it is stopped", async () => {
  const model = await open(engine, touchyWeights());
  const before = bits(await model.weights());
  expect(before).toEqual(bits(touchyWeights()));
  await finish(measure(model));
  expect(bits(await model.weights())).toEqual(before);
  const stage = measure(model);
  await stage.next();
  await stage.return(undefined as never);
  expect(bits(await model.weights())).toEqual(before);
  // No trace of it in a training that follows.
  const trained = (given: Model) => collect(train(given, input({ steps: 3 })));
  const fresh = await trained(await open(engine, touchyWeights()));
  expect((await trained(model)).outcome.checkpoint).toEqual(fresh.outcome.checkpoint);
});

test("reports each batch", async () => {
  const reports: Progress[] = [];
  for await (const report of measure(await open(engine), { batches: 3 })) reports.push(report);
  expect(reports).toEqual([1, 2, 3].map((done) => ({ done, total: 3, unit: "batches" })));
});

test("one gradient has no variance; nor is there one without rows, or with weights that are no numbers", async () => {
  const model = await open(engine);
  await expect(finish(measure(model, { batches: 1 }))).rejects.toThrow("the variance of 1 gradients");
  await expect(finish(measure(model, { data: { ...data, rows: [] } }))).rejects.toThrow("no rows");
  const broken = await open(engine, startWeights().fill(NaN));
  await expect(finish(measure(broken))).rejects.toThrow(/^Batch 1 gave a loss of NaN/);
});

test("the encoder's stage measures it with the recipe's texts and leaves the encoder as it was", async () => {
  const encoder = createEncoder({ cpu: createCpuEngine, webgpu: () => Promise.reject(new Error("none")) });
  const { model } = await finish(encoder.open({ folder: tinyEncoder(), engine: "cpu" }));
  const set = {
    queries: ["cat", "salt", "moon"],
    documents: ["cat mat", "dog", "salt sea", "the moon"],
    rows: [0, 1, 2].map((row) => ({
      query: row,
      positive: [0, 2, 3][row] ?? 0,
      negatives: [{ document: 1, source: "bm25" as const }],
    })),
  };
  const recipe = parseConfig({ batchSize: 1 });
  const vector = () => finish(encoder.encode({ model, texts: ["salt"], kind: "query", config: recipe }));
  const before = await vector();
  const variance = (over = {}) =>
    finish(encoder.gradientVariance({ model, data: set, config: { ...recipe, ...over }, batches: 3 }));
  const measured = await variance();
  expect(measured).toEqual({ trace: expect.any(Number), meanSquared: expect.any(Number), batches: 3 });
  expect(measured.trace).toBeGreaterThan(0);
  expect(await variance({ queryPrefix: "moon " })).not.toEqual(measured);
  expect(await vector()).toEqual(before);
});
