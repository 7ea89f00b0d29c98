/** The CPU engine against PyTorch in double precision: embeddings, losses, norms, every gradient, the weights after the fixture's steps. */
import { describe, expect, it } from "vitest";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { size, type Tensor } from "../../src/encoder/parameters.ts";
import { goldenNames, isKeyBias, loadGolden, type Golden } from "../support/golden.ts";

interface Numbers {
  readonly [index: number]: number;
  readonly length: number;
  slice(begin?: number, end?: number): Numbers;
}

/** Largest absolute difference; NaN where either has one. */
function worst(actual: Numbers, expected: Numbers): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    largest = Math.max(largest, Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN)));
  }
  return largest;
}

const magnitude = (values: Numbers): number => worst(values, new Float64Array(values.length));

const part = (arena: Numbers, { offset, shape }: Tensor): Numbers => arena.slice(offset, offset + size(shape));

async function modelOf({ shape, pooling, weights }: Golden) {
  const engine = await createCpuEngine();
  return engine.createModel({ shape, pooling, weights });
}

describe.each(goldenNames)("%s", (name) => {
  const golden = loadGolden(name);
  const { expected, table, batch, settings, learningRate } = golden;

  it("embeds", async () => {
    const model = await modelOf(golden);
    expect(worst(await model.embed(batch.texts), expected.embedding)).toBeLessThan(1e-5);
    model.dispose();
  });

  it("differentiates", async () => {
    const model = await modelOf(golden);
    const trainer = await model.createTrainer(settings);
    await trainer.step(batch, learningRate);
    const gradient = await trainer.gradient();
    const bad = table.tensors
      .map((tensor) => {
        const truth = part(expected.gradient, tensor);
        // The key bias has no effect on softmax: its gradient is rounding, compared with the query bias's.
        const scale = isKeyBias(tensor.name) ? 1 : magnitude(truth);
        return { name: tensor.name, off: worst(part(gradient, tensor), truth) / scale };
      })
      .filter(({ off }) => !(off < 1e-4));
    expect(bad).toEqual([]);
    model.dispose();
  });

  it("trains", async () => {
    const model = await modelOf(golden);
    const trainer = await model.createTrainer(settings);
    const outcomes = await Promise.all(Array.from(expected.loss, () => trainer.step(batch, learningRate)));
    outcomes.forEach(({ loss, gradNorm }, i) => {
      expect(Math.abs(loss / (expected.loss[i] ?? NaN) - 1)).toBeLessThan(1e-4);
      expect(Math.abs(gradNorm / (expected.gradNorm[i] ?? NaN) - 1)).toBeLessThan(1e-4);
    });
    const weights = await model.weights();
    const bad = table.tensors
      .filter(({ name }) => !isKeyBias(name))
      .map((tensor) => ({ name: tensor.name, off: worst(part(weights, tensor), part(expected.after, tensor)) }))
      .filter(({ off }) => !(off < 1e-4));
    expect(bad).toEqual([]);
    model.dispose();
  });
});
