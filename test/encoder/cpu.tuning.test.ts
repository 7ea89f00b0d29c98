/** What trains and how, on the CPU engine: LoRA, frozen layers, several batches a step, moments of 16 bits; what stays, and what is the same. */
import { beforeAll, describe, expect, it } from "vitest";
import type { ContrastiveBatch, Engine, TrainerSettings, Tuning } from "../../src/domain/engine.ts";
import { keptMoment } from "../../src/encoder/bfloat16.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { dropoutSeed } from "../../src/encoder/dropout.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { initialAdapters, trainedTable, withTrained } from "../../src/encoder/trained.ts";
import { staticBatch, staticSettings, staticWeights } from "../support/static.ts";
import { batchOf, randomWeights, settings, shape } from "./cpuModel.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const batch = batchOf([3, 9, 33, 1, 20]);
const other = batchOf([5, 2, 12, 40, 7], 2);
const lora: Tuning = { lora: { rank: 2, alpha: 6, matrices: ["output", "attention.qkv"] } };
const frozen: Tuning = { frozenLayers: 1 };
const dropout = { hidden: 0.2, attention: 0.1 };

async function trainerOf(more: Partial<TrainerSettings>, weights = randomWeights(1)) {
  const model = await engine.createModel({ shape, pooling: "mean", weights });
  return { model, trainer: await model.createTrainer({ ...settings, ...more }) };
}

type Batches = ContrastiveBatch | readonly ContrastiveBatch[];

async function trained(more: Partial<TrainerSettings>, steps: number, batches: Batches = batch) {
  const { model, trainer } = await trainerOf(more);
  const outcomes = [];
  for (let i = 0; i < steps; i++) outcomes.push(await trainer.step(batches, 1e-2));
  return { model, trainer, outcomes };
}

const allOf: readonly (readonly [string, Partial<TrainerSettings>])[] = [
  ["frozen layers", { tuning: frozen }],
  ["LoRA", { tuning: lora }],
  ["LoRA above a frozen layer", { tuning: { ...lora, ...frozen } }],
  ["dropout", { dropout, seed: 3 }],
  ["moments of 16 bits", { optimizer: "adamw16", seed: 3 }],
  ["all of it", { tuning: { ...lora, ...frozen }, dropout, optimizer: "adamw16", seed: 3 }],
];

describe.each(allOf)("with %s", (_, more) => {
  it("has the weights that its checkpoint gives the encoder it began with", async () => {
    const { model, trainer } = await trained(more, 3);
    const checkpoint = await trainer.checkpoint();
    expect(checkpoint.tuning).toEqual(more.tuning);
    const { floats } = trainedTable(shape, more.tuning);
    const lengths = [checkpoint.weights, checkpoint.firstMoment, checkpoint.secondMoment, await trainer.gradient()];
    expect(lengths.map(({ length }) => length)).toEqual([floats, floats, floats, floats]);
    const merged = withTrained(shape, randomWeights(1), checkpoint);
    expect(await model.weights()).toEqual(merged);
    expect(merged).not.toEqual(randomWeights(1));
    // What embeds is the same encoder.
    const plain = await engine.createModel({ shape, pooling: "mean", weights: merged });
    expect(await model.embed(batch.texts)).toEqual(await plain.embed(batch.texts));
  });

  it("goes on from a checkpoint bit for bit", async () => {
    const whole = await trained(more, 5);
    const half = await trained(more, 2);
    const { model, trainer } = await trainerOf(more);
    await trainer.step(other, 1e-1);
    await trainer.restore(await half.trainer.checkpoint());
    const outcomes = [];
    for (let i = 0; i < 3; i++) outcomes.push(await trainer.step(batch, 1e-2));
    expect(outcomes).toEqual(whole.outcomes.slice(2));
    expect(await trainer.checkpoint()).toEqual(await whole.trainer.checkpoint());
    expect(await model.weights()).toEqual(await whole.model.weights());
  });

  it("changes nothing in a step that fails", async () => {
    const { model, trainer } = await trained(more, 1);
    const before = [await trainer.checkpoint(), await model.weights()];
    const broken = {
      ...batch,
      fixed: new Float32Array(shape.hidden).fill(NaN),
      candidates: batch.candidates.map(() => 5),
    };
    expect((await trainer.step(broken, 1e-2)).loss).toBeNaN();
    expect([await trainer.checkpoint(), await model.weights()]).toEqual(before);
  });
});

