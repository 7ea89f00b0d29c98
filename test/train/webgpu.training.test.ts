/** The WebGPU engine against PyTorch in double precision: what trains, dropout, several batches a step, fixed documents. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { goldenTraining, offOf } from "../support/goldenTraining.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
afterAll(() => {
  engine.dispose();
});

test.each(goldenTraining)("$name", async (golden) => {
  const off = await offOf(engine, golden);
  expect(off.embedding).toBeLessThan(1e-5);
  expect(off.gradient, off.gradientOf).toBeLessThan(1e-4);
  expect(off.loss).toBeLessThan(1e-4);
  expect(off.gradNorm).toBeLessThan(1e-4);
  expect(off.after, off.afterOf).toBeLessThan(1e-4);
});
