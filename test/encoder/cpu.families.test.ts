/** What the CPU engine does alike for all families, on those that keep more, or other things, of a forward pass than BERT. */
import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { BertShape, ModernBertShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { settings } from "./cpuModel.ts";
import { pack } from "../support/golden.ts";

const mpnet: BertShape = {
  family: "bert",
  names: "mpnet",
  layers: 2,
  hidden: 15,
  heads: 3,
  intermediate: 23,
  vocabulary: 37,
  positions: 402,
  firstPosition: 2,
  types: 0,
  distanceBuckets: 32,
  layerNormEpsilon: 1e-5,
};
const modern: ModernBertShape = {
  family: "modernbert",
  layers: 4,
  hidden: 30,
  heads: 5,
  intermediate: 21,
  vocabulary: 37,
  positions: 400,
  globalEvery: 3,
  window: 5,
  globalTheta: 160_000,
  localTheta: 10_000,
  layerNormEpsilon: 1e-5,
};

function randomWeights(shape: BertShape | ModernBertShape): Float32Array<ArrayBuffer> {
  const source = random(4, "weights");
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const tensor of table.tensors) {
    const middle = /norm\.weight$/iu.test(tensor.name) ? 1 : 0;
    for (let i = 0; i < size(tensor.shape); i++) weights[tensor.offset + i] = middle + 0.3 * source.normal();
  }
  return weights;
}

const texts = (lengths: readonly number[]) => {
  const source = random(2, "texts");
  return lengths.map((length) => Array.from({ length }, () => source.integer(37)));
};

/** 1,900 tokens: three chunks. */
const all = texts([5, 9, 400, 300, 290, 380, 1, 210, 305]);
const batch: ContrastiveBatch = {
  texts: pack(all),
  queries: Int32Array.of(0, 1),
  offsets: Int32Array.of(0, 4, 7),
  candidates: Int32Array.of(2, 3, 6, 8, 4, 5, 7),
};

test.each([mpnet, modern])(
  "$family, $layers layers: the same bit for bit whatever activations are kept",
  async (shape) => {
    const run = async (keptBytes?: number) => {
      const engine = await createCpuEngine(keptBytes === undefined ? {} : { keptBytes });
      const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(shape) });
      const trainer = await model.createTrainer(settings);
      await trainer.step(batch, 1e-3);
      const outcome = await trainer.step(batch, 1e-3);
      return { outcome, checkpoint: await trainer.checkpoint(), peakBytes: engine.peakBytes() };
    };
    const [kept, some, none] = [await run(), await run(1.2e6), await run(0)];
    expect(some.checkpoint).toEqual(kept.checkpoint);
    expect(none.checkpoint).toEqual(kept.checkpoint);
    expect(kept.peakBytes - none.peakBytes).toBeGreaterThan(5e5);
    expect(kept.outcome.loss).toBeGreaterThan(0);
  },
);

test.each([mpnet, modern])(
  "$family, $layers layers: a text's vector does not depend on the texts beside it",
  async (shape) => {
    const engine = await createCpuEngine();
    const model = await engine.createModel({ shape, pooling: "cls", weights: randomWeights(shape) });
    const together = await model.embed(pack(all));
    for (const [i, text] of all.entries()) {
      const alone = await model.embed(pack([text]));
      alone.forEach((value, h) => expect(together[i * shape.hidden + h]).toBeCloseTo(value, 6));
    }
  },
);

test.each([mpnet, modern])("$family: no text may be longer than its positions", async (shape) => {
  const engine = await createCpuEngine();
  const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(shape) });
  await expect(model.embed(pack(texts([400])))).resolves.toHaveLength(shape.hidden);
  await expect(model.embed(pack(texts([401])))).rejects.toThrow("401 tokens for 400 positions");
});

test("a local layer sees its window and no further; a global one sees all", async () => {
  const engine = await createCpuEngine();
  const text = texts([40])[0] ?? [];
  const changed = text.map((id, place) => (place === 20 ? (id + 1) % 37 : id));
  /** Whether the first token's vector changes with the token at place 20. */
  const felt = async (window: number, layers: number, globalEvery: number) => {
    // Layer 0 is always global: its attention is switched off by zero weights.
    const shape = { ...modern, layers, window, globalEvery };
    const weights = randomWeights(shape);
    const { regions } = parameterTable(shape);
    const output = regions["layer.0.attention.output.weight"];
    weights.fill(0, output?.offset, (output?.offset ?? 0) + size(output?.shape ?? []));
    const model = await engine.createModel({ shape, pooling: "cls", weights });
    const [one, two] = [await model.embed(pack([text])), await model.embed(pack([changed]))];
    return one.some((value, h) => value !== two[h]);
  };
  expect(await felt(19, 2, 3)).toBe(false);
  expect(await felt(20, 2, 3)).toBe(true);
  // Two local layers reach twice as far.
  expect(await felt(9, 3, 3)).toBe(false);
  expect(await felt(10, 3, 3)).toBe(true);
  expect(await felt(2, 2, 1)).toBe(true);
});
