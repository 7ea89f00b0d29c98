import { afterAll, beforeAll, expect, test } from "vitest";
import { prefixBackward, prefixForward } from "../../src/kernels/prefix/prefix.ts";
import { normalise, normaliseGradient } from "../reference/pooling.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const prefixes = (x: Float64Array, H: number, W: number) => x.filter((_, i) => i % H < W);

test.each([
  { S: 1, H: 1, W: 1 },
  { S: 7, H: 33, W: 5 },
  { S: 3, H: 129, W: 128 },
  { S: 5, H: 65, W: 65 },
])("forward and backward at %o, written and added", async ({ S, H, W }) => {
  const x = normals(S * H, "x");
  // One text whose prefix is all zeros, one whose prefix is nearly so: their norms are clamped.
  if (S > 1) x.fill(0, H, H + W).fill(Math.fround(1e-14), 2 * H, 2 * H + W);
  const dy = normals(S * W, "dy");
  const before = normals(S * H, "dx");
  const out = await bench.run({
    counts: { S },
    inputs: { x, dy, added: before },
    outputs: { y: S * W, norm: S, dx: S * H },
    dispatches: (at) => [
      prefixForward({ y: at("y"), norm: at("norm"), x: at("x") }, { H, W }),
      prefixBackward({ dx: at("dx"), y: at("y"), norm: at("norm"), dy: at("dy") }, { H, W, adds: false }),
      prefixBackward({ dx: at("added"), y: at("y"), norm: at("norm"), dy: at("dy") }, { H, W, adds: true }),
    ],
  });
  const part = prefixes(x, H, W);
  expect(error(out["y"], normalise(part, W))).toBeLessThan(1e-5);
  const gradient = normaliseGradient(part, dy, W);
  const dx = Float64Array.from({ length: S * H }, (_, i) =>
    i % H < W ? (gradient[Math.floor(i / H) * W + (i % H)] ?? NaN) : 0,
  );
  // The gradient of a clamped text is 1e12 times as large: text by text.
  for (let s = 0; s < S; s++) {
    const row = (values: Float32Array | Float64Array | undefined) => values?.slice(s * H, (s + 1) * H);
    const truth = dx.slice(s * H, (s + 1) * H);
    if (H > 1) expect(error(row(out["dx"]), truth), `text ${s}`).toBeLessThan(1e-5);
    const sum = truth.map((value, i) => value + (before[s * H + i] ?? NaN));
    expect(error(row(out["added"]), sum), `text ${s}`).toBeLessThan(1e-5);
  }
});
