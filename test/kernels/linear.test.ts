import { afterAll, beforeAll, expect, test } from "vitest";
import { linearBackward, linearForward, weightParts, weightScratch } from "../../src/kernels/linear/linear.ts";
import { PARTS, sumTokens } from "../../src/kernels/reduce/reduce.ts";
import { at as item, fill, sum } from "../reference/at.ts";
import { linear, linearGradients } from "../reference/linear.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const sizes = [
  { T: 1, I: 1, O: 1 },
  { T: 7, I: 33, O: 65 },
  { T: 33, I: 7, O: 1 },
  { T: 65, I: 12, O: 129 },
  { T: 129, I: 65, O: 7 },
  // Multiples of four: other kernels.
  { T: 1, I: 4, O: 4 },
  { T: 33, I: 12, O: 68 },
  { T: 129, I: 132, O: 20 },
];

test.each(sizes)("forward and backward at %o", async (size) => {
  const { T, I, O } = size;
  const [x, weight, bias, dy] = [normals(T * I, "x"), normals(O * I, "w"), normals(O, "b"), normals(T * O, "dy")];
  const scratch = Math.max(weightScratch(size), PARTS * O);
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, bias, dy },
    outputs: { y: T * O, dx: T * I, dweight: O * I, dbias: O, scratch },
    dispatches: (at) => {
      const shared = { counts: at("counts"), x: at("x"), weight: at("weight"), scratch: at("scratch") };
      const gradients = { dx: at("dx"), dweight: at("dweight"), dbias: at("dbias"), dy: at("dy") };
      return [
        linearForward({ ...shared, y: at("y"), bias: at("bias") }, size),
        ...linearBackward({ ...shared, ...gradients }, size),
      ];
    },
  });
  const truth = linearGradients(x, weight, dy, size);
  expect(error(out["y"], linear(x, weight, bias, size))).toBeLessThan(2e-6);
  expect(error(out["dx"], truth.dx)).toBeLessThan(2e-6);
  expect(error(out["dweight"], truth.dweight)).toBeLessThan(2e-6);
  expect(error(out["dbias"], truth.dbias)).toBeLessThan(2e-6);
});

test.each([
  { T: 33, I: 7, O: 65 },
  { T: 33, I: 12, O: 68 },
])("without a bias at %o", async (size) => {
  const { T, I, O } = size;
  const [x, weight, dy] = [normals(T * I, "x"), normals(O * I, "w"), normals(T * O, "dy")];
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, dy },
    outputs: { y: T * O, dx: T * I, dweight: O * I, scratch: weightScratch(size) },
    dispatches: (at) => {
      const shared = { counts: at("counts"), x: at("x"), weight: at("weight"), scratch: at("scratch") };
      return [
        linearForward({ ...shared, y: at("y") }, size),
        ...linearBackward({ ...shared, dx: at("dx"), dweight: at("dweight"), dy: at("dy") }, size),
      ];
    },
  });
  const truth = linearGradients(x, weight, dy, size);
  expect(error(out["y"], linear(x, weight, new Float64Array(O), size))).toBeLessThan(2e-6);
  expect(error(out["dx"], truth.dx)).toBeLessThan(2e-6);
  expect(error(out["dweight"], truth.dweight)).toBeLessThan(2e-6);
});

test("the weight's gradient is summed in parts for small matrices and at once for large ones", () => {
  expect(weightParts({ I: 64, O: 64 })).toBe(32);
  expect(weightParts({ I: 1024, O: 4096 })).toBe(1);
});

test("a weight so large that its gradient takes one stage", async () => {
  const size = { T: 3, I: 1032, O: 776 };
  expect(weightParts(size)).toBe(1);
  const [x, weight, dy] = [normals(3 * 1032, "x"), normals(4, "w"), normals(3 * 776, "dy")];
  const out = await bench.run({
    counts: { T: 3 },
    inputs: { x, weight, dy },
    outputs: { dx: 3 * 1032, dweight: 776 * 1032, dbias: 776, scratch: PARTS * 776 },
    dispatches: (at) =>
      linearBackward(
        {
          dx: at("dx"),
          dweight: at("dweight"),
          dbias: at("dbias"),
          counts: at("counts"),
          x: at("x"),
          weight: at("weight"),
          dy: at("dy"),
          scratch: at("scratch"),
        },
        size,
      ).filter(({ kernel }) => !kernel.name.startsWith("linear/backward.input")),
  });
  const truth = fill(776 * 1032, (n) =>
    sum(3, (t) => item(dy, t * 776 + Math.floor(n / 1032)) * item(x, t * 1032 + (n % 1032))),
  );
  expect(error(out["dweight"], truth)).toBeLessThan(2e-6);
});

test("the reference's gradients are its derivatives", () => {
  const size = { T: 3, I: 4, O: 2 };
  const [x, weight, bias, dy] = [normals(12, "x"), normals(8, "w"), normals(2, "b"), normals(6, "dy")];
  const truth = linearGradients(x, weight, dy, size);
  expect(
    error(
      differences((v) => linear(v, weight, bias, size), x, dy),
      truth.dx,
    ),
  ).toBeLessThan(1e-8);
  expect(
    error(
      differences((v) => linear(x, v, bias, size), weight, dy),
      truth.dweight,
    ),
  ).toBeLessThan(1e-8);
  expect(
    error(
      differences((v) => linear(x, weight, v, size), bias, dy),
      truth.dbias,
    ),
  ).toBeLessThan(1e-8);
});

test.each([
  { T: 1, C: 1 },
  { T: 31, C: 65 },
  { T: 129, C: 7 },
])("sum over tokens at %o", async ({ T, C }) => {
  const x = normals(T * C, "x");
  const out = await bench.run({
    counts: { T },
    inputs: { x },
    outputs: { y: C, scratch: PARTS * C },
    dispatches: (at) => sumTokens({ y: at("y"), counts: at("counts"), x: at("x"), scratch: at("scratch") }, { C }),
  });
  expect(
    error(
      out["y"],
      fill(C, (c) => sum(T, (t) => item(x, t * C + c))),
    ),
  ).toBeLessThan(2e-6);
});
