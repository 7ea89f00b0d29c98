/** The passes of every loss, from vectors to their gradient, against the float64 reference and the CPU engine's loss. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LossSettings } from "../../src/domain/engine.ts";
import { lossOf } from "../../src/encoder/cpu/loss.ts";
import { describePairs, lossPasses, lossRooms, pairSizes } from "../../src/train/webgpu/loss.ts";
import { lossGradient, lossOfVectors } from "../reference/losses.ts";
import { normalise } from "../reference/pooling.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";
import { listsOf, lossCases } from "../support/lists.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const H = 7;

/** Every tensor that the passes may write is NaN before. */
async function run(lengths: readonly number[], S: number, settings: LossSettings) {
  const lists = listsOf(lengths, S);
  const embedding = normalise(normals(S * H, "e"), H).map(Math.fround);
  const B = lengths.length;
  const capacity = { S, B, pairs: lists.candidates.length };
  const rooms = [...lossRooms(capacity, settings)].map(([name, { bytes }]) => [name, bytes / 4] as const);
  const inputs = describePairs(lists, settings);
  for (const [name, values] of Object.entries(inputs))
    expect(values.length, name).toBe(pairSizes(capacity, settings)[name]);
  const out = await bench.run({
    counts: { S, B },
    inputs: { embedding, ...inputs },
    outputs: { ...Object.fromEntries(rooms), "d.embedding": S * H },
    dispatches: (at) => lossPasses({ index: at, activation: at }, H, settings),
  });
  const sum = Array.from(out["loss"] ?? []).reduce((total, loss) => total + loss, 0);
  return { lists, embedding, loss: sum / B, gradient: out["d.embedding"] };
}

test.each(lossCases)("%s", async (_, settings) => {
  const { lists, embedding, loss, gradient } = await run([3, 1, 7, 66, 4], 11, settings);
  const truth = lossOfVectors(embedding, { H }, lists, settings);
  expect(Math.abs(loss - truth)).toBeLessThan(1e-5 * Math.max(1, Math.abs(truth)));
  const cpu = lossOf(Float32Array.from(embedding), H, lists, settings);
  expect(error(gradient, cpu.dEmbeddings)).toBeLessThan(1e-5);
  expect(error(gradient, lossGradient(embedding, H, lists, settings))).toBeLessThan(1e-5);
});

test.each(lossCases)("%s: a single query with a single candidate", async (_, settings) => {
  const { loss, gradient } = await run([1], 2, settings);
  expect(Math.abs(loss)).toBeLessThan(1e-6);
  expect(gradient?.every((d) => Math.abs(d) < 1e-6)).toBe(true);
});

test("what a loss needs and a batch lacks is noticed", () => {
  const { roles: _r, targets: _t, ...bare } = listsOf([3], 4);
  expect(() => describePairs(bare, { temperature: 1, hardness: 1 })).toThrow("no roles");
  expect(() => describePairs(bare, { temperature: 1, loss: "marginMSE" })).toThrow("no targets");
  const slice = () => ({}) as never;
  const settings = { temperature: 1, dimensions: [8] };
  expect(() => lossPasses({ index: slice, activation: slice }, H, settings)).toThrow("a prefix of 8 of 7");
});
