/** Dropout on the CPU engine: when it drops, and that it drops the same whatever a step is made of; golden values are in cpu.training.test.ts. */
import { beforeAll, expect, test } from "vitest";
import type { ContrastiveBatch, Dropout, Engine, TrainerSettings } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { drop } from "../../src/encoder/cpu/drop.ts";
import { dropHash } from "../../src/encoder/dropout.ts";
import { newHeap, paddingOf, put, read } from "../support/heap.ts";
import { normals } from "../support/kernels.ts";
import { batchOf, randomWeights, settings, shape } from "./cpuModel.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const batch = batchOf([3, 9, 33, 1, 20]);
const dropout: Dropout = { hidden: 0.3, attention: 0.2 };

async function run(more: Partial<TrainerSettings>, texts: ContrastiveBatch = batch, from = engine) {
  const model = await from.createModel({ shape, pooling: "mean", weights: randomWeights(1) });
  const trainer = await model.createTrainer({ ...settings, ...more });
  const outcomes = [await trainer.step(texts, 0), await trainer.step(texts, 0)];
  return { model, losses: outcomes.map(({ loss }) => loss), gradient: await trainer.gradient() };
}

test("numbers are dropped where their hash is low, the others scaled up, and padding stays", () => {
  const heap = newHeap();
  const values = normals(5 * 7, "x");
  const matrix = put(heap, 7, values, 0);
  drop(heap, matrix, { seed: 9, site: 4, rate: 0.25, row: 30, column: 2 ** 16 });
  read(heap, matrix).forEach((value, i) => {
    const hash = dropHash({ seed: 9, site: 4, row: 30 + Math.floor(i / 7), column: 2 ** 16 + (i % 7) });
    expect(value).toBe(hash < 0.25 * 2 ** 32 ? 0 : Math.fround((values[i] ?? NaN) / 0.75));
  });
  expect(paddingOf(heap, matrix).every((value) => value === 0)).toBe(true);
});

test("about as many are dropped as the rate says", () => {
  const heap = newHeap();
  const matrix = put(heap, 100, new Float64Array(20_000).fill(1), 0);
  drop(heap, matrix, { seed: 1, site: 2, rate: 0.1, row: 0, column: 0 });
  const dropped = read(heap, matrix).filter((value) => value === 0).length;
  // 2,000 ± 42 by chance.
  expect(Math.abs(dropped - 2000)).toBeLessThan(200);
});

test("embedding drops nothing; rates of zero are no dropout, bit for bit", async () => {
  const [plain, zero, dropped] = [
    await run({}),
    await run({ dropout: { hidden: 0, attention: 0 } }),
    await run({ dropout }),
  ];
  expect(zero).toMatchObject({ losses: plain.losses, gradient: plain.gradient });
  expect(dropped.losses[0]).not.toBe(plain.losses[0]);
  expect(await dropped.model.embed(batch.texts)).toEqual(await plain.model.embed(batch.texts));
});

test("each step drops other numbers, by the seed alone", async () => {
  const [one, again, other] = [
    await run({ dropout, seed: 1 }),
    await run({ dropout, seed: 1 }),
    await run({ dropout, seed: 2 }),
  ];
  expect(one.losses[1]).not.toBe(one.losses[0]);
  expect(again.losses).toEqual(one.losses);
  expect(again.gradient).toEqual(one.gradient);
  expect(other.losses[0]).not.toBe(one.losses[0]);
  expect((await run({ dropout, seed: 0 })).losses).toEqual((await run({ dropout })).losses);
});

test("hidden numbers and attention's weights are dropped apart", async () => {
  const losses = [];
  for (const [hidden, attention] of [
    [0, 0],
    [0.3, 0],
    [0, 0.3],
    [0.3, 0.3],
  ] as const)
    losses.push((await run({ dropout: { hidden, attention } })).losses[0]);
  expect(new Set(losses).size).toBe(4);
});

test("the same is dropped whatever is kept, bit for bit, and in chunks of any size, but for rounding", async () => {
  const texts = batchOf([200, 101, 212, 130, 60]);
  const tokens = { dropout, seed: 4 };
  const whole = await run(tokens, texts);
  const again = await run(tokens, texts, await createCpuEngine({ keptBytes: 0 }));
  expect(again.losses).toEqual(whole.losses);
  expect(again.gradient).toEqual(whole.gradient);
  const most = whole.gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  for (const microTokens of [1, 250, 10_000]) {
    const parts = await run({ ...tokens, microTokens }, texts);
    parts.losses.forEach((loss, i) => expect(loss).toBeCloseTo(whole.losses[i] ?? NaN, 5));
    parts.gradient.forEach(
      (g, i) => Math.abs(g - (whole.gradient[i] ?? NaN)) < 1e-5 * most || expect.fail(`${i}: ${g}`),
    );
  }
});

test("the gradient is that of what was dropped: by differences of the loss at the same step", async () => {
  const weights = randomWeights(1);
  const lossAt = async (values: Float32Array<ArrayBuffer>) => {
    const model = await engine.createModel({ shape, pooling: "mean", weights: values });
    const trainer = await model.createTrainer({ ...settings, dropout, seed: 6 });
    const { loss } = await trainer.step(batch, 0);
    return { loss, gradient: await trainer.gradient() };
  };
  const { gradient } = await lossAt(weights);
  const norm = Math.hypot(...gradient);
  const move = (by: number) => lossAt(weights.map((w, i) => w + (by * (gradient[i] ?? 0)) / norm));
  const slope = ((await move(2e-3)).loss - (await move(-2e-3)).loss) / 4e-3;
  expect(slope / norm).toBeCloseTo(1, 2);
});
