import { afterAll, beforeAll, expect, test } from "vitest";
import { dropHash, dropThreshold } from "../../src/encoder/dropout.ts";
import { dropoutBackward, dropoutForward } from "../../src/kernels/dropout/dropout.ts";
import { kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

interface Case {
  readonly T: number;
  readonly C: number;
  readonly rate: number;
  readonly site: number;
  readonly seed: number;
  readonly firstToken: number;
}

/** What is left of x, times the scale as float32 rounds it: the same bits as the kernel's. */
function dropped(x: Float64Array, { C, rate, site, seed, firstToken }: Case): Float32Array {
  const scale = Math.fround(1 / (1 - rate));
  return Float32Array.from(x, (value, i) => {
    const hash = dropHash({ seed, site, row: firstToken + Math.floor(i / C), column: i % C });
    return hash < dropThreshold(rate) ? 0 : Math.fround(value * scale);
  });
}

const run = ({ T, C, rate, site, seed, firstToken }: Case) => {
  const size = { C, rate, threshold: dropThreshold(rate), site };
  const x = normals(T * C, "x");
  return bench.run({
    counts: { T, seed, firstToken },
    inputs: { y: x, added: x, residual: normals(T * C, "residual"), dy: x },
    outputs: { dx: T * C + 3 },
    dispatches: (at) => [
      dropoutForward({ y: at("y"), counts: at("counts") }, size),
      dropoutForward({ y: at("added"), counts: at("counts"), residual: at("residual") }, size),
      dropoutBackward({ dx: at("dx"), counts: at("counts"), dy: at("dy") }, size),
    ],
  });
};

test.each([
  { T: 1, C: 1, rate: 0.5, site: 0, seed: 0, firstToken: 0 },
  { T: 7, C: 33, rate: 0.1, site: 5, seed: 1, firstToken: 0 },
  { T: 129, C: 65, rate: 0.25, site: 38, seed: 0xdeadbeef, firstToken: 1000 },
  { T: 33, C: 7, rate: 0.999, site: 2, seed: 2 ** 32 - 1, firstToken: 70_000 },
])("drops the numbers that the hash says, to the bit, at %o", async (given) => {
  const { T, C } = given;
  const out = await run(given);
  const truth = dropped(normals(T * C, "x"), given);
  const residual = normals(T * C, "residual");
  expect(out["y"]).toEqual(truth);
  expect(out["dx"]?.subarray(0, T * C)).toEqual(truth);
  expect(out["dx"]?.subarray(T * C).every(Number.isNaN)).toBe(true);
  out["added"]?.forEach((value, i) => {
    expect(Math.abs(value - ((truth[i] ?? NaN) + (residual[i] ?? NaN)))).toBeLessThan(1e-5);
    if (truth[i] === 0) expect(value).toBe(residual[i]);
  });
});

test("drops its share, other numbers at other seeds and sites", async () => {
  const given = { T: 200, C: 100, rate: 0.3, site: 4, seed: 12, firstToken: 0 };
  const zeros = async (over: Partial<Case>) => {
    const { y = new Float32Array() } = await run({ ...given, ...over });
    return Array.from(y, (value) => value === 0);
  };
  const first = await zeros({});
  // Five standard deviations of 20,000 draws.
  const share = (which: readonly boolean[]) => which.filter(Boolean).length / 20_000;
  expect(Math.abs(share(first) - 0.3)).toBeLessThan(0.0163);
  for (const over of [{ seed: 13 }, { site: 5 }, { firstToken: 200 }]) {
    const other = await zeros(over);
    const both = share(first.map((zero, i) => zero && other[i] === true));
    expect(Math.abs(both - 0.09)).toBeLessThan(0.0102);
  }
});
