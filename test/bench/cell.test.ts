import { expect, test } from "vitest";
import { runCell, type Entrant } from "../../bench/cell.ts";
import type { BenchEngine, EngineName, Job } from "../../bench/engines/engine.ts";
import type { Host } from "../../bench/host.ts";
import { madeUpWeights } from "../../bench/numbers.ts";
import { shapeOf, smallBatch } from "../../bench/work.ts";
import { nullGpu } from "../support/device.ts";
import { watched } from "../../bench/watch.ts";

const shape = shapeOf("1x32");
const cell = {
  shape: "1x32",
  batch: "real",
  task: { shape, weights: madeUpWeights(shape), batches: [smallBatch(shape.vocabulary)] },
  turns: 2,
  calls: 1,
  budget: 1,
  groups: [1, 2],
  adapter: "none",
} as const;

const host: Host = {
  name: "test",
  gpu: await nullGpu(),
  say: () => undefined,
  heapBytes: async () => undefined,
  nextTask: () => new Promise((resolve) => setImmediate(resolve)),
};

const job = (loss: number): Job => ({
  layout: "none",
  step: async () => ({ loss, gradNorm: 1 }),
  encode: async () => new Float32Array([1, 0]),
  dispose: async () => undefined,
});

const entrant = (name: EngineName, open: BenchEngine["open"], rate = Infinity): Entrant => ({
  engine: { name, watch: watched(host.gpu), pads: name !== "decoy", open, dispose: () => undefined },
  rate,
});
const ours = entrant("decoy", async () => job(0.5));

test("a peer that agrees is timed, turn by turn with ours", async () => {
  const { rows, checks, ratios } = await runCell(cell, [ours, entrant("jax-js", async () => job(0.500001))], host);
  expect(checks).toMatchObject([{ engine: "jax-js", agrees: true, gradNorm: 0 }]);
  expect(checks[0]?.loss).toBeCloseTo(2e-6, 7);
  expect(rows.map(({ engine, what, turns }) => `${engine} ${what} ${turns}`)).toEqual([
    "decoy step 2",
    "jax-js step 2",
    "decoy encode 2",
    "jax-js encode 2",
  ]);
  expect(ratios.map(({ peer, what }) => `${peer} ${what}`)).toEqual(["jax-js step", "jax-js encode"]);
});

test("a peer that computes something else is reported, not timed; NaN is something else", async () => {
  for (const loss of [0.51, NaN]) {
    const { rows, checks, skipped, outcomes } = await runCell(
      cell,
      [ours, entrant("jax-js", async () => job(loss))],
      host,
    );
    expect(checks).toMatchObject([{ engine: "jax-js", agrees: false }]);
    expect(rows.filter(({ engine }) => engine !== "decoy")).toEqual([]);
    expect(skipped).toMatchObject([{ engine: "jax-js", reason: expect.stringContaining("something else") }]);
    expect(outcomes.map(({ loss }) => loss)).toEqual([0.5, loss]);
  }
});

test("what fails or would take too long is left out with its reason, and nothing is timed unchecked", async () => {
  const failing = entrant("tfjs", () => Promise.reject(new Error("no kernel for it")));
  // About two million operations by three, at one a second.
  const slow = entrant("jax-js", async () => job(0.5), 1);
  const { rows, skipped } = await runCell(cell, [ours, failing, slow], host);
  expect(rows).toHaveLength(2);
  expect(skipped.map(({ engine, reason }) => [engine, reason])).toEqual([
    ["tfjs", "no kernel for it"],
    ["jax-js", expect.stringMatching(/^a step would take about \d+ s by its matrix product; the budget is 1 s$/u)],
  ]);
  const alone = await runCell(cell, [entrant("jax-js", async () => job(0.5))], host);
  expect(alone.rows).toEqual([]);
  expect(alone.skipped).toMatchObject([{ engine: "jax-js", reason: expect.stringContaining("our engine") }]);
});
