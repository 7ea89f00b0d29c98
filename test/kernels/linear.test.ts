import { afterAll, beforeAll, expect, test } from "vitest";
import {
  linearForward,
  linearInput,
  linearWeight,
  weightParts,
  weightScratch,
} from "../../src/kernels/linear/linear.ts";
import { PARTS, sumTokens } from "../../src/kernels/reduce/reduce.ts";
import { at as item, fill, sum } from "../reference/at.ts";
import { gelu, geluDerivative } from "../reference/gelu.ts";
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

const forwards = [
  { scale: 1, adds: false, biased: true, residual: true, activated: false },
  { scale: 1, adds: false, biased: true, residual: false, activated: true },
  { scale: -0.75, adds: true, biased: true, residual: true, activated: true },
  { scale: 0.5, adds: true, biased: false, residual: false, activated: false },
];

/** Of the given element where `used`, else 0. */
const term = (used: boolean, values: Float64Array, i: number): number => (used ? item(values, i) : 0);

test.each(sizes)("forward at %o", async (size) => {
  const { T, I, O } = size;
  const [x, weight, bias] = [normals(T * I, "x"), normals(O * I, "w"), normals(O, "b")];
  const [residual, before] = [normals(T * O, "r"), normals(T * O, "y")];
  const product = linear(x, weight, new Float64Array(O), size);
  for (const { scale, adds, ...used } of forwards) {
    const out = await bench.run({
      counts: { T },
      inputs: { x, weight, bias, residual, ...(adds && { y: before }) },
      outputs: { ...(!adds && { y: T * O }), activated: T * O },
      dispatches: (at) => [
        linearForward(
          {
            y: at("y"),
            counts: at("counts"),
            x: at("x"),
            weight: at("weight"),
            bias: used.biased ? at("bias") : undefined,
            residual: used.residual ? at("residual") : undefined,
            activated: used.activated ? at("activated") : undefined,
          },
          { I, O, scale, adds },
        ),
      ],
    });
    const truth = product.map(
      (value, i) =>
        scale * value + term(used.biased, bias, i % O) + term(used.residual, residual, i) + term(adds, before, i),
    );
    const name = JSON.stringify({ scale, adds, ...used });
    expect(error(out["y"], truth), name).toBeLessThan(2e-6);
    if (used.activated) expect(error(out["activated"], truth.map(gelu)), name).toBeLessThan(2e-6);
    else expect(out["activated"], name).toEqual(new Float32Array(T * O).fill(NaN));
  }
});

const inputs = [
  { scale: 1, adds: false, activated: false },
  { scale: 1, adds: false, activated: true },
  { scale: -0.75, adds: true, activated: true },
];

test.each(sizes)("the gradient of the input at %o", async (size) => {
  const { T, I, O } = size;
  const [x, weight, dy] = [normals(T * I, "x"), normals(O * I, "w"), normals(T * O, "dy")];
  const [preactivation, before] = [normals(T * I, "p", 2), normals(T * I, "dx")];
  const product = linearGradients(x, weight, dy, size).dx;
  for (const { scale, adds, activated } of inputs) {
    const out = await bench.run({
      counts: { T },
      inputs: { weight, dy, preactivation, ...(adds && { dx: before }) },
      outputs: adds ? {} : { dx: T * I },
      dispatches: (at) => [
        linearInput(
          {
            dx: at("dx"),
            counts: at("counts"),
            weight: at("weight"),
            dy: at("dy"),
            preactivation: activated ? at("preactivation") : undefined,
          },
          { I, O, scale, adds },
        ),
      ],
    });
    const truth = product.map(
      (value, i) => scale * value * (activated ? geluDerivative(item(preactivation, i)) : 1) + term(adds, before, i),
    );
    expect(error(out["dx"], truth), JSON.stringify({ scale, adds, activated })).toBeLessThan(2e-6);
  }
});

test.each([
  ...sizes,
  // Its gradient takes one stage.
  { T: 3, I: 1032, O: 776 },
])("the gradient of the weight at %o", async (size) => {
  const { T, I, O } = size;
  const [x, dy] = [normals(T * I, "x"), normals(T * O, "dy")];
  const before = { dweight: normals(O * I, "dw"), dbias: normals(O, "db") };
  const truth = {
    dweight: fill(O * I, (n) => sum(T, (t) => item(dy, t * O + Math.floor(n / I)) * item(x, t * I + (n % I)))),
    dbias: fill(O, (o) => sum(T, (t) => item(dy, t * O + o))),
  };
  for (const { adds, biased } of [
    { adds: false, biased: true },
    { adds: true, biased: true },
    { adds: false, biased: false },
  ]) {
    const out = await bench.run({
      counts: { T },
      inputs: { x, dy, ...(adds && before) },
      outputs: { ...(!adds && { dweight: O * I, dbias: O }), scratch: weightScratch(size) },
      dispatches: (at) =>
        linearWeight(
          {
            dweight: at("dweight"),
            counts: at("counts"),
            x: at("x"),
            dy: at("dy"),
            scratch: at("scratch"),
            dbias: biased ? at("dbias") : undefined,
          },
          { I, O, adds },
        ),
    });
    const name = JSON.stringify({ adds, biased });
    const dweight = truth.dweight.map((value, i) => value + term(adds, before.dweight, i));
    const dbias = truth.dbias.map((value, i) => value + term(adds, before.dbias, i));
    expect(error(out["dweight"], dweight), name).toBeLessThan(2e-6);
    if (biased) expect(error(out["dbias"], dbias), name).toBeLessThan(2e-6);
    else expect(out["dbias"], name).toEqual(adds ? new Float32Array(before.dbias) : new Float32Array(O).fill(NaN));
  }
});

test("the weight's gradient is summed in parts for small matrices and at once for large ones", () => {
  expect(weightParts({ I: 64, O: 64 })).toBe(32);
  expect(weightParts({ I: 1024, O: 4096 })).toBe(1);
  expect(weightParts({ I: 1032, O: 776 })).toBe(1);
});

test.each([1, 3])("the weight's gradient in at most %s parts is the same sum", async (mostParts) => {
  const size = { T: 37, I: 12, O: 8 };
  const [x, dy] = [normals(37 * 12, "x"), normals(37 * 8, "dy")];
  const out = await bench.run({
    counts: { T: 37 },
    inputs: { x, dy },
    outputs: { dweight: 96, dbias: 8, scratch: weightScratch(size) },
    dispatches: (at) =>
      linearWeight(
        {
          dweight: at("dweight"),
          dbias: at("dbias"),
          counts: at("counts"),
          x: at("x"),
          dy: at("dy"),
          scratch: at("scratch"),
        },
        { I: 12, O: 8, plan: { variant: () => undefined, mostParts } },
      ),
  });
  const truth = linearGradients(x, new Float64Array(96), dy, size);
  expect(error(out["dweight"], truth.dweight)).toBeLessThan(2e-6);
  expect(error(out["dbias"], truth.dbias)).toBeLessThan(2e-6);
  // No more of the scratch was written than the parts need.
  expect(out["scratch"]?.filter((value) => !Number.isNaN(value)).length).toBe(mostParts === 1 ? 0 : 3 * (96 + 8));
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
