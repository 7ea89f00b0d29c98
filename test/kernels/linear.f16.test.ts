/**
 * Products in f16 against float64. With u = 2⁻¹¹, the unit roundoff of f16, a product of two rounded numbers is off by 3u, a sum of
 * four of them by 3u more: 6u of the sum of the products' sizes; one more covers the second order and the sums in f32. What is
 * below 2⁻¹⁴ after a block's largest was brought to 16 or more may be flushed, by a device that does: 2⁻¹⁸ of that largest, for each
 * operand.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linearForward, linearInput, linearWeight, weightScratch } from "../../src/kernels/linear/linear.ts";
import { DEFAULT_HALF, softwarePlan, variantsOn, type Variant } from "../../src/kernels/linear/variants.ts";
import { at as item, fill } from "../reference/at.ts";
import { gelu, geluDerivative } from "../reference/gelu.ts";
import { linear, linearGradients, type Size } from "../reference/linear.ts";
import { hasHalf } from "../support/device.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";

const half = await hasHalf();
const u = 2 ** -11;

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

interface Product {
  readonly left: Float64Array;
  readonly right: Float64Array;
  /** Products in a sum. */
  readonly terms: number;
  /** The product of `left` and `right`, and the same of their sizes. */
  readonly of: (left: Float64Array, right: Float64Array) => Float64Array;
}

/** By how much a product in f16 may be off. */
function bound({ left, right, terms, of }: Product): Float64Array {
  const flushed = terms * 2 ** -17 * largest(left) * largest(right);
  return of(left.map(Math.abs), right.map(Math.abs)).map((sizes) => 7 * u * sizes + flushed);
}

/** The largest error in units of what is allowed; NaN counts as infinite. */
function excess(actual: Float32Array | undefined, truth: Float64Array, allowed: Float64Array): number {
  if (actual?.length !== truth.length) return Infinity;
  return truth.reduce((most, value, i) => {
    const off = Math.abs(item(actual, i) - value) / (item(allowed, i) + 1e-6 * Math.abs(value));
    return Number.isNaN(off) ? Infinity : Math.max(most, off);
  }, 0);
}

/** How far all of it is off, over how long it is. */
function distance(actual: Float32Array | undefined, truth: Float64Array): number {
  const squares = (of: (i: number) => number) => truth.reduce((total, _, i) => total + of(i) ** 2, 0);
  return Math.sqrt(squares((i) => (actual?.[i] ?? NaN) - item(truth, i)) / squares((i) => item(truth, i)));
}

const plan = (variant?: Variant) => ({ variant: () => variant, half: true });

interface Given extends Size {
  readonly variant?: Variant;
  /** Of x and of dy. */
  readonly scales?: readonly [x: number, dy: number];
}

/** What goes in, and all three products with what stands beside them. */
async function products({ variant, scales = [1, 1], ...size }: Given) {
  const { T, I, O } = size;
  const [x, weight, bias] = [normals(T * I, "x", scales[0]), normals(O * I, "w", 0.05), normals(O, "b")];
  const [dy, residual] = [normals(T * O, "dy", scales[1]), normals(T * O, "r")];
  const preactivation = normals(T * I, "p");
  const out = await bench.run({
    counts: { T },
    inputs: { x, weight, bias, dy, residual, preactivation },
    outputs: {
      plain: T * O,
      y: T * O,
      activated: T * O,
      dx: T * I,
      dweight: O * I,
      dbias: O,
      scratch: weightScratch(size),
    },
    dispatches: (at) => {
      const shared = { counts: at("counts"), weight: at("weight"), x: at("x"), dy: at("dy"), scratch: at("scratch") };
      const options = { I, O, scale: 0.5, plan: plan(variant) };
      const epilogue = { bias: at("bias"), residual: at("residual"), activated: at("activated") };
      return [
        linearForward({ ...shared, y: at("plain") }, options),
        linearForward({ ...shared, y: at("y"), ...epilogue }, options),
        linearInput({ ...shared, dx: at("dx"), preactivation: at("preactivation") }, options),
        ...linearWeight({ ...shared, dweight: at("dweight"), dbias: at("dbias") }, options),
      ];
    },
  });
  return { x, weight, bias, dy, residual, preactivation, out };
}

