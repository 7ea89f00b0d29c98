import { expect, test } from "vitest";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import { largestStep } from "../../src/domain/stepSize.ts";

const of = (config: ConfigInput) =>
  largestStep(
    parseConfig({
      batchSize: 4,
      maxQueryTokens: 10,
      maxDocumentTokens: 50,
      negatives: [{ source: "bm25", count: 2 }],
      ...config,
    }),
    { maxTokens: 40 },
  );

test("every text is as long as it may be: the encoder's limit counts too", () => {
  expect(of({})).toEqual({
    tokens: 4 * (10 + 3 * 40),
    texts: 4 * 4,
    longest: 40,
    queries: 4,
    candidates: 4 * 12,
    fixed: 0,
    batches: 1,
  });
});

test("without in-batch negatives a query has its own candidates alone; a symmetric loss has the answers' lists besides", () => {
  expect(of({ inBatch: false }).candidates).toBe(4 * 3);
  expect(of({ symmetric: true })).toMatchObject({ queries: 8, candidates: 4 * 12 + 4 * 4 });
});

test("a token budget bounds a batch, though not below one row", () => {
  expect(of({ batchTokens: 300 }).tokens).toBe(300);
  expect(of({ batchTokens: 100 }).tokens).toBe(130);
});

test("where queries alone train, documents are vectors", () => {
  expect(of({ side: "queries", accumulate: 3 })).toEqual({
    tokens: 40,
    texts: 4,
    longest: 10,
    queries: 4,
    candidates: 48,
    fixed: 12,
    batches: 3,
  });
});
