import { beforeAll, describe, expect, it } from "vitest";
import type { ContrastiveBatch, Engine, Model, PackedTexts } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { lossOf } from "../../src/encoder/cpu/loss.ts";
import { pack } from "../support/golden.ts";
import { batchOf, randomTexts, randomWeights, settings, shape } from "./cpuModel.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const modelOf = (weights = randomWeights(1), from = engine) => from.createModel({ shape, pooling: "mean", weights });

const lengths = [1, 7, 33, 12, 64, 2, 129];
/** More tokens than go into one chunk, and than two of them. */
const manyLengths = [500, 401, 512, 300, 512, 77];
const batch = batchOf([3, 9, 33, 1, 20]);

async function trained(steps: number, { model, texts = batch }: { model?: Model; texts?: ContrastiveBatch } = {}) {
  model ??= await modelOf();
  const trainer = await model.createTrainer(settings);
  const outcomes = await Promise.all(Array.from({ length: steps }, () => trainer.step(texts, 1e-2)));
  return { model, trainer, outcomes };
}

describe("embed", () => {
  it("gives a text the same vector alone and among others, bit for bit, whatever its length", async () => {
    const model = await modelOf();
    const texts = randomTexts([...lengths, ...manyLengths]);
    const together = await model.embed(pack(texts));
    for (const [i, text] of texts.entries()) {
      const alone = await model.embed(pack([text]));
      expect(alone).toEqual(together.slice(i * shape.hidden, (i + 1) * shape.hidden));
    }
    model.dispose();
  });

  it("refuses a word and a place that the tables do not have, and a text without a word", async () => {
    const model = await modelOf();
    await expect(model.embed(pack([[1, 37]]))).rejects.toThrow("token id 37 is not below 37");
    await expect(model.embed(pack(randomTexts([513])))).rejects.toThrow("a text of 513 tokens for 512 positions");
    await expect(model.embed(pack([[1], []]))).rejects.toThrow("text 1 has no token");
    expect(await model.embed(pack([[1]]))).toHaveLength(shape.hidden);
    model.dispose();
  });

  it("gives unit vectors for one token, for 512 tokens, and nothing for no text", async () => {
    const model = await modelOf();
    const embeddings = await model.embed(pack(randomTexts([1, 512])));
    for (const at of [0, shape.hidden]) {
      expect(Math.hypot(...embeddings.subarray(at, at + shape.hidden))).toBeCloseTo(1, 6);
    }
    const none: PackedTexts = { tokenIds: new Int32Array(0), cuSeqlens: Int32Array.of(0) };
    expect(await model.embed(none)).toHaveLength(0);
    model.dispose();
  });
});

describe("step", () => {
  it("has the loss of its embeddings, where a candidate that stands twice counts twice", async () => {
    const model = await modelOf();
    const embeddings = await model.embed(batch.texts);
    const vector = (text: number) => embeddings.subarray(text * shape.hidden, (text + 1) * shape.hidden);
    const score = (a: number, b: number) =>
      vector(a).reduce((sum, x, h) => sum + x * (vector(b)[h] ?? NaN), 0) / settings.temperature;
    const term = (query: number, positive: number, others: number[]) => {
      const scores = [positive, ...others].map((text) => score(query, text));
      return Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0)) - score(query, positive);
    };
    const expected = (term(0, 2, [4, 3, 4]) + term(1, 3, [4])) / 2;
    const trainer = await model.createTrainer(settings);
    const { loss } = await trainer.step(batch, 0);
    expect(loss).toBeCloseTo(expected, 4);
    model.dispose();
  });

  it.each([
    ["one chunk", batch],
    ["three chunks", batchOf(manyLengths)],
  ])("has the gradient that finite differences have, of %s", async (_, batch) => {
    const weights = randomWeights(1);
    const lossAt = async (values: Float32Array<ArrayBuffer>) => {
      const model = await modelOf(values);
      const trainer = await model.createTrainer(settings);
      const { loss } = await trainer.step(batch, 0);
      const gradient = await trainer.gradient();
      model.dispose();
      return { loss, gradient };
    };
    const { gradient } = await lossAt(weights);
    const squared = gradient.reduce((sum, g) => sum + g * g, 0);
    const move = (step: number) => lossAt(weights.map((w, i) => w + (step * (gradient[i] ?? 0)) / Math.sqrt(squared)));
    const slope = ((await move(5e-3)).loss - (await move(-5e-3)).loss) / 1e-2;
    expect(slope / Math.sqrt(squared)).toBeCloseTo(1, 2);
  });

  it("leaves weights and moments as they are where a weight is not a number", async () => {
    const { model, trainer } = await trained(1);
    const before = await trainer.checkpoint();
    const broken = before.weights.slice();
    broken.fill(NaN, 0, shape.vocabulary * shape.hidden);
    await trainer.restore({ ...before, weights: broken });
    const outcome = await trainer.step(batch, 1e-2);
    expect(outcome.loss).toBeNaN();
    expect(outcome.gradNorm).toBeNaN();
    expect(await trainer.checkpoint()).toEqual({ ...before, weights: broken });
    model.dispose();
  });

  it("changes the weights that later calls see, in the order of the calls", async () => {
    const model = await modelOf();
    const trainer = await model.createTrainer(settings);
    const [before, , after] = await Promise.all([model.weights(), trainer.step(batch, 1e-2), model.weights()]);
    expect(after).not.toEqual(before);
    expect(before).toEqual(randomWeights(1));
    model.dispose();
  });

  it("decays and moves no padding of the arena", async () => {
    const { model } = await trained(2);
    const weights = await model.weights();
    const initial = randomWeights(1);
    const padding = [...initial.keys()].filter((i) => initial[i] === 0);
    expect(padding.length).toBeGreaterThan(0);
    expect(padding.filter((i) => weights[i] !== 0)).toEqual([]);
    model.dispose();
  });
});