it.each([{ frozenLayers: 0 }, { frozenLayers: 1 }])(
  "the gradient with %o is a part of the whole one",
  async (tuning) => {
    const [whole, part] = [await trained({}, 1), await trained({ tuning }, 1)];
    const [all, some] = [await whole.trainer.gradient(), await part.trainer.gradient()];
    const { regions, ranges } = trainedTable(shape, tuning);
    for (const { offset, weights, floats } of ranges)
      expect(some.subarray(offset, offset + floats)).toEqual(all.subarray(weights, weights + floats));
    expect(Object.keys(regions).some((name) => name.startsWith("layer.0."))).toBe(tuning.frozenLayers === 0);
  },
);

it("LoRA starts as the encoder itself, with A of the seed and B of zeros", async () => {
  const table = trainedTable(shape, lora);
  const starts = [];
  for (const seed of [undefined, 0, 4]) {
    const { model, trainer } = await trainerOf({ tuning: lora, ...(seed !== undefined && { seed }) });
    const { weights } = await trainer.checkpoint();
    expect(weights).toEqual(initialAdapters(table, seed ?? 0));
    expect(await model.weights()).toEqual(randomWeights(1));
    starts.push(weights);
  }
  expect(starts[0]).toEqual(starts[1]);
  expect(starts[2]).not.toEqual(starts[1]);
});

it("LoRA keeps the weights that the model has when the training begins, not those it was made with", async () => {
  const { model, trainer } = await trained({}, 2);
  trainer.dispose();
  const before = await model.weights();
  const next = await model.createTrainer({ ...settings, tuning: lora });
  await next.step(batch, 1e-2);
  expect(await model.weights()).toEqual(withTrained(shape, before, await next.checkpoint()));
});

it("LoRA's weights decay, its padding does not move", async () => {
  const { regions, floats } = trainedTable(shape, lora);
  const still = async (weightDecay: number) => {
    const { trainer } = await trained({ tuning: lora, weightDecay }, 2);
    const { weights } = await trainer.checkpoint();
    const inside = new Set<number>();
    for (const { offset, shape: sides } of Object.values(regions))
      for (let i = 0; i < size(sides); i++) inside.add(offset + i);
    expect(inside.size).toBeLessThan(floats);
    weights.forEach((value, i) => inside.has(i) || expect(value).toBe(0));
    return weights.reduce((sum, value) => sum + Math.abs(value), 0);
  };
  expect(await still(10)).toBeLessThan(await still(0));
});

describe("a step of several batches", () => {
  it("has the mean of their losses and gradients", async () => {
    const single = async (of: Batches) => {
      const { trainer, outcomes } = await trained({}, 1, of);
      return { loss: outcomes[0]?.loss ?? NaN, gradient: await trainer.gradient(), norm: outcomes[0]?.gradNorm ?? NaN };
    };
    const [one, two, both] = [await single(batch), await single([other]), await single([batch, other])];
    expect(both.loss).toBeCloseTo((one.loss + two.loss) / 2, 12);
    const mean = one.gradient.map((g, i) => (g + (two.gradient[i] ?? NaN)) / 2);
    const off = both.gradient.reduce((most, g, i) => Math.max(most, Math.abs(g - (mean[i] ?? NaN))), 0);
    expect(off).toBeLessThan(2e-6 * mean.reduce((most, g) => Math.max(most, Math.abs(g)), 0));
    expect(both.norm).toBeCloseTo(Math.hypot(...mean), 4);
  });

  it("is the step of one batch where there is one, and no step where there is none", async () => {
    const [one, listed] = [await trained({ dropout }, 2), await trained({ dropout }, 2, [batch])];
    expect(await listed.trainer.checkpoint()).toEqual(await one.trainer.checkpoint());
    const { trainer } = await trainerOf({});
    await expect(trainer.step([], 1e-2)).rejects.toThrow("no batch");
  });

  it("counts tokens on through the batches: the same batch twice drops other numbers the second time", async () => {
    const gradientOf = async (batches: Batches) => {
      const { trainer } = await trained({ dropout: { hidden: 0.5, attention: 0 } }, 1, batches);
      return trainer.gradient();
    };
    expect(await gradientOf([batch, batch])).not.toEqual(await gradientOf(batch));
  });
});

