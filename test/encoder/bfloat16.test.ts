import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keptMoment, roundedBy } from "../../src/encoder/bfloat16.ts";

const CHANCES = 2 ** 16;
/** The largest finite bfloat16: (2 − 2⁻⁷) · 2¹²⁷. */
const LARGEST = (2 - 2 ** -7) * 2 ** 127;
const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const chance = fc.integer({ min: 0, max: CHANCES - 1 });

/** Sign, exponent and the seven highest bits of the fraction. */
const isBfloat16 = (value: number): boolean => {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? NaN;
  return Math.fround(value) === value && bits % CHANCES === 0;
};

describe("a rounded number", () => {
  test("is a neighbour that is a bfloat16, of the same sign and never infinite", () => {
    fc.assert(
      fc.property(finite, chance, (value, by) => {
        const rounded = roundedBy(by, value);
        expect(isBfloat16(rounded)).toBe(true);
        expect(Math.abs(rounded)).toBeLessThanOrEqual(LARGEST);
        expect(rounded === 0 || Math.sign(rounded) === Math.sign(value)).toBe(true);
        // 2⁻⁷ of itself is the distance of two neighbours at most, and 2⁻¹³³ that of the smallest.
        const reach = Math.max(Math.abs(value) * 2 ** -7, 2 ** -133);
        if (Math.abs(value) <= LARGEST) expect(Math.abs(rounded - value)).toBeLessThan(reach);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  test.each([0, 1, -2.5, 2 ** -126, -(2 ** -133), 1.9921875, LARGEST, -LARGEST])("is %f where that is one", (value) => {
    for (const by of [0, 1, 40_000, CHANCES - 1]) expect(roundedBy(by, value)).toBe(value);
  });

  test("goes up and down as often as brings it right on average, over all chances there are", () => {
    for (const value of [1.003, -1.003, 3.1459, 1e-20, -7.77e30, 2 ** -130].map(Math.fround)) {
      let sum = 0;
      for (let by = 0; by < CHANCES; by++) sum += roundedBy(by, value) / value;
      expect(sum / CHANCES).toBeCloseTo(1, 9);
    }
  });

  test("stays below infinity", () => {
    const most = (2 - 2 ** -23) * 2 ** 127;
    for (const by of [0, 1, CHANCES - 1]) {
      expect(roundedBy(by, most)).toBe(LARGEST);
      expect(roundedBy(by, -most)).toBe(-LARGEST);
    }
  });
});

describe("a kept moment", () => {
  const value = Math.fround(0.1);
  const at = { seed: 5, moment: "first", place: 7 } as const;

  test("is right on average, over seeds and over places", () => {
    const mean = (kept: (i: number) => number) =>
      Array.from({ length: 20_000 }, (_, i) => kept(i) / value).reduce((sum, share) => sum + share, 0) / 20_000;
    // Neighbours are 2⁻⁷ of it apart at most, so that the mean of 20,000 is off by about 2.5e-5.
    expect(Math.abs(mean((seed) => keptMoment(value, { ...at, seed })) - 1)).toBeLessThan(1.5e-4);
    expect(Math.abs(mean((place) => keptMoment(value, { ...at, place })) - 1)).toBeLessThan(1.5e-4);
  });

  test("depends on seed, moment and place alone", () => {
    const pattern = (change: object) =>
      Array.from({ length: 64 }, (_, i) => keptMoment(value, { ...at, place: i, ...change })).join();
    expect(pattern({})).toBe(pattern({}));
    expect(pattern({ seed: 6 })).not.toBe(pattern({}));
    expect(pattern({ moment: "second" })).not.toBe(pattern({}));
  });
});
