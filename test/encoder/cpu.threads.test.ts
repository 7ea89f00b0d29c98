/** The CPU engine in Node with its kernels split over threads. */
import { expect, it } from "vitest";
import { prepareNodeForCpuEngine } from "../../experiments/node-cpu.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { loadGolden } from "../support/golden.ts";

it("computes the same on two threads, and the same bits each time", async () => {
  prepareNodeForCpuEngine(2);
  const { shape, pooling, weights, batch, settings, learningRate, expected } = loadGolden("mean-hybrid");
  const engine = await createCpuEngine();
  expect(engine.info).toEqual({ kind: "cpu", device: "2 threads", note: "" });

  async function run() {
    const model = await engine.createModel({ shape, pooling, weights });
    const trainer = await model.createTrainer(settings);
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => trainer.step(batch, learningRate)));
    const checkpoint = await trainer.checkpoint();
    model.dispose();
    return { outcomes, checkpoint };
  }

  const first = await run();
  first.outcomes.forEach(({ loss }, i) => expect(Math.abs(loss / (expected.loss[i] ?? NaN) - 1)).toBeLessThan(1e-4));
  expect(await run()).toEqual(first);
});
