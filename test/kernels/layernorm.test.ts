import { afterAll, beforeAll, expect, test } from "vitest";
import { layerNormForward, layerNormInput, layerNormWeight } from "../../src/kernels/layernorm/layernorm.ts";
import { PARTS } from "../../src/kernels/reduce/reduce.ts";
import { layerNorm, layerNormGradients } from "../reference/layernorm.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { T: 1, H: 2 },
  { T: 7, H: 33 },
  { T: 33, H: 7 },
  { T: 65, H: 129 },
])("forward and backward at %o", async ({ T, H }) => {
  const epsilon = 1e-12;
  const x = normals(T * H, "x", 3).map((value) => Math.fround(value + 5));
  const [weight, bias, dy] = [normals(H, "w"), normals(H, "b"), normals(T * H, "dy")];
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, bias, dy },
    outputs: { y: T * H, mean: T, rstd: T, dx: T * H, dweight: H, dbias: H, a: PARTS * H, b: PARTS * H },
    dispatches: (at) => {
      const shared = { counts: at("counts"), x: at("x"), weight: at("weight"), mean: at("mean"), rstd: at("rstd") };
      const gradients = { dweight: at("dweight"), dbias: at("dbias"), scratch: [at("a"), at("b")] } as const;
      return [
        layerNormForward({ ...shared, y: at("y"), bias: at("bias") }, { H, epsilon }),
        layerNormInput({ ...shared, dx: at("dx"), dy: at("dy") }, { H }),
        ...layerNormWeight({ ...shared, ...gradients, dy: at("dy") }, { H }),
      ];
    },
  });
  const truth = layerNorm(x, weight, bias, epsilon);
  const gradients = layerNormGradients(x, weight, dy, epsilon);
  expect(error(out["y"], truth.y)).toBeLessThan(1e-5);
  expect(error(out["mean"], truth.mean)).toBeLessThan(1e-6);
  expect(error(out["rstd"], truth.rstd)).toBeLessThan(1e-5);
  // Two channels leave dx as the rest of numbers that cancel.
  if (H > 2) expect(error(out["dx"], gradients.dx)).toBeLessThan(2e-5);
  expect(error(out["dweight"], gradients.dweight)).toBeLessThan(1e-5);
  expect(error(out["dbias"], gradients.dbias)).toBeLessThan(1e-6);
});

test.each([
  { T: 1, H: 7 },
  { T: 33, H: 65 },
  { T: 129, H: 8 },
])("without a bias at %o", async ({ T, H }) => {
  const epsilon = 1e-5;
  const [x, weight, dy] = [normals(T * H, "x", 3), normals(H, "w"), normals(T * H, "dy")];
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, dy },
    outputs: { y: T * H, mean: T, rstd: T, dx: T * H, dweight: H, a: PARTS * H, b: PARTS * H },
    dispatches: (at) => {
      const shared = { counts: at("counts"), x: at("x"), weight: at("weight"), mean: at("mean"), rstd: at("rstd") };
      const gradients = { dweight: at("dweight"), scratch: [at("a"), at("b")] } as const;
      return [
        layerNormForward({ ...shared, y: at("y") }, { H, epsilon }),
        layerNormInput({ ...shared, dx: at("dx"), dy: at("dy") }, { H }),
        ...layerNormWeight({ ...shared, ...gradients, dy: at("dy") }, { H }),
      ];
    },
  });
  const gradients = layerNormGradients(x, weight, dy, epsilon);
  expect(error(out["y"], layerNorm(x, weight, new Float64Array(H), epsilon).y)).toBeLessThan(1e-5);
  expect(error(out["dx"], gradients.dx)).toBeLessThan(2e-5);
  expect(error(out["dweight"], gradients.dweight)).toBeLessThan(1e-5);
});

test.each([true, false])("gradients are added to what is there, with a bias: %s", async (biased) => {
  const [T, H, epsilon] = [33, 65, 1e-5];
  const [x, weight, dy] = [normals(T * H, "x", 3), normals(H, "w"), normals(T * H, "dy")];
  const there = { dx: normals(T * H, "dx"), dweight: normals(H, "dw"), dbias: normals(H, "db") };
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, dy, ...there },
    outputs: { y: T * H, mean: T, rstd: T, a: PARTS * H, b: PARTS * H },
    dispatches: (at) => {
      const shared = { counts: at("counts"), x: at("x"), weight: at("weight"), mean: at("mean"), rstd: at("rstd") };
      const gradients = {
        dweight: at("dweight"),
        scratch: [at("a"), at("b")],
        ...(biased && { dbias: at("dbias") }),
      } as const;
      return [
        layerNormForward({ ...shared, y: at("y") }, { H, epsilon }),
        layerNormInput({ ...shared, dx: at("dx"), dy: at("dy") }, { H, adds: true }),
        ...layerNormWeight({ ...shared, ...gradients, dy: at("dy") }, { H, adds: true }),
      ];
    },
  });
  const truth = layerNormGradients(x, weight, dy, epsilon);
  const sum = (before: Float64Array, by: Float64Array) => before.map((value, i) => value + (by[i] ?? NaN));
  expect(error(out["dx"], sum(there.dx, truth.dx))).toBeLessThan(2e-5);
  expect(error(out["dweight"], sum(there.dweight, truth.dweight))).toBeLessThan(1e-5);
  expect(error(out["dbias"], biased ? sum(there.dbias, truth.dbias) : there.dbias)).toBeLessThan(1e-6);
});

test("the reference's gradients are its derivatives", () => {
  const [x, weight, bias, dy] = [normals(15, "x"), normals(5, "w"), normals(5, "b"), normals(15, "dy")];
  const truth = layerNormGradients(x, weight, dy, 1e-3);
  expect(
    error(
      differences((v) => layerNorm(v, weight, bias, 1e-3).y, x, dy),
      truth.dx,
    ),
  ).toBeLessThan(1e-7);
  expect(
    error(
      differences((v) => layerNorm(x, v, bias, 1e-3).y, weight, dy),
      truth.dweight,
    ),
  ).toBeLessThan(1e-7);
  expect(
    error(
      differences((v) => layerNorm(x, weight, v, 1e-3).y, bias, dy),
      truth.dbias,
    ),
  ).toBeLessThan(1e-7);
});
