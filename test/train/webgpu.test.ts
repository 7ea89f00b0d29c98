/** How the WebGPU engine behaves: repeatable, resumable, and loud when something is wrong. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ContrastiveBatch, Engine, Model } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { pack } from "../support/golden.ts";
import { normals } from "../support/kernels.ts";

const shape = {
  family: "bert",
  layers: 1,
  hidden: 16,
  heads: 2,
  intermediate: 32,
  vocabulary: 50,
  positions: 40,
  types: 2,
  layerNormEpsilon: 1e-12,
} as const;
const table = parameterTable(shape);
const settings = { temperature: 0.1, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 } as const;
const rate = 1e-3;

function startWeights(): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: dimensions } of table.tensors) {
    const norm = name.endsWith("LayerNorm.weight");
    const values = normals(size(dimensions), name, 0.2);
    values.forEach((value, i) => (weights[offset + i] = norm ? 1 + value : value));
  }
  return weights;
}

/** `queries` queries with two candidates each; texts of up to `longest` tokens. */
function batchOf(queries: number, longest: number): ContrastiveBatch {
  const texts = Array.from({ length: 3 * queries }, (_, s) =>
    Array.from({ length: 1 + ((s * 5) % longest) }, (_token, t) => (s * 7 + t * 3) % shape.vocabulary),
  );
  return {
    texts: pack(texts),
    queries: Int32Array.from({ length: queries }, (_, b) => b),
    offsets: Int32Array.from({ length: queries + 1 }, (_, b) => 2 * b),
    candidates: Int32Array.from({ length: 2 * queries }, (_, p) => queries + p),
  };
}
const small = batchOf(2, 5);
const large = batchOf(9, 37);

const createModel = (engine: Engine) => engine.createModel({ shape, pooling: "mean", weights: startWeights() });

