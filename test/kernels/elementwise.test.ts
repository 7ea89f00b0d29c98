import { afterAll, beforeAll, expect, test } from "vitest";
import { spread } from "../../src/gpu/pass.ts";
import { geluForward } from "../../src/kernels/gelu/gelu.ts";
import { linearInput } from "../../src/kernels/linear/linear.ts";
import { fill } from "../reference/at.ts";
import { erf, gelu, geluDerivative } from "../reference/gelu.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { T: 1, C: 1 },
  { T: 7, C: 33 },
  { T: 129, C: 65 },
])("GELU at %o", async ({ T, C }) => {
  const x = normals(T * C, "x", 3);
  const out = await bench.run({
    counts: { T },
    inputs: { x },
    outputs: { g: T * C },
    dispatches: (at) => [geluForward({ y: at("g"), counts: at("counts"), x: at("x") }, { C })],
  });
  expect(error(out["g"], x.map(gelu))).toBeLessThan(1e-6);
});

test("GELU stays within 4e-7 from -8 to 8, across the joint of the two formulas", async () => {
  const x = fill(3201, (i) => Math.fround(-8 + i / 200));
  const out = await bench.run({
    counts: { T: 3201 },
    inputs: { x },
    outputs: { y: 3201 },
    dispatches: (at) => [geluForward({ y: at("y"), counts: at("counts"), x: at("x") }, { C: 1 })],
  });
  x.forEach((value, i) => {
    expect(Math.abs((out["y"]?.[i] ?? NaN) - gelu(value)), `GELU(${value})`).toBeLessThan(
      4e-7 * Math.max(1, Math.abs(value)),
    );
  });
});

test.each([1, 4])("GELU's derivative, in a linear layer's way back, stays within 4e-7 too: %i wide", async (I) => {
  const x = fill(3204, (i) => Math.fround(-8 + i / 200));
  const T = 3204 / I;
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight: fill(I * I, (k) => (k % (I + 1) === 0 ? 1 : 0)), dy: new Float64Array(3204).fill(1) },
    outputs: { dx: 3204 },
    dispatches: (at) => [
      linearInput(
        { dx: at("dx"), counts: at("counts"), weight: at("weight"), dy: at("dy"), preactivation: at("x") },
        { I, O: I },
      ),
    ],
  });
  x.forEach((value, i) => {
    expect(Math.abs((out["dx"]?.[i] ?? NaN) - geluDerivative(value)), `at ${value}`).toBeLessThan(4e-7);
  });
});

test("the reference's derivative is its derivative, and its erf is erf", () => {
  const x = normals(9, "x", 2);
  const ones = new Float64Array(9).fill(1);
  expect(
    error(
      differences((v) => v.map(gelu), x, ones),
      x.map(geluDerivative),
    ),
  ).toBeLessThan(1e-8);
  // Abramowitz and Stegun, table 7.1.
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(-1)).toBeCloseTo(-0.8427007929, 10);
  expect(1 - erf(3)).toBeCloseTo(2.209e-5, 8);
});

test("more workgroups than one dimension has are spread over two", () => {
  expect(spread(64 * 65535)).toEqual([65535, 1]);
  const [x, y = 0] = spread(64 * 65535 + 1);
  expect(x).toBeLessThanOrEqual(65535);
  expect(x * y * 64).toBeGreaterThan(64 * 65535);
});
