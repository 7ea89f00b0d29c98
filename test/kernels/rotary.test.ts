import { afterAll, beforeAll, expect, test } from "vitest";
import { anglesOf, growingAngles, isGlobal } from "../../src/encoder/rotary.ts";
import { turn } from "../../src/kernels/rotary/rotary.ts";
import { at as item, fill, sum } from "../reference/at.ts";
import { turned } from "../reference/rotary.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { T: 1, N: 1, D: 2, theta: 10_000, longest: 1 },
  { T: 7, N: 3, D: 6, theta: 10_000, longest: 4 },
  { T: 129, N: 2, D: 64, theta: 160_000, longest: 129 },
  // As far out as a text of ModernBERT reaches.
  { T: 33, N: 1, D: 10, theta: 160_000, longest: 8192 },
])("queries and keys turn, there and back, at %o", async ({ T, N, D, theta, longest }) => {
  const H = N * D;
  const places = Int32Array.from({ length: T }, (_, t) => (longest - 1 - t * 3 + longest * 400) % longest);
  const [forth, back] = [normals(T * 3 * H, "forth"), normals(T * 3 * H, "back")];
  const out = await bench.run({
    counts: { T },
    inputs: { forth, back, places, angles: anglesOf(longest, D, theta) },
    outputs: {},
    dispatches: (at) => {
      const shared = { counts: at("counts"), places: at("places"), angles: at("angles") };
      return [
        turn({ ...shared, qkv: at("forth") }, { H, N, back: false }),
        turn({ ...shared, qkv: at("back") }, { H, N, back: true }),
      ];
    },
  });
  const size = { H, N, places, theta };
  expect(error(out["forth"], turned(forth, size))).toBeLessThan(1e-6);
  expect(error(out["back"], turned(back, size, -1))).toBeLessThan(1e-6);
  // Values stay as they are.
  forth.forEach((value, i) => {
    if (i % (3 * H) >= 2 * H) expect(out["forth"]?.[i]).toBe(value);
  });
});

test("nothing behind the last token is turned", async () => {
  const qkv = normals(3 * 6 * 4, "qkv");
  const out = await bench.run({
    counts: { T: 2 },
    inputs: { qkv, places: Int32Array.of(1, 2, 3, 3), angles: anglesOf(4, 6, 100) },
    outputs: {},
    dispatches: (at) => [
      turn(
        { counts: at("counts"), places: at("places"), angles: at("angles"), qkv: at("qkv") },
        { H: 6, N: 1, back: false },
      ),
    ],
  });
  expect(out["qkv"]?.subarray(36)).toEqual(Float32Array.from(qkv.subarray(36)));
  expect(out["qkv"]?.subarray(0, 12)).not.toEqual(Float32Array.from(qkv.subarray(0, 12)));
});

test("the product of a turned query and key knows only how far they are apart", () => {
  const [H, theta] = [8, 1000];
  const [q, k] = [normals(H, "q"), normals(H, "k")];
  const product = (ofQ: number, ofK: number) => {
    const qkv = Float64Array.from([...q, ...q.map(() => 0), ...q, ...q.map(() => 0), ...k, ...k]);
    const both = turned(qkv, { H, N: 2, places: [ofQ, ofK], theta });
    return sum(H, (c) => item(both, c) * item(both, 4 * H + c));
  };
  expect(product(7, 3)).toBeCloseTo(product(104, 100), 10);
  expect(product(7, 3)).not.toBeCloseTo(product(7, 4), 3);
});

test("the reference's way back is its derivative", () => {
  const size = { H: 4, N: 2, places: [3, 0, 11], theta: 50 };
  const [qkv, d] = [normals(36, "qkv"), normals(36, "d")];
  const numeric = differences((v) => turned(v, size), qkv, d);
  expect(error(numeric, turned(d, size, -1))).toBeLessThan(1e-8);
});

test("angles: cosines, then sines, of place · θ^(−2c/D)", () => {
  const angles = anglesOf(3, 4, 100);
  const truth = [1, 1, 0, 0, Math.cos(1), Math.cos(0.1), Math.sin(1), Math.sin(0.1)];
  const last = [Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)];
  expect(error(angles, Float64Array.from([...truth, ...last]))).toBeLessThan(1e-7);
});

test("angles are made again only for longer texts", () => {
  const angles = growingAngles(4, 100);
  const first = angles(5);
  expect(angles(3)).toBe(first);
  expect(angles(6)).toHaveLength(24);
  expect(angles(6).subarray(0, 20)).toEqual(first);
});

test("every n-th layer sees the whole text, from the first on", () => {
  const layers = fill(7, (i) => Number(isGlobal({ globalEvery: 3 }, i)));
  expect([...layers]).toEqual([1, 0, 0, 1, 0, 0, 1]);
  expect(isGlobal({ globalEvery: 1 }, 5)).toBe(true);
});