// One engine for most tests: kernels are compiled once.
let engine: Engine;
let model: Model;
beforeAll(async () => {
  engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
beforeEach(async () => {
  model = await createModel(engine);
});
afterEach(() => model.dispose());
afterAll(() => {
  engine.dispose();
});

test("says what it runs on", () => {
  expect(engine.info.kind).toBe("webgpu");
  expect(engine.info.device).not.toBe("");
});

test("weights come back as they went in, and embeddings are unit vectors", async () => {
  expect(await model.weights()).toEqual(startWeights());
  const embeddings = await model.embed(large.texts);
  expect(embeddings.length).toBe(27 * shape.hidden);
  for (let s = 0; s < 27; s++) {
    const row = embeddings.subarray(s * shape.hidden, (s + 1) * shape.hidden);
    expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  }
});

test("a text's embedding does not depend on what it is batched with, nor on the batches before", async () => {
  const alone = await model.embed(small.texts);
  const together = await model.embed(large.texts);
  const [first, second] = await Promise.all([model.embed(small.texts), model.embed(large.texts)]);
  expect(first).toEqual(alone);
  expect(second).toEqual(together);
  const one = await model.embed(pack([[...large.texts.tokenIds.subarray(0, large.texts.cuSeqlens[1])]]));
  expect(one).toEqual(together.slice(0, shape.hidden));
});

test("two runs give the same bits, whether steps are awaited or overlap", async () => {
  const batches = [small, large, small, small, large, small];
  const trainer = await model.createTrainer(settings);
  const awaited = [];
  for (const batch of batches) awaited.push(await trainer.step(batch, rate));
  const weights = await model.weights();

  const again = await createModel(engine);
  const second = await again.createTrainer(settings);
  expect(await Promise.all(batches.map((batch) => second.step(batch, rate)))).toEqual(awaited);
  expect(await again.weights()).toEqual(weights);
});

test("the loss falls", async () => {
  const trainer = await model.createTrainer(settings);
  const first = await trainer.step(large, 1e-2);
  const later = await Promise.all(Array.from({ length: 8 }, () => trainer.step(large, 1e-2)));
  expect(later.at(-1)?.loss).toBeLessThan(first.loss / 2);
});

test("a run that goes on from a checkpoint gives the same bits as one that never stopped", async () => {
  const trainer = await model.createTrainer(settings);
  await trainer.step(small, rate);
  await trainer.step(large, rate);
  const checkpoint = await trainer.checkpoint();
  expect(checkpoint.step).toBe(2);
  const [third, fourth] = [await trainer.step(small, rate), await trainer.step(large, rate / 2)];
  const end = await trainer.checkpoint();

  const other = await createModel(engine);
  const resumed = await other.createTrainer(settings);
  await resumed.restore(checkpoint);
  expect([await resumed.step(small, rate), await resumed.step(large, rate / 2)]).toEqual([third, fourth]);
  expect(await resumed.checkpoint()).toEqual(end);
});

test("each step takes its own learning rate: 0 changes nothing", async () => {
  const trainer = await model.createTrainer(settings);
  await trainer.step(small, 0);
  expect(await model.weights()).toEqual(startWeights());
  await trainer.step(small, rate);
  expect(await model.weights()).not.toEqual(startWeights());
});

test("the gradient of a step has nothing left of the step before", async () => {
  const trainer = await model.createTrainer(settings);
  await trainer.step(small, 0);
  const gradient = await trainer.gradient();
  await trainer.step(large, 0);
  expect(await trainer.gradient()).not.toEqual(gradient);
  await trainer.step(small, 0);
  expect(await trainer.gradient()).toEqual(gradient);
});

test("a step that is not finite says so and leaves the last good state", async () => {
  const trainer = await model.createTrainer(settings);
  await trainer.step(small, rate);
  const good = await trainer.checkpoint();
  const broken = good.weights.slice();
  broken[0] = NaN; // A weight of token 0, which both batches use.
  await trainer.restore({ ...good, weights: broken });
  const { loss, gradNorm } = await trainer.step(small, rate);
  expect(Number.isFinite(loss) && Number.isFinite(gradNorm)).toBe(false);
  const after = await trainer.checkpoint();
  expect(after).toEqual({ ...good, weights: broken });
  await trainer.restore(good);
  expect(Number.isFinite((await trainer.step(small, rate)).loss)).toBe(true);
});

test("a trainer can follow another once that is disposed, and its memory is counted", async () => {
  const own = await createWebGpuEngine({ gpu: await vulkanGpu() });
  const model = await createModel(own);
  const before = own.peakBytes();
  expect(before).toBe(table.floats * 4);
  const trainer = await model.createTrainer(settings);
  await expect(model.createTrainer(settings)).rejects.toThrow(/has a trainer already/);
  await trainer.step(large, rate);
  expect(own.peakBytes()).toBeGreaterThan(before + 3 * table.floats * 4);
  trainer.dispose();
  await expect(trainer.step(small, rate)).rejects.toThrow(/disposed/);
  const next = await model.createTrainer(settings);
  expect(Number.isFinite((await next.step(small, rate)).loss)).toBe(true);
  own.dispose();
});

test("what waits when the engine is disposed is rejected with DeviceLost, and so is what comes later", async () => {
  const doomed = await createWebGpuEngine({ gpu: await vulkanGpu() });
  const lost = await createModel(doomed);
  const trainer = await lost.createTrainer(settings);
  const waiting = Promise.allSettled([trainer.step(small, rate), trainer.step(large, rate), lost.embed(large.texts)]);
  doomed.dispose();
  for (const outcome of await waiting) {
    expect(outcome.status).toBe("rejected");
    expect(outcome).toHaveProperty("reason.name", "DeviceLost");
    expect(outcome).toHaveProperty("reason.forPerson", true);
  }
  await expect(lost.weights()).rejects.toHaveProperty("name", "DeviceLost");
});

test("bad input is refused: an unknown token, a text that is too long, weights of another shape", async () => {
  await expect(model.embed(pack([[50]]))).rejects.toThrow(/not below 50/);
  await expect(model.embed(pack([Array.from({ length: 41 }, () => 1)]))).rejects.toThrow(/41 of 1 to 40/);
  await expect(engine.createModel({ shape, pooling: "mean", weights: new Float32Array(3) })).rejects.toThrow(
    /weights of 3/,
  );
});

test("batches that are embedded at once come back each with its own vectors, also when room has to be made for one", async () => {
  const alone = [await model.embed(small.texts), await model.embed(large.texts)];
  const other = await createModel(engine);
  const mixed = [small, small, large, small, large, large, small];
  const vectors = await Promise.all(mixed.map(({ texts }) => other.embed(texts)));
  vectors.forEach((value, i) => expect(value).toEqual(alone[mixed[i] === small ? 0 : 1]));
  other.dispose();
});
