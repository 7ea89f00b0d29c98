import { expect, test } from "vitest";
import { learningRateAt } from "../../src/train/schedule.ts";

const rates = (schedule: "constant" | "linear" | "cosine", warmup: number, steps = 10) =>
  Array.from({ length: steps }, (_, step) => learningRateAt(step, steps, { learningRate: 1, warmup, schedule }));

// Expected values as transformers' get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup give them.
test("linear: rises over floor(10 × .25) = 2 steps, falls to 1/8 at the last", () => {
  expect(rates("linear", 0.25)).toEqual([0, 0.5, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]);
});

test("a single step is never spent on the warmup", () => {
  expect(rates("linear", 0.1, 1)).toEqual([1]);
});

test("no warmup: the first step has the peak", () => {
  expect(rates("linear", 0)[0]).toBe(1);
  expect(rates("constant", 0)).toEqual(new Array(10).fill(1));
});

test("cosine: half of the peak half-way", () => {
  expect(rates("cosine", 0)[5]).toBeCloseTo(0.5, 12);
  expect(rates("cosine", 0)[9]).toBeCloseTo(0.5 * (1 + Math.cos(0.9 * Math.PI)), 12);
});

test("all warmup never divides by zero", () => {
  expect(rates("linear", 1).every(Number.isFinite)).toBe(true);
});
