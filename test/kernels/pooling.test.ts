import { afterAll, beforeAll, expect, test } from "vitest";
import { normaliseBackward, normaliseForward } from "../../src/kernels/normalise/normalise.ts";
import { poolingBackward, poolingForward } from "../../src/kernels/pooling/pooling.ts";
import { normalise, normaliseGradient, pool, poolGradient } from "../reference/pooling.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { lengths: [1], H: 1, firstOnly: false },
  { lengths: [7, 1, 33], H: 65, firstOnly: false },
  { lengths: [3, 129, 2], H: 33, firstOnly: true },
])("pooling at %o", async ({ lengths, H, firstOnly }) => {
  const cuSeqlens = new Int32Array(lengths.length + 1);
  lengths.forEach((length, s) => (cuSeqlens[s + 1] = (cuSeqlens[s] ?? 0) + length));
  const [T, S] = [cuSeqlens.at(-1) ?? 0, lengths.length];
  const textOf = Int32Array.from(lengths.flatMap((length, s) => Array.from({ length }, () => s)));
  const [x, dpooled] = [normals(T * H, "x"), normals(S * H, "d")];
  const out = await bench.run({
    counts: { T, S },
    inputs: { x, dpooled, cuSeqlens, textOf },
    outputs: { pooled: S * H, dx: T * H },
    dispatches: (at) => [
      poolingForward({ pooled: at("pooled"), cuSeqlens: at("cuSeqlens"), x: at("x") }, { H, firstOnly }),
      poolingBackward(
        {
          dx: at("dx"),
          counts: at("counts"),
          cuSeqlens: at("cuSeqlens"),
          textOf: at("textOf"),
          dpooled: at("dpooled"),
        },
        { H, firstOnly },
      ),
    ],
  });
  expect(error(out["pooled"], pool(x, cuSeqlens, H, firstOnly))).toBeLessThan(1e-6);
  expect(error(out["dx"], poolGradient(dpooled, cuSeqlens, H, firstOnly))).toBeLessThan(1e-6);
});

test.each([
  { S: 1, H: 1 },
  { S: 7, H: 129 },
  { S: 33, H: 65 },
])("normalise at %o", async ({ S, H }) => {
  const [x, dy] = [normals(S * H, "x"), normals(S * H, "dy")];
  const out = await bench.run({
    counts: { S },
    inputs: { x, dy },
    outputs: { y: S * H, norm: S, dx: S * H },
    dispatches: (at) => [
      normaliseForward({ y: at("y"), norm: at("norm"), x: at("x") }, { H }),
      normaliseBackward({ dx: at("dx"), y: at("y"), norm: at("norm"), dy: at("dy") }, { H }),
    ],
  });
  expect(error(out["y"], normalise(x, H))).toBeLessThan(1e-6);
  if (H > 1) expect(error(out["dx"], normaliseGradient(x, dy, H))).toBeLessThan(1e-5);
});

test("a row of zeros stays zero, and its gradient is that of a division by 1e-12", async () => {
  const [x, dy] = [new Float64Array(5), normals(5, "dy")];
  const out = await bench.run({
    counts: { S: 1 },
    inputs: { x, dy },
    outputs: { y: 5, norm: 1, dx: 5 },
    dispatches: (at) => [
      normaliseForward({ y: at("y"), norm: at("norm"), x: at("x") }, { H: 5 }),
      normaliseBackward({ dx: at("dx"), y: at("y"), norm: at("norm"), dy: at("dy") }, { H: 5 }),
    ],
  });
  expect([...(out["y"] ?? [])]).toEqual([0, 0, 0, 0, 0]);
  expect(error(out["dx"], normaliseGradient(x, dy, 5))).toBeLessThan(1e-6);
});

test("the references' gradients are their derivatives", () => {
  const [x, d] = [normals(12, "x"), normals(6, "d")];
  for (const firstOnly of [false, true]) {
    const numeric = differences((v) => pool(v, [0, 1, 4], 3, firstOnly), x, d);
    expect(error(numeric, poolGradient(d, [0, 1, 4], 3, firstOnly))).toBeLessThan(1e-8);
  }
  const dy = normals(12, "dy");
  expect(
    error(
      differences((v) => normalise(v, 4), x, dy),
      normaliseGradient(x, dy, 4),
    ),
  ).toBeLessThan(1e-8);
});
