import { expect, test } from "vitest";
import type { Comparison } from "../../src/domain/ranking.ts";
import { heldOutSplit } from "../../src/domain/run.ts";
import { leakSentence, queriesOn, tooFewSentence, verdictSentence, verdictsOf } from "../../src/domain/verdict.ts";

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

test("says how far training gives queries away, also where it does not", () => {
  expect(leakSentence({ queries: 300, sharedDocument: 196, nearCopy: 101, clean: 103 }, "test")).toBe(
    "Of 300 test queries, 196 share a relevant document with a training query and 101 nearly repeat one; 103 are clean, that is neither.",
  );
  expect(leakSentence({ queries: 1500, sharedDocument: 1, nearCopy: 1, clean: 1 }, "dev")).toBe(
    "Of 1,500 dev queries, 1 shares a relevant document with a training query and 1 nearly repeats one; 1 is clean, that is neither.",
  );
  expect(leakSentence({ queries: 36, sharedDocument: 0, nearCopy: 0, clean: 36 }, "test")).toBe(
    "Of 36 test queries, none shares a relevant document with a training query, and none nearly repeats one.",
  );
  // As it was stored before clean queries were counted.
  expect(leakSentence({ queries: 300, sharedDocument: 196, nearCopy: 91 }, "test")).toBe(
    "Of 300 test queries, 196 share a relevant document with a training query and 91 nearly repeat one.",
  );
});

test("says that clean queries are too few", () => {
  expect(tooFewSentence(0, "test")).toBe("There is no clean query: with fewer than 10 no figure is given.");
  expect(tooFewSentence(1, "dev")).toBe("There is only 1 clean dev query: with fewer than 10 no figure is given.");
  expect(tooFewSentence(9, "test")).toBe("There are only 9 clean test queries: with fewer than 10 no figure is given.");
});

test("gives both verdicts, one where they say the same or there is one", () => {
  const tooFew = { kind: "tooFew", queries: 2, verdict: "b" } as const;
  expect(verdictsOf({ verdict: "a", clean: tooFew })).toEqual(["a", "b"]);
  expect(verdictsOf({ verdict: "b", clean: tooFew })).toEqual(["b"]);
  expect(verdictsOf({ verdict: "a" })).toEqual(["a"]);
});

test("held-out documents are said to be made up, and pairs of documents to use no judgement", () => {
  expect(verdictSentence(comparison("better", 0.0412, 0.0004), heldOutSplit, 1500)).toMatch(
    / on 1,500 made-up queries for held-out documents\.$/u,
  );
  expect(queriesOn(1, `clean ${heldOutSplit}`)).toBe("1 clean made-up query for held-out documents");
  const leak = { queries: 20, sharedDocument: 0, nearCopy: 0, clean: 20, madeOfDocuments: true } as const;
  expect(leakSentence(leak, heldOutSplit)).toBe(
    "Of 20 made-up queries for held-out documents, none nearly repeats a title or sentence that was trained on. No judgement was trained on.",
  );
  expect(leakSentence({ ...leak, nearCopy: 2, clean: 18 }, "test")).toBe(
    "Of 20 test queries, 2 nearly repeat a title or sentence that was trained on. No judgement was trained on.",
  );
});
