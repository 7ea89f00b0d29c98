/** Every loss on both engines, trained through a small transformer: each is the other's oracle. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { pack } from "../support/golden.ts";
import { error } from "../support/kernels.ts";
import { listsOf, lossCases } from "../support/lists.ts";
import { open, shape } from "./tiny.ts";

let engines: readonly Engine[];
beforeAll(async () => {
  engines = [await createCpuEngine(), await createWebGpuEngine({ gpu: await vulkanGpu() })];
}, 120_000);
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

/** Candidates that stand twice, a query among them, a query without a negative; texts of one token to as many as there may be. */
function batchOf(lengths: readonly number[]) {
  const source = random(5);
  const texts = [1, 2, 7, 16, 12, 5, 16, 9, 3].map((length) =>
    Array.from({ length }, () => source.integer(shape.vocabulary)),
  );
  return { ...listsOf(lengths, texts.length), texts: pack(texts) };
}

const settings = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 } as const;

test.each(lossCases)("agree on %s", async (_, loss) => {
  const results = [];
  for (const engine of engines) {
    const model = await open(engine);
    const trainer = await model.createTrainer({ ...settings, ...loss });
    const first = await trainer.step(batchOf([3, 1, 8, 5]), 1e-3);
    const gradient = await trainer.gradient();
    // Fewer lists, and longer ones.
    const second = await trainer.step(batchOf([9, 4]), 1e-3);
    results.push({ first, gradient, second });
    model.dispose();
  }
  const [cpu, webgpu] = results;
  if (!cpu || !webgpu) throw new Error("two engines");
  expect(error(webgpu.gradient, Float64Array.from(cpu.gradient))).toBeLessThan(1e-4);
  for (const step of ["first", "second"] as const) {
    expect(webgpu[step].loss / cpu[step].loss).toBeCloseTo(1, 4);
    expect(webgpu[step].gradNorm / cpu[step].gradNorm).toBeCloseTo(1, 4);
  }
});
