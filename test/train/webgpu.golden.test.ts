/** The engine against PyTorch in float64 (test/fixtures/golden). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine, Model, StepOutcome, Trainer } from "../../src/domain/engine.ts";
import { size } from "../../src/encoder/parameters.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { goldenNames, isKeyBias, loadGolden, type Golden } from "../support/golden.ts";

/** Per tensor, the largest difference over the largest entry of the truth. */
function relativeErrors({ table }: Golden, actual: Float32Array, truth: Float64Array): Map<string, number> {
  const errors = new Map<string, number>();
  for (const { name, offset, shape } of table.tensors) {
    let difference = 0;
    let largest = 0;
    for (let i = offset; i < offset + size(shape); i++) {
      difference = Math.max(difference, Math.abs((actual[i] ?? NaN) - (truth[i] ?? NaN)));
      largest = Math.max(largest, Math.abs(truth[i] ?? NaN));
    }
    errors.set(name, difference / Math.max(largest, 1e-6));
  }
  return errors;
}

const worst = (actual: Float32Array, truth: Float64Array): number =>
  truth.reduce((most, value, i) => Math.max(most, Math.abs((actual[i] ?? NaN) - value)), 0);

describe.each(goldenNames)("%s", (name) => {
  const golden = loadGolden(name);
  let engine: Engine;
  let model: Model;
  let trainer: Trainer;

  beforeAll(async () => {
    engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
    model = await engine.createModel(golden);
    trainer = await model.createTrainer(golden.settings);
  }, 120_000);
  afterAll(() => {
    engine.dispose();
  });

  test("embeds like PyTorch", async () => {
    const embeddings = await model.embed(golden.batch.texts);
    expect(embeddings.length).toBe(golden.expected.embedding.length);
    expect(worst(embeddings, golden.expected.embedding)).toBeLessThan(1e-5);
  });

  test("has PyTorch's gradient in every tensor, then its losses, norms and weights", async () => {
    const outcomes: StepOutcome[] = [await trainer.step(golden.batch, golden.learningRate)];
    for (const [tensor, error] of relativeErrors(golden, await trainer.gradient(), golden.expected.gradient)) {
      // The true gradient of the key bias is 0: softmax does not see it.
      expect(error, tensor).toBeLessThan(isKeyBias(tensor) ? 1 : 1e-4);
    }
    while (outcomes.length < golden.expected.loss.length)
      outcomes.push(await trainer.step(golden.batch, golden.learningRate));

    outcomes.forEach(({ loss, gradNorm }, i) => {
      expect(loss / (golden.expected.loss[i] ?? NaN), `loss ${i}`).toBeCloseTo(1, 4);
      expect(gradNorm / (golden.expected.gradNorm[i] ?? NaN), `norm ${i}`).toBeCloseTo(1, 4);
    });

    const after = await model.weights();
    for (const { name: tensor, offset, shape } of golden.table.tensors) {
      if (isKeyBias(tensor)) continue;
      const end = offset + size(shape);
      expect(worst(after.subarray(offset, end), golden.expected.after.subarray(offset, end)), tensor).toBeLessThan(
        1e-5,
      );
    }
  }, 240_000);
});
