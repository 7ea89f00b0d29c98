import { expect, test } from "vitest";
import { random, shuffled } from "../../src/base/random.ts";

const draw = (seed: number, purpose = "", n = 5) => {
  const source = random(seed, purpose);
  return Array.from({ length: n }, () => source.next());
};

test("the same seed and purpose give the same numbers, another gives others", () => {
  expect(draw(7, "a")).toEqual(draw(7, "a"));
  expect(draw(7, "a")).not.toEqual(draw(8, "a"));
  expect(draw(7, "a")).not.toEqual(draw(7, "b"));
  expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
});

test("the stream never changes: stored runs depend on it", () => {
  expect(draw(1, "epoch 0", 3).map((x) => Math.floor(x * 2 ** 32))).toMatchInlineSnapshot(`
    [
      3008295420,
      3326316730,
      3532581743,
    ]
  `);
});

test("numbers are uniform in [0, 1): 20 bins, chi-square with 19 degrees of freedom below its 99.9 % point", () => {
  const bins = new Array<number>(20).fill(0);
  for (const x of draw(3, "", 20_000)) bins[Math.floor(x * 20)] = (bins[Math.floor(x * 20)] ?? 0) + 1;
  const chi = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  expect(chi).toBeLessThan(43.8);
});

test("normal numbers have mean 0 and deviation 1", () => {
  const source = random(5);
  const xs = Array.from({ length: 20_000 }, () => source.normal());
  const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
  const deviation = Math.sqrt(xs.reduce((a, x) => a + (x - mean) ** 2, 0) / xs.length);
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(deviation - 1)).toBeLessThan(0.03);
});

test("a shuffle keeps every item and leaves its input alone", () => {
  const items = Object.freeze([1, 2, 3, 4, 5, 6, 7, 8]);
  const result = shuffled(items, random(2));
  expect(result.toSorted((a, b) => a - b)).toEqual(items);
  expect(result).not.toEqual(items);
});
