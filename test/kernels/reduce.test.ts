/** Sums that are added to what is there. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { distanceBackward } from "../../src/kernels/distance/distance.ts";
import { PARTS, sumTokens } from "../../src/kernels/reduce/reduce.ts";
import { at as item, fill, sum } from "../reference/at.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test("a sum over tokens", async () => {
  const [T, C] = [33, 65];
  const [x, y] = [normals(T * C, "x"), normals(C, "there")];
  const out = await bench.run({
    counts: { T },
    inputs: { x, y },
    outputs: { scratch: PARTS * C },
    dispatches: (at) =>
      sumTokens({ y: at("y"), counts: at("counts"), x: at("x"), scratch: at("scratch") }, { C, adds: true }),
  });
  const truth = fill(C, (c) => item(y, c) + sum(T, (t) => item(x, t * C + c)));
  expect(error(out["y"], truth)).toBeLessThan(2e-6);
});

test.each([false, true])("a table's gradient over blocks, added: %s", async (adds) => {
  const [blocks, N, buckets] = [5, 3, 7];
  const C = N * buckets;
  const [partial, dtable] = [normals(blocks * C, "partial"), normals(C, "there")];
  const out = await bench.run({
    counts: { blocks },
    inputs: { partial, dtable },
    outputs: {},
    dispatches: (at) => [
      distanceBackward(
        { dtable: at("dtable"), counts: at("counts"), partial: at("partial") },
        { N, buckets, ...(adds && { adds }) },
      ),
    ],
  });
  const truth = fill(C, (c) => (adds ? item(dtable, c) : 0) + sum(blocks, (block) => item(partial, block * C + c)));
  expect(error(out["dtable"], truth)).toBeLessThan(1e-6);
});
