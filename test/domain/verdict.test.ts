import { expect, test } from "vitest";
import type { Comparison } from "../../src/domain/ranking.ts";
import { verdictSentence } from "../../src/domain/verdict.ts";

const comparison = (verdict: Comparison["verdict"], value: number, pValue: number): Comparison => ({
  difference: { value, low: value - 0.02, high: value + 0.02 },
  pValue,
  verdict,
});

test("what rounds to nothing has no minus", () => {
  expect(verdictSentence(comparison("no reliable difference", -0.0004, 0.9), "test", 2)).toContain("by +.000 ");
  expect(verdictSentence(comparison("no reliable difference", -0.0006, 0.9), "test", 2)).toContain("by −.001 ");
});

test("says which way, how much, how sure, and on what", () => {
  expect(verdictSentence(comparison("better", 0.0412, 0.0004), "test", 300)).toBe(
    "Search got better: nDCG@10 changed by +.041 (95 % interval +.021 to +.061, p < .001) on 300 test queries.",
  );
  expect(verdictSentence(comparison("worse", -0.05, 0.031), "dev", 1)).toBe(
    "Search got worse: nDCG@10 changed by −.050 (95 % interval −.070 to −.030, p = .031) on 1 dev query.",
  );
  expect(verdictSentence(comparison("no reliable difference", 0.001, 1), "test", 36)).toBe(
    "No reliable difference: nDCG@10 changed by +.001 (95 % interval −.019 to +.021, p = 1.000) on 36 test queries.",
  );
});