const sizes: readonly Size[] = [
  { T: 1, I: 4, O: 4 },
  { T: 7, I: 8, O: 36 },
  { T: 33, I: 12, O: 68 },
  { T: 129, I: 132, O: 20 },
];

const names = ["plain", "y", "activated", "dx", "dweight", "dbias"] as const;

describe.skipIf(!half)("products in f16 (skipped where the adapter has no shader-f16)", () => {
  test.each<Given>([
    ...sizes,
    { T: 33, I: 12, O: 68, variant: "f16 4×4, 32×32" },
    { T: 33, I: 12, O: 68, variant: "f16 quads, 32×64" },
    { T: 33, I: 12, O: 68, variant: "f16 staged, 64×64" },
    // Far beyond f16's range to either side, which ends at 65504 and 6e-8.
    { T: 33, I: 20, O: 24, scales: [1e6, 1e-7] },
    { T: 33, I: 20, O: 24, scales: [1e12, 1e-30] },
    { T: 33, I: 20, O: 24, scales: [1e-20, 1e10] },
  ])(
    "are as near as f16 allows at %o",
    async (given) => {
      const { T, I, O } = given;
      const { x, weight, bias, dy, residual, preactivation, out } = await products(given);
      const none = new Float64Array(O);
      const forward = {
        left: x,
        right: weight,
        terms: I,
        of: (l: Float64Array, r: Float64Array) => linear(l, r, none, given),
      };
      const plain = forward.of(x, weight).map((v) => 0.5 * v);
      expect(
        excess(
          out["plain"],
          plain,
          bound(forward).map((v) => 0.5 * v),
        ),
      ).toBeLessThan(1);
      const y = forward.of(x, weight).map((v, i) => 0.5 * v + item(bias, i % O) + item(residual, i));
      const yBound = bound(forward).map((v) => 0.5 * v + 1e-5);
      expect(excess(out["y"], y, yBound)).toBeLessThan(1);
      // GELU's slope is at most 1.13.
      expect(
        excess(
          out["activated"],
          y.map(gelu),
          yBound.map((v) => 1.13 * v),
        ),
      ).toBeLessThan(1);

      const input = {
        left: dy,
        right: weight,
        terms: O,
        of: (l: Float64Array, r: Float64Array) => linearGradients(x, r, l, given).dx,
      };
      const slope = preactivation.map(geluDerivative);
      const dx = input.of(dy, weight).map((v, i) => 0.5 * v * item(slope, i));
      const dxBound = bound(input).map((v, i) => 0.5 * v * Math.abs(item(slope, i)));
      expect(excess(out["dx"], dx, dxBound)).toBeLessThan(1);

      const matrix = {
        left: dy,
        right: x,
        terms: T,
        of: (l: Float64Array, r: Float64Array) => linearGradients(r, weight, l, given).dweight,
      };
      const dweight = matrix.of(dy, x);
      expect(excess(out["dweight"], dweight, bound(matrix))).toBeLessThan(1);
      expect(error(out["dbias"], linearGradients(x, weight, dy, given).dbias)).toBeLessThan(2e-6);

      // Of many numbers the roundings cancel: the whole is nearer than each, but not as near as f32 would be.
      if (T < 33) return;
      for (const [actual, truth] of [
        [out["dx"], dx],
        [out["dweight"], dweight],
      ] as const) {
        expect(distance(actual, truth)).toBeLessThan(2 * u);
        expect(distance(actual, truth)).toBeGreaterThan(u / 16);
      }
    },
    120_000,
  );

  test("have equal bits in every form, and again", async () => {
    // Neither the tiles nor the slabs fit; shares of tokens are longer than a slab, and no multiple of four.
    const size = { T: 570, I: 68, O: 72 };
    const { out: truth } = await products(size);
    const subgroups = bench.gpu.device.features.has("subgroups");
    for (const variant of variantsOn({ subgroups, half: true })) {
      const { out } = await products({ ...size, variant });
      for (const name of names) {
        const [expected, actual] = [truth[name] ?? [], out[name]];
        expect([...expected].filter((value, i) => value !== actual?.[i]).length, `${variant}: ${name}`).toBe(0);
      }
    }
  }, 240_000);

  test("add to what is there, in as many parts as there are", async () => {
    const size = { T: 37, I: 12, O: 8 };
    const [x, dy] = [normals(37 * 12, "x"), normals(37 * 8, "dy")];
    const [dweight, dx, weight] = [normals(96, "dw"), normals(37 * 12, "dx"), normals(96, "w")];
    const truth = linearGradients(x, weight, dy, size);
    for (const mostParts of [1, 3]) {
      const out = await bench.run({
        counts: { T: 37 },
        inputs: { x, dy, dweight, dx, weight },
        outputs: { scratch: weightScratch(size) },
        dispatches: (at) => {
          const shared = { counts: at("counts"), dy: at("dy"), scratch: at("scratch") };
          const options = { I: 12, O: 8, adds: true, plan: { ...plan(), mostParts } };
          return [
            linearInput({ ...shared, dx: at("dx"), weight: at("weight") }, options),
            ...linearWeight({ ...shared, dweight: at("dweight"), x: at("x") }, options),
          ];
        },
      });
      expect(
        distance(
          out["dweight"],
          truth.dweight.map((v, i) => v + item(dweight, i)),
        ),
      ).toBeLessThan(2 * u);
      expect(
        distance(
          out["dx"],
          truth.dx.map((v, i) => v + item(dx, i)),
        ),
      ).toBeLessThan(2 * u);
    }
  });

  test("what is not finite stays so", async () => {
    const size = { T: 5, I: 8, O: 8 };
    for (const wrong of [Infinity, NaN]) {
      const [x, weight] = [normals(40, "x"), normals(64, "w")];
      const dy = normals(40, "dy");
      dy[2 * 8 + 3] = wrong;
      const out = await bench.run({
        counts: { T: 5 },
        inputs: { x, weight, dy },
        outputs: { dx: 40, dweight: 64, scratch: weightScratch(size) },
        dispatches: (at) => {
          const shared = { counts: at("counts"), dy: at("dy"), scratch: at("scratch") };
          return [
            linearInput({ ...shared, dx: at("dx"), weight: at("weight") }, { I: 8, O: 8, plan: plan() }),
            ...linearWeight({ ...shared, dweight: at("dweight"), x: at("x") }, { I: 8, O: 8, plan: plan() }),
          ];
        },
      });
      for (let i = 0; i < 8; i++) {
        expect(Number.isFinite(out["dx"]?.[2 * 8 + i])).toBe(false);
        expect(Number.isFinite(out["dweight"]?.[3 * 8 + i])).toBe(false);
      }
    }
  });

  test("a size that is no multiple of four is computed in f32", async () => {
    const [x, weight] = [normals(3 * 6, "x"), normals(5 * 6, "w")];
    const out = await bench.run({
      counts: { T: 3 },
      inputs: { x, weight },
      outputs: { y: 15 },
      dispatches: (at) => [
        linearForward(
          { y: at("y"), counts: at("counts"), x: at("x"), weight: at("weight") },
          { I: 6, O: 5, plan: softwarePlan({ subgroups: false, half: true }) },
        ),
      ],
    });
    expect(
      error(
        out["y"],
        linear(
          x,
          weight,
          fill(5, () => 0),
          { T: 3, I: 6, O: 5 },
        ),
      ),
    ).toBeLessThan(2e-6);
  });
});

test("the default in f16 is one of its forms", () =>
  expect(variantsOn({ subgroups: false, half: true })).toContain(DEFAULT_HALF));
