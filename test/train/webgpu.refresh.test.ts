/** What training asks of an engine beside steps (vectors of the moment, the gradient alone), on WebGPU. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { train } from "../../src/train/train.ts";
import { gradientVariance } from "../../src/train/variance.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { bits, collect, data, input, open, refreshOf, tokenize, touchyWeights } from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createWebGpuEngine({ gpu: await vulkanGpu() });
}, 120_000);
afterAll(() => engine.dispose());

test("with ANCE and ADORE, probed, stopped and gone on with: the same bits as a run left alone", async () => {
  const refresh = refreshOf([
    { source: "ance", count: 3, first: 1, last: 8, every: 3 },
    { source: "adore", count: 2, first: 1, last: 6 },
  ]);
  const run = async (probes: number, over = {}) =>
    collect(train(await open(engine), input({ steps: 5, probes }, { refresh, ahead: 2, ...over })));
  const alone = await run(0);
  const probed = await run(2, { checkpointEvery: 0 });
  expect(probed.outcome.checkpoint).toEqual(alone.outcome.checkpoint);
  expect(probed.reports.filter(({ kind }) => kind === "probe")).toHaveLength(2);
  const resume = probed.reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []))[3];
  expect(resume).toMatchObject({ step: 4, mined: { version: 3 } });
  expect((await run(0, { resume })).outcome.checkpoint).toEqual(alone.outcome.checkpoint);
});

test("the gradient's variance is the CPU engine's, and the weights are the same bits afterwards", async () => {
  const { config } = input({ inBatch: true, clip: 0.01, temperature: 0.1 });
  const model = await open(engine, touchyWeights());
  const settings = { data, config, tokenize, batches: 4 };
  const measured = await finish(gradientVariance({ ...settings, model }));
  const oracle = await open(await createCpuEngine(), touchyWeights());
  const expected = await finish(gradientVariance({ ...settings, model: oracle }));
  expect(measured.trace / expected.trace).toBeCloseTo(1, 3);
  expect(measured.meanSquared / expected.meanSquared).toBeCloseTo(1, 3);
  expect(bits(await model.weights())).toEqual(bits(touchyWeights()));
});
