import { afterAll, beforeAll, expect, test } from "vitest";
import { loraMerge } from "../../src/kernels/lora/lora.ts";
import { at as entry } from "../reference/at.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { O: 1, I: 1, rank: 1 },
  { O: 33, I: 7, rank: 3 },
  { O: 129, I: 65, rank: 8 },
])("adds scale · b · a to a matrix of %o", async ({ O, I, rank }) => {
  const [weight, a, b] = [normals(O * I, "w"), normals(rank * I, "a"), normals(O * rank, "b")];
  const out = await bench.run({
    inputs: { weight, a, b },
    outputs: {},
    dispatches: (at) => [loraMerge({ weight: at("weight"), a: at("a"), b: at("b") }, { O, I, rank, scale: 1.5 })],
  });
  const truth = weight.map((w, k) => {
    const [o, i] = [Math.floor(k / I), k % I];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += entry(b, o * rank + r) * entry(a, r * I + i);
    return w + 1.5 * sum;
  });
  expect(error(out["weight"], truth)).toBeLessThan(1e-6);
});
