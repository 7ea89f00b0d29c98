/** A static encoder on WebGPU against the float64 reference, and how it behaves at the edges. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ContrastiveBatch, Engine, Model } from "../../src/domain/engine.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { embedStatic, staticGradient, trainStatic } from "../reference/static.ts";
import { vulkanGpu } from "../support/device.ts";
import { pack } from "../support/golden.ts";
import { error } from "../support/kernels.ts";
import { staticBatch, staticSettings, staticShapes, staticTable, staticWeights } from "../support/static.ts";

const shape = { family: "static", hidden: 33, vocabulary: 211 } as const;
const batch = staticBatch(shape);
/** Other tokens, and fewer. */
const small: ContrastiveBatch = {
  texts: pack([[200, 201], [202], [203, 203, 204]]),
  queries: Int32Array.of(0),
  offsets: Int32Array.of(0, 2),
  candidates: Int32Array.of(1, 2),
};

let engine: Engine;
let model: Model;
const open = () => engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
beforeAll(async () => {
  engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
beforeEach(async () => {
  model = await open();
});
afterAll(() => {
  engine.dispose();
});

test.each(staticShapes)("embeds, differentiates and trains as the reference at %o", async (shape) => {
  const { hidden: H } = shape;
  const [table, batch] = [staticTable(shape), staticBatch(shape)];
  const model = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
  expect(error(await model.embed(batch.texts), embedStatic(table, batch.texts, H))).toBeLessThan(1e-5);

  const truth = trainStatic(table, batch, { ...staticSettings, H, steps: 3, rate: 0.01 });
  const trainer = await model.createTrainer(staticSettings);
  const outcomes = [await trainer.step(batch, 0.01)];
  const gradient = (await trainer.gradient()).subarray(0, table.length);
  expect(error(gradient, staticGradient(table, batch, H, staticSettings.temperature))).toBeLessThan(1e-4);
  outcomes.push(await trainer.step(batch, 0.01), await trainer.step(batch, 0.01));
  for (const [i, { loss, gradNorm }] of truth.outcomes.entries()) {
    expect((outcomes[i]?.loss ?? NaN) / loss).toBeCloseTo(1, 4);
    expect((outcomes[i]?.gradNorm ?? NaN) / gradNorm).toBeCloseTo(1, 4);
  }
  const change = (weights: Float32Array | Float64Array) => table.map((w, i) => (weights[i] ?? NaN) - w);
  expect(error(change(await model.weights()), change(truth.weight))).toBeLessThan(1e-3);
});

test("two runs give the same bits, awaited or not, stopped or not", async () => {
  const batches = [small, batch, small, batch];
  const trainer = await model.createTrainer(staticSettings);
  const awaited = [];
  for (const each of batches) awaited.push(await trainer.step(each, 0.01));
  const end = await trainer.checkpoint();

  const second = await (await open()).createTrainer(staticSettings);
  expect(await Promise.all(batches.map((each) => second.step(each, 0.01)))).toEqual(awaited);
  expect(await second.checkpoint()).toEqual(end);

  const stopped = await (await open()).createTrainer(staticSettings);
  await Promise.all([stopped.step(small, 0.01), stopped.step(batch, 0.01)]);
  const resumed = await (await open()).createTrainer(staticSettings);
  await resumed.restore(await stopped.checkpoint());
  await Promise.all([resumed.step(small, 0.01), resumed.step(batch, 0.01)]);
  expect(await resumed.checkpoint()).toEqual(end);
});

test("the gradient of a step has nothing left of the step before", async () => {
  const trainer = await model.createTrainer(staticSettings);
  await trainer.step(small, 0);
  const alone = await trainer.gradient();
  await trainer.step(batch, 0);
  await trainer.step(small, 0);
  expect(await trainer.gradient()).toEqual(alone);
});

test("a text's vector does not depend on what it is batched with", async () => {
  const together = await model.embed(batch.texts);
  const { tokenIds, cuSeqlens } = batch.texts;
  const alone = await model.embed(pack([[...tokenIds.subarray(cuSeqlens[3], cuSeqlens[4])]]));
  expect(alone).toEqual(together.slice(3 * shape.hidden, 4 * shape.hidden));
});

test("a text of 100,000 tokens has the mean of them all, and more than 65,535 tokens train", async () => {
  const narrow = { family: "static", hidden: 3, vocabulary: 7 } as const;
  const wide = await engine.createModel({ shape: narrow, pooling: "mean", weights: staticWeights(narrow) });
  const ids = Array.from({ length: 100_000 }, (_, t) => (t * t) % narrow.vocabulary);
  const texts = pack([ids, [3], [4, 5]]);
  expect(error(await wide.embed(texts), embedStatic(staticTable(narrow), texts, 3))).toBeLessThan(1e-4);
  const trainer = await wide.createTrainer(staticSettings);
  const long = { ...small, texts };
  const { loss } = await trainer.step(long, 0.01);
  const truth = trainStatic(staticTable(narrow), long, { ...staticSettings, H: 3, steps: 1, rate: 0.01 });
  expect(loss / (truth.outcomes[0]?.loss ?? NaN)).toBeCloseTo(1, 3);
});

test("token vectors that cancel out give zeros and a loss, never NaN", async () => {
  const table = staticTable(shape);
  table.fill(0, 0, shape.hidden);
  const blank = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape, table) });
  expect(await blank.embed(pack([[0, 0]]))).toEqual(new Float32Array(shape.hidden));
  const trainer = await blank.createTrainer(staticSettings);
  expect(Number.isFinite((await trainer.step(batch, 0.01)).loss)).toBe(true);
  expect((await blank.weights()).some(Number.isNaN)).toBe(false);
});

test("what does not fit is refused, and the engine goes on", async () => {
  const many = pack(Array.from({ length: 65_536 }, () => [1]));
  await expect(model.embed(many)).rejects.toThrow(/65536 texts.*65535.*smaller batch/);
  await expect(model.embed(many)).rejects.toHaveProperty("forPerson", true);
  await expect(model.embed(pack([[1], []]))).rejects.toThrow("a text has no token");
  await expect(model.embed(pack([[211]]))).rejects.toThrow("not below 211");
  const weights = staticWeights(shape);
  await expect(engine.createModel({ shape, pooling: "cls", weights })).rejects.toThrow("mean");
  expect(await model.embed(small.texts)).toHaveLength(3 * shape.hidden);
});
