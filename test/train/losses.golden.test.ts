/** Every loss from the recipe to the gradient, on both engines, against PyTorch in float64 (test/fixtures/golden/losses.json). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { trainerSettings } from "../../src/train/settings.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { goldenLosses, goldenShape, goldenTable } from "../support/goldenLosses.ts";
import { error } from "../support/kernels.ts";

const engines: Partial<Record<"cpu" | "webgpu", Engine>> = {};
beforeAll(async () => {
  engines.cpu = await createCpuEngine();
  engines.webgpu = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
afterAll(() => {
  engines.cpu?.dispose();
  engines.webgpu?.dispose();
});

describe.each(["cpu", "webgpu"] as const)("%s", (kind) => {
  test.each(goldenLosses)("$name", async ({ config, batch, loss, gradient }) => {
    const model = await engines[kind]?.createModel({ shape: goldenShape, pooling: "mean", weights: goldenTable() });
    const trainer = await model?.createTrainer(trainerSettings(config));
    const outcome = await trainer?.step(batch, 0);
    expect((outcome?.loss ?? NaN) / loss).toBeCloseTo(1, 5);
    const found = (await trainer?.gradient())?.subarray(0, gradient.length);
    expect(error(found, gradient)).toBeLessThan(1e-5);
    // Nothing is left of the step before, and the same inputs give the same bits.
    expect(await trainer?.step(batch, 0)).toEqual(outcome);
    expect((await trainer?.gradient())?.subarray(0, gradient.length)).toEqual(found);
    model?.dispose();
  });
});

test("no two cases are alike: each addition tells", () => {
  expect(new Set(goldenLosses.map(({ loss }) => loss.toFixed(6))).size).toBe(goldenLosses.length);
});