it("a static encoder trains on several batches, all of it or not at all, and drops nothing", async () => {
  const shape = { family: "static", hidden: 33, vocabulary: 211 } as const;
  const batch = staticBatch(shape);
  const gradientOf = async (more: Partial<TrainerSettings>, batches: Batches) => {
    const model = await engine.createModel({ shape, pooling: "mean", weights: staticWeights(shape) });
    const trainer = await model.createTrainer({ ...staticSettings, ...more });
    await trainer.step(batches, 1e-2);
    return trainer.gradient();
  };
  const one = await gradientOf({}, batch);
  expect(await gradientOf({ dropout: { hidden: 0.5, attention: 0.5 }, tuning: {} }, batch)).toEqual(one);
  const two = await gradientOf({}, [batch, batch]);
  two.forEach((g, i) => expect(g).toBeCloseTo(one[i] ?? NaN, 6));
  await expect(gradientOf({ tuning: { frozenLayers: 0 } }, batch)).rejects.toThrow("nothing would train");
});

it("what cannot train leaves the model free for what can", async () => {
  const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(1) });
  const nothing = model.createTrainer({ ...settings, tuning: { frozenLayers: 2 } });
  await expect(nothing).rejects.toMatchObject({ name: "NothingTrains" });
  const trainer = await model.createTrainer({ ...settings, tuning: lora });
  await expect(model.createTrainer(settings)).rejects.toThrow("one trainer at a time");
  const { floats } = parameterTable(shape);
  const arena = new Float32Array(floats);
  const whole = { step: 1, weights: arena, firstMoment: arena, secondMoment: arena };
  await expect(trainer.restore(whole)).rejects.toThrow(`${floats} numbers for`);
});

describe("moments of 16 bits", () => {
  const isBfloat16 = (value: number) => (new Uint32Array(Float32Array.of(value).buffer)[0] ?? 1) % 2 ** 16 === 0;

  it("are AdamW's, rounded by the step's seed", async () => {
    const [exact, kept] = [await trained({}, 1), await trained({ optimizer: "adamw16", seed: 8 }, 1)];
    const [one, two] = [await exact.trainer.checkpoint(), await kept.trainer.checkpoint()];
    // Of the first step, which rounds after it has moved the weights.
    expect(two.weights).toEqual(one.weights);
    const seed = dropoutSeed(8, 0);
    for (const [name, moment] of [
      ["firstMoment", "first"],
      ["secondMoment", "second"],
    ] as const) {
      expect(two[name].every(isBfloat16)).toBe(true);
      expect(one[name].every(isBfloat16)).toBe(false);
      expect(two[name]).toEqual(one[name].map((value, place) => keptMoment(value, { seed, moment, place })));
    }
  });

  it("bring the loss about as far down as AdamW's", async () => {
    const lossAfter = async (optimizer: "adamw" | "adamw16") => {
      const { outcomes } = await trained({ optimizer, seed: 1 }, 40);
      return { first: outcomes[0]?.loss ?? NaN, last: outcomes.at(-1)?.loss ?? NaN };
    };
    const [exact, kept] = [await lossAfter("adamw"), await lossAfter("adamw16")];
    expect(exact.last).toBeLessThan(0.5 * exact.first);
    expect(Math.abs(kept.last - exact.last)).toBeLessThan(0.05 * (exact.first - exact.last));
  });
});