describe("a run", () => {
  it("is the same bit for bit when run again", async () => {
    const [first, second] = [await trained(4), await trained(4)];
    expect(await second.trainer.checkpoint()).toEqual(await first.trainer.checkpoint());
    expect(second.outcomes).toEqual(first.outcomes);
  });

  it("is the same bit for bit when it may keep no activations", async () => {
    const run = async (keptBytes: number | undefined, texts: ContrastiveBatch) => {
      const engine = await createCpuEngine(keptBytes === undefined ? {} : { keptBytes });
      const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(1) });
      const { trainer } = await trained(2, { model, texts });
      return { checkpoint: await trainer.checkpoint(), peakBytes: engine.peakBytes() };
    };
    for (const texts of [batch, batchOf(manyLengths)]) {
      const [kept, some, none] = [await run(undefined, texts), await run(1e6, texts), await run(0, texts)];
      expect(some.checkpoint).toEqual(kept.checkpoint);
      expect(none.checkpoint).toEqual(kept.checkpoint);
      if (texts === batch) continue;
      // Three chunks of 900 tokens or so, each with about 1 MB to keep.
      expect(kept.peakBytes - none.peakBytes).toBeGreaterThan(1.5e6);
    }
  });

  it("goes on from a checkpoint bit for bit, in another model", async () => {
    const whole = await trained(5);
    const half = await trained(2);
    const checkpoint = await half.trainer.checkpoint();
    expect(checkpoint.step).toBe(2);
    const model = await modelOf(randomWeights(9));
    const trainer = await model.createTrainer(settings);
    await trainer.restore(checkpoint);
    for (let i = 0; i < 3; i++) await trainer.step(batch, 1e-2);
    expect(await trainer.checkpoint()).toEqual(await whole.trainer.checkpoint());
  });

  it("holds no more memory after 20 more steps and embeddings", async () => {
    const { model, trainer } = await trained(2);
    await model.embed(batch.texts);
    const before = engine.peakBytes();
    for (let i = 0; i < 20; i++) {
      await trainer.step(batch, 1e-3);
      await model.embed(batch.texts);
    }
    expect(before).toBeGreaterThan(0);
    expect(engine.peakBytes()).toBe(before);
    model.dispose();
  });
});

it("counts no bytes of a model that is disposed of", async () => {
  const engine = await createCpuEngine();
  const use = async () => {
    const { model, trainer } = await trained(1, { model: await modelOf(randomWeights(1), engine) });
    trainer.dispose();
    model.dispose();
    await model.weights();
    return engine.peakBytes();
  };
  expect(await use()).toBe(await use());
});

describe("lossOf", () => {
  it("has the gradient that finite differences have, for a candidate that is the query or stands twice", () => {
    const hidden = 3;
    const two: ContrastiveBatch = {
      texts: pack([[1], [1], [1]]),
      queries: Int32Array.of(0, 1),
      offsets: Int32Array.of(0, 3, 6),
      candidates: Int32Array.of(1, 2, 2, 0, 1, 2),
    };
    const embeddings = Float32Array.from([0.5, -0.25, 0.75, 0.125, 0.5, -0.5, 1, 0.25, -0.125]);
    const { dEmbeddings } = lossOf(embeddings, hidden, two, { temperature: 0.5 });
    const h = 2 ** -8;
    embeddings.forEach((value, i) => {
      const at = (moved: number) => lossOf(embeddings.with(i, moved), hidden, two, { temperature: 0.5 }).loss;
      expect(dEmbeddings[i]).toBeCloseTo((at(value + h) - at(value - h)) / (2 * h), 4);
    });
  });
});
