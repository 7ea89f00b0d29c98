import fc from "fast-check";
import { expect, test } from "vitest";
import { dealByRatio, proportional } from "../../src/negatives/ratio.ts";

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const stock = (rows: number, each = 99) => Array.from({ length: rows }, () => each);

test("in proportion, by hand: 5 of (4, 2) is 3⅓ and 1⅔, the larger remainder gets the fifth", () => {
  expect(proportional([4, 2], 5)).toEqual([3, 2]);
  expect(proportional([1, 1, 1], 2)).toEqual([1, 1, 0]);
  expect(proportional([2, 3], 5)).toEqual([2, 3]);
  expect(proportional([], 5)).toEqual([]);
});

test("in proportion: the sum is the total, and none is further than one from its exact part", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), fc.nat(200), (counts, total) => {
      const dealt = proportional(counts, total);
      expect(sum(dealt)).toBe(total);
      dealt.forEach((n, i) => expect(Math.abs(n - (total * (counts[i] ?? 0)) / sum(counts))).toBeLessThan(1));
    }),
  );
});

test("share and per found one: whole numbers next to the exact one, and an exact total", () => {
  fc.assert(
    fc.property(
      fc.nat(60),
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rows, n, R) => {
        const asked = { synthetic: 1, found: n - 1 };
        const deal = { seed: 1, have: stock(rows) };
        for (const [reading, each] of [["share", n * R] as const, ["perFound", (n * R) / (1 + R)] as const]) {
          const dealt = dealByRatio({ reading, value: R }, asked, deal);
          expect(Math.abs(sum(dealt) - rows * each)).toBeLessThanOrEqual(0.5 + 1e-6);
          dealt.forEach((k) => expect(Math.abs(k - each)).toBeLessThan(1));
        }
      },
    ),
  );
});

test("per found one: .7 for each of the others is 5 · .7 / 1.7 = 2.06 of five", () => {
  const dealt = dealByRatio(
    { reading: "perFound", value: 0.7 },
    { synthetic: 1, found: 4 },
    { seed: 1, have: stock(17) },
  );
  // 17 · 3.5 / 1.7 = 35.
  expect(sum(dealt)).toBe(35);
  expect(dealt.filter((k) => k === 3)).toHaveLength(1);
});

test("instances: which rows is the seed's choice, rows that have theirs first", () => {
  const deal = (seed: number, have = stock(40)) =>
    dealByRatio({ reading: "instances", value: 0.25 }, { synthetic: 2, found: 3 }, { seed, have });
  expect(deal(1)).toEqual(deal(1));
  expect(deal(1)).not.toEqual(deal(2));
  expect(sum(deal(1))).toBe(20);
  const scarce = deal(
    1,
    stock(40).map((_, i) => (i < 10 ? 2 : 1)),
  );
  expect(scarce).toEqual(stock(40).map((_, i) => (i < 10 ? 2 : 0)));
});
