/** The CPU engine against PyTorch in double precision: what trains, dropout, several batches a step, fixed documents. */
import { expect, test } from "vitest";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { goldenTraining, offOf } from "../support/goldenTraining.ts";

test.each(goldenTraining)("$name", async (golden) => {
  const off = await offOf(await createCpuEngine(), golden);
  expect(off.embedding).toBeLessThan(1e-5);
  expect(off.gradient, off.gradientOf).toBeLessThan(1e-4);
  expect(off.loss).toBeLessThan(1e-4);
  expect(off.gradNorm).toBeLessThan(1e-4);
  expect(off.after, off.afterOf).toBeLessThan(1e-4);
});
