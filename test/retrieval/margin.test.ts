/** The margin of products in WGSL against the worst that its specification allows, computed here. */
import { describe, expect, it } from "vitest";
import { random } from "../../src/base/random.ts";
import { float32Margin, wgslMargin } from "../../src/retrieval/margin.ts";

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The float32 numbers on both sides of `x`; twice `x` where it is one. */
function neighbours(x: number): [below: number, above: number] {
  float[0] = x;
  const near = float[0];
  if (near === x) return [x, x];
  // Away from zero is one more, towards it one less.
  bits[0] = (bits[0] ?? 0) + (Math.abs(near) < Math.abs(x) ? 1 : -1);
  return near < x ? [near, float[0]] : [float[0], near];
}

interface Machine {
  /** Rounds a result of float64. */
  readonly round: (x: number) => number;
  /** Numbers below 2⁻¹²⁶ are 0, going in and coming out. */
  readonly flushes: boolean;
}

const flush = (x: number): number => (Math.abs(x) < 2 ** -126 ? 0 : x);

/** A product as a machine may compute it that follows WGSL. */
function wgslProduct(a: Float32Array, b: Float32Array, { round, flushes }: Machine): number {
  const pass = flushes ? flush : (x: number) => x;
  let sum = 0;
  for (const [k, x] of a.entries()) {
    const product = pass(round(pass(x) * pass(b[k] ?? NaN)));
    sum = pass(round(sum + product));
  }
  return sum;
}

const down = (x: number): number => neighbours(x)[0];
const up = (x: number): number => neighbours(x)[1];
const machines: readonly Machine[] = [false, true].flatMap((flushes) => [
  { round: down, flushes },
  { round: up, flushes },
  { round: Math.fround, flushes },
]);
const product = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, k) => sum + x * (b[k] ?? NaN), 0);
const length = (a: Float32Array): number => Math.sqrt(product(a, a));

/** The most that a machine is off, with rounding the score, and the limit to either side. */
function worst(a: Float32Array, b: Float32Array): number {
  const score = Math.fround(product(a, b));
  return Math.max(...machines.map((machine) => Math.abs(wgslProduct(a, b, machine) - score)));
}

describe("the margin of products in WGSL", () => {
  it.each([1, 1e-18, 1e-20, 1e15])("bounds the error, whichever way is rounded, of numbers about %s", (scale) => {
    const source = random(1);
    for (const dimensions of [1, 2, 33, 384]) {
      for (let i = 0; i < 20; i++) {
        // Sums of numbers of one sign lose most.
        const a = Float32Array.from({ length: dimensions }, () => Math.abs(scale * source.normal()));
        const b = Float32Array.from({ length: dimensions }, () => scale * source.normal() + scale);
        expect(worst(a, b)).toBeLessThan(wgslMargin(dimensions, length(a), length(b)));
      }
    }
  });

  it("bounds an error that is beyond that of rounding to the nearest", () => {
    // Every addition rounds 1 + 2⁻⁵⁰ up to the next number.
    const a = Float32Array.from({ length: 400 }, (_, k) => (k === 0 ? 1 : 2 ** -25));
    expect(worst(a, a)).toBeGreaterThan(float32Margin(400, length(a) ** 2));
    expect(worst(a, a)).toBeLessThan(wgslMargin(400, length(a), length(a)));
  });

  it("bounds what is lost where small numbers are taken for 0", () => {
    const tiny = Float32Array.of(2 ** -127, 2 ** -130, -(2 ** -128));
    const large = Float32Array.of(2 ** 100, 2 ** 101, -(2 ** 99));
    expect(worst(tiny, large)).toBeGreaterThan(2 ** -28);
    expect(worst(tiny, large)).toBeLessThan(wgslMargin(3, length(tiny), length(large)));
    expect(worst(tiny, large)).toBeLessThan(wgslMargin(3, length(large), length(tiny)));
    const small = Float32Array.of(2 ** -64, 2 ** -64, 2 ** -64);
    expect(worst(small, small)).toBeGreaterThan(2 ** -127);
    expect(worst(small, small)).toBeLessThan(wgslMargin(3, length(small), length(small)));
  });

  it("is small beside a unit vector's products, and infinite where a product may overflow", () => {
    expect(wgslMargin(384, 1, 1)).toBeGreaterThan(384 * 2 ** -23);
    expect(wgslMargin(384, 1, 1)).toBeLessThan(400 * 2 ** -23);
    expect(wgslMargin(3, 1e30, 1e30)).toBe(Infinity);
    expect(wgslMargin(3, NaN, 1)).toBe(Infinity);
    expect(wgslMargin(3, 1e18, 1e18)).toBeLessThan(1e36);
  });
});
