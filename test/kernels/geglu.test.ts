import { afterAll, beforeAll, expect, test } from "vitest";
import { gegluBackward, gegluForward } from "../../src/kernels/geglu/geglu.ts";
import { geglu, gegluGradient } from "../reference/geglu.ts";
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
])("forward and backward at %o", async ({ T, C }) => {
  const [x, dy] = [normals(T * 2 * C, "x", 2), normals(T * C, "dy")];
  const out = await bench.run({
    counts: { T },
    inputs: { x, dy },
    outputs: { y: T * C, dx: T * 2 * C, again: T * C },
    dispatches: (at) => [
      gegluForward({ y: at("y"), counts: at("counts"), x: at("x") }, { C }),
      gegluBackward({ dx: at("dx"), counts: at("counts"), x: at("x"), dy: at("dy"), y: at("again") }, { C }),
    ],
  });
  expect(error(out["y"], geglu(x, C))).toBeLessThan(1e-6);
  expect(error(out["again"], geglu(x, C))).toBeLessThan(1e-6);
  expect(error(out["dx"], gegluGradient(x, dy, C))).toBeLessThan(1e-6);
});

test("the first half is activated, the second is the gate", () => {
  // GELU(3) = 3 Φ(3), Φ(3) = 0.9986501; GELU(−2) = −2 Φ(−2), Φ(−2) = 0.0227501.
  const y = geglu(Float64Array.of(3, -2), 1);
  expect(y[0]).toBeCloseTo(3 * 0.9986501 * -2, 6);
  expect(geglu(Float64Array.of(-2, 3), 1)[0]).toBeCloseTo(-2 * 0.0227501 * 3, 6);
});

test("the reference's gradient is its derivative", () => {
  const [x, dy] = [normals(18, "x", 2), normals(9, "dy")];
  const numeric = differences((v) => geglu(v, 3), x, dy);
  expect(error(numeric, gegluGradient(x, dy, 3))).toBeLessThan(1e-8);
});
