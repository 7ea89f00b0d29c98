/** A static encoder on the CPU engine against the float64 reference; what it does at the edges; that it needs no WebAssembly. */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Engine, Model } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { embedStatic, staticGradient, staticLoss, trainStatic } from "../reference/static.ts";
import { pack } from "../support/golden.ts";
import { differences, error } from "../support/kernels.ts";
import { staticBatch, staticSettings, staticShapes, staticTable, staticWeights } from "../support/static.ts";
import { shape as bertShape } from "./cpuModel.ts";

const shape = { family: "static", hidden: 33, vocabulary: 211 } as const;
const batch = staticBatch(shape);
const { floats } = parameterTable(shape);

afterEach(() => vi.unstubAllGlobals());

let engine: Engine;
let model: Model;
beforeAll(async () => {
  engine = await createCpuEngine();
});
beforeEach(async () => {
  model = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
});

test.each(staticShapes)("embeds, differentiates and trains as the reference at %o", async (shape) => {
  const { hidden: H } = shape;
  const [table, batch] = [staticTable(shape), staticBatch(shape)];
  const model = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
  expect(error(await model.embed(batch.texts), embedStatic(table, batch.texts, H))).toBeLessThan(1e-6);

  const truth = trainStatic(table, batch, { ...staticSettings, H, steps: 3, rate: 0.01 });
  const trainer = await model.createTrainer(staticSettings);
  const outcomes = [await trainer.step(batch, 0.01)];
  const gradient = (await trainer.gradient()).subarray(0, table.length);
  expect(error(gradient, staticGradient(table, batch, H, staticSettings.temperature))).toBeLessThan(1e-5);
  outcomes.push(await trainer.step(batch, 0.01), await trainer.step(batch, 0.01));
  for (const [i, { loss, gradNorm }] of truth.outcomes.entries()) {
    expect((outcomes[i]?.loss ?? NaN) / loss).toBeCloseTo(1, 5);
    expect((outcomes[i]?.gradNorm ?? NaN) / gradNorm).toBeCloseTo(1, 5);
  }
  const change = (weights: Float32Array | Float64Array) => table.map((w, i) => (weights[i] ?? NaN) - w);
  expect(error(change(await model.weights()), change(truth.weight))).toBeLessThan(1e-3);
});

test("the reference's gradient is its derivative", () => {
  const shape = { family: "static", hidden: 3, vocabulary: 7 } as const;
  const [table, batch] = [staticTable(shape), staticBatch(shape)];
  const numeric = differences((v) => Float64Array.of(staticLoss(v, batch, 3, 0.5)), table, Float64Array.of(1));
  expect(error(numeric, staticGradient(table, batch, 3, 0.5))).toBeLessThan(1e-7);
});

test("needs no WebAssembly; BERT says what is missing", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  const model = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
  const trainer = await model.createTrainer(staticSettings);
  await trainer.step(batch, 0.01);
  expect(engine.peakBytes()).toBeGreaterThanOrEqual(4 * 4 * floats);
  const weights = new Float32Array(parameterTable(bertShape).floats);
  const opening = engine.createModel({ shape: bertShape, pooling: "mean", weights });
  await expect(opening).rejects.toThrow("has no WebAssembly with vector instructions");
  await expect(opening).rejects.toMatchObject({ name: "SimdMissing", forPerson: true });
});

test("the same run gives the same bits, and so does one that goes on from a checkpoint", async () => {
  const whole = await model.createTrainer(staticSettings);
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => whole.step(batch, 0.01)));
  const other = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
  const half = await other.createTrainer(staticSettings);
  const again = [await half.step(batch, 0.01), await half.step(batch, 0.01)];
  const checkpoint = await half.checkpoint();
  expect(checkpoint.step).toBe(2);
  const third = await engine.createModel({ shape, pooling: "mean", weights: new Float32Array(floats) });
  const resumed = await third.createTrainer(staticSettings);
  await resumed.restore(checkpoint);
  for (let i = 0; i < 3; i++) again.push(await resumed.step(batch, 0.01));
  expect(again).toEqual(outcomes);
  expect(await resumed.checkpoint()).toEqual(await whole.checkpoint());
});

test("a text of 100,000 tokens has the mean of them all", async () => {
  const ids = Array.from({ length: 100_000 }, (_, t) => (t * t) % shape.vocabulary);
  const texts = pack([ids, [3]]);
  expect(error(await model.embed(texts), embedStatic(staticTable(shape), texts, shape.hidden))).toBeLessThan(1e-6);
});

test("token vectors that cancel out give zeros and a loss, never NaN", async () => {
  const table = staticTable(shape);
  table.fill(0, 0, shape.hidden);
  const blank = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape, table) });
  expect(await blank.embed(pack([[0, 0]]))).toEqual(new Float32Array(shape.hidden));
  const trainer = await blank.createTrainer({ ...staticSettings, clip: 1 });
  // Text 0 is token 0 alone: its norm counts as 1e-12, and its gradient is as large as that makes it.
  const { loss } = await trainer.step(batch, 0.01);
  expect(Number.isFinite(loss)).toBe(true);
  expect((await blank.weights()).some(Number.isNaN)).toBe(false);
});

test("leaves weights and moments as they are where a weight is not a number", async () => {
  const trainer = await model.createTrainer(staticSettings);
  await trainer.step(batch, 0.01);
  const good = await trainer.checkpoint();
  const broken = good.weights.slice().fill(NaN, 0, shape.hidden);
  await trainer.restore({ ...good, weights: broken });
  expect((await trainer.step(batch, 0.01)).gradNorm).toBeNaN();
  expect(await trainer.checkpoint()).toEqual({ ...good, weights: broken });
});

test("bad input is refused: a text with no token, an id without a vector, another pooling", async () => {
  await expect(model.embed(pack([[1], []]))).rejects.toThrow("text 1 has no token");
  await expect(model.embed(pack([[211]]))).rejects.toThrow("not below 211");
  const weights = staticWeights(shape);
  await expect(engine.createModel({ shape, pooling: "cls", weights })).rejects.toThrow("mean");
});
