/** Products of matrices in the heap against the float64 reference of a linear layer, whose three forms they are. */
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { hasRelaxed } from "../../src/base/wasm.ts";
import type { Matrix } from "../../src/encoder/cpu/heap.ts";
import { multiply } from "../../src/encoder/cpu/product.ts";
import { linear, linearGradients } from "../reference/linear.ts";
import { empty, newHeap, paddingOf, put, putVector, read } from "../support/heap.ts";
import { error, normals } from "../support/kernels.ts";

/** Tokens, inputs, outputs: one of each, less and more than a tile, a panel, a block of rows, a block of products. */
const sizes = [
  [1, 1, 1],
  [3, 5, 7],
  [4, 8, 8],
  [7, 12, 13],
  [33, 130, 9],
  [131, 6, 20],
  [5, 391, 17],
  [390, 17, 10],
  [2, 800, 3],
] as const;

/** The same numbers without padding, between numbers that are none, as a slice of a wider matrix has them. */
function slice(matrix: Matrix): Matrix {
  const wide = { ...matrix, at: matrix.at + 4 };
  return { ...wide, columns: matrix.columns - 2, padded: false };
}
const framed = (values: Float64Array, columns: number): Float64Array =>
  Float64Array.from({ length: (values.length / columns) * (columns + 2) }, (_, i) => {
    const [row, column] = [Math.floor(i / (columns + 2)), (i % (columns + 2)) - 1];
    return column < 0 || column >= columns ? NaN : (values[row * columns + column] ?? NaN);
  });

// Node 20 has them behind this flag, later ones have no such flag any more.
setFlagsFromString("--experimental-wasm-relaxed-simd");

const kernels = [false, true].filter((fused) => !fused || hasRelaxed());
const cases = kernels.flatMap((fused) => sizes.map((size) => [...size, fused] as const));

test.each(cases)("of %i tokens, %i inputs and %i outputs, there and back, fused: %s", (T, I, O, fused) => {
  const heap = newHeap(fused);
  const x = normals(T * I, "x");
  const weight = normals(O * I, "weight");
  const bias = normals(O, "bias");
  const dy = normals(T * O, "dy");
  const [xs, ws, dys] = [put(heap, I, x), slice(put(heap, I + 2, framed(weight, I))), put(heap, O, dy)];
  const tolerance = 1e-6 * Math.sqrt(Math.max(T, I, O));

  const y = empty(heap, T, O);
  multiply(heap, { a: { matrix: xs }, b: { matrix: ws, transposed: true }, c: y, from: putVector(heap, bias) });
  expect(error(read(heap, y), linear(x, weight, bias, { T, I, O }))).toBeLessThan(tolerance);
  expect(paddingOf(heap, y).filter((value) => value !== 0)).toEqual([]);

  const truth = linearGradients(x, weight, dy, { T, I, O });
  const dx = empty(heap, T, I);
  multiply(heap, { a: { matrix: dys }, b: { matrix: ws }, c: dx });
  expect(error(read(heap, dx), truth.dx)).toBeLessThan(tolerance);
  expect(paddingOf(heap, dx).filter((value) => value !== 0)).toEqual([]);
  multiply(heap, { a: { matrix: dys }, b: { matrix: ws }, c: dx, from: "c" });
  const twice = truth.dx.map((value) => 2 * value);
  expect(error(read(heap, dx), twice)).toBeLessThan(tolerance);

  const other = put(heap, I, twice, 0);
  multiply(heap, { a: { matrix: dys }, b: { matrix: ws }, c: dx, from: other });
  expect(
    error(
      read(heap, dx),
      truth.dx.map((value) => 3 * value),
    ),
  ).toBeLessThan(tolerance);

  const around = put(heap, I + 2, framed(new Float64Array(O * I), I));
  const dw = slice(around);
  multiply(heap, { a: { matrix: dys, transposed: true }, b: { matrix: xs }, c: dw });
  expect(error(read(heap, dw), truth.dweight)).toBeLessThan(tolerance);
  multiply(heap, { a: { matrix: dys, transposed: true }, b: { matrix: xs }, c: dw, from: "c" });
  expect(
    error(
      read(heap, dw),
      truth.dweight.map((value) => 2 * value),
    ),
  ).toBeLessThan(tolerance);
  // Nothing beside the slice was written.
  expect(read(heap, around).filter(Number.isNaN)).toHaveLength(2 * O);
});

test("a product is rounded before it is added, but where it is fused", () => {
  // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴, of which a float holds no 2⁻²⁴.
  const results = kernels.map((fused) => {
    const heap = newHeap(fused);
    const x = put(heap, 1, Float64Array.of(1 + 2 ** -12));
    const c = put(heap, 1, Float64Array.of(-1));
    multiply(heap, { a: { matrix: x }, b: { matrix: x }, c, from: "c" });
    return read(heap, c)[0];
  });
  expect(results[0]).toBe(2 ** -11);
  // A machine without such an instruction rounds twice.
  for (const result of results) expect([2 ** -11, 2 ** -11 + 2 ** -24]).toContain(result);
});

test("a matrix's sizes must fit, and what has no padding starts from nothing or itself", () => {
  const heap = newHeap();
  const [two, three] = [put(heap, 2, new Float64Array(4)), put(heap, 3, new Float64Array(6))];
  expect(() => multiply(heap, { a: { matrix: three }, b: { matrix: two }, c: two })).toThrow("sizes");
  const c = { ...three, padded: false };
  expect(() => multiply(heap, { a: { matrix: two }, b: { matrix: three }, c, from: three })).toThrow("padded");
});
