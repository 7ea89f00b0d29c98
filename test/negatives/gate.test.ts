import { expect, test } from "vitest";
import type { Gate } from "../../src/domain/configNegatives.ts";
import type { FoundVerdict } from "../../src/domain/draft.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { highestAllowed, passGate } from "../../src/negatives/gate.ts";
import type { Candidate, Pool } from "../../src/negatives/pools.ts";

const q = queryId("q");
const bm25 = (name: string): Candidate => ({
  source: "bm25",
  text: `text ${name}`,
  documentId: documentId(name),
  score: 1,
  rank: 1,
});
const pool = (over: Partial<Pool> = {}): Pool => ({
  queryId: q,
  synthetic: [],
  human: [],
  given: [],
  found: [],
  ...over,
});
const percentage: Gate = { filter: "percentage", value: 0.95 };

function gate(
  given: Pool,
  filter: Gate | undefined,
  scores: Readonly<Record<string, number>> = {},
  verdicts: FoundVerdict[] = [],
) {
  return passGate({
    pools: [given],
    filter: filter && {
      gate: filter,
      scores: { positive: () => scores["+"] ?? NaN, negative: (_, { text }) => scores[text] ?? NaN },
    },
    verdicts,
  });
}
const verdict = (name: string, action: FoundVerdict["action"]): FoundVerdict => ({
  queryId: q,
  documentId: documentId(name),
  action,
  reason: "names the year",
  by: "judge Tiny",
});

test.each([
  // .8 − .8 · .05 = .76; −.2 − .2 · .05 = −.21, not −.19.
  [percentage, 0.8, 0.76],
  [percentage, -0.2, -0.21],
  [{ filter: "margin", value: 0.05 } as const, 0.8, 0.75],
  [{ filter: "margin", value: 0.05 } as const, -0.2, -0.25],
  [{ filter: "absolute", value: 0.7 } as const, 0.1, 0.7],
])("%o at a positive of %d allows up to %d", (filter, positive, most) => {
  expect(highestAllowed(filter, positive)).toBeCloseTo(most, 12);
});

test("every source goes through it, and the reasons give the figures", () => {
  const given = pool({
    synthetic: [
      { source: "synthetic", text: "near" },
      { source: "synthetic", text: "far" },
    ],
    human: [{ source: "human", text: "near too" }],
    given: [{ source: "given", text: "given" }],
    found: [[bm25("a"), bm25("b")]],
  });
  const scores = { "+": 0.79, near: 0.812, far: 0.3, "near too": 0.76, given: 0.75, "text a": 0.7, "text b": 0.9 };
  const { pools, report } = gate(given, percentage, scores);
  expect(pools).toEqual([
    pool({
      synthetic: [{ source: "synthetic", text: "far" }],
      // .75 is below .7505.
      given: [{ source: "given", text: "given" }],
      found: [[bm25("a")]],
    }),
  ]);
  expect(report).toEqual({
    considered: 6,
    dropped: 3,
    relabelled: 0,
    negatives: [
      {
        queryId: q,
        source: "synthetic",
        text: "near",
        action: "drop",
        reason: "s = .812, positive .790: over 95 % of it.",
      },
      {
        queryId: q,
        source: "human",
        text: "near too",
        action: "drop",
        reason: "s = .760, positive .790: over 95 % of it.",
      },
      {
        queryId: q,
        source: "bm25",
        documentId: "b",
        text: "text b",
        action: "drop",
        reason: "s = .900, positive .790: over 95 % of it.",
      },
    ],
  });
});

test("words for the other filters, and for a positive below 0", () => {
  const given = pool({ found: [[bm25("a")]] });
  const reason = (filter: Gate, positive: number, negative: number) =>
    gate(given, filter, { "+": positive, "text a": negative }).report.negatives[0]?.reason;
  expect(reason(percentage, -0.2, -0.205)).toBe("s = −.205, positive −.200: less than 5 % below it.");
  expect(reason({ filter: "margin", value: 0.05 }, 0.8, 0.76)).toBe(
    "s = .760, positive .800: less than .050 below it.",
  );
  expect(reason({ filter: "absolute", value: 0.7 }, 0.1, 0.75)).toBe("s = .750: over .700.");
  expect(reason(percentage, -0.2, -0.3)).toBeUndefined();
});

test("exactly as much as is allowed passes", () => {
  const { report } = gate(
    pool({ found: [[bm25("a")]] }),
    { filter: "margin", value: 0.25 },
    { "+": 0.75, "text a": 0.5 },
  );
  expect(report.dropped).toBe(0);
});

test("verdicts drop and relabel found documents, without a filter too; keep leaves the filter its say", () => {
  const given = pool({
    synthetic: [{ source: "synthetic", text: "text a" }],
    found: [[bm25("b"), bm25("c"), bm25("d")]],
  });
  const verdicts = [verdict("b", "drop"), verdict("c", "relabel"), verdict("d", "keep")];
  const without = gate(given, undefined, {}, verdicts);
  expect(without.pools[0]?.found).toEqual([[bm25("d")]]);
  expect(without.report).toMatchObject({ considered: 4, dropped: 1, relabelled: 1 });
  expect(without.report.negatives.map(({ action, reason }) => [action, reason])).toEqual([
    ["drop", "judge Tiny: names the year"],
    ["relabel", "judge Tiny: names the year"],
  ]);
  const withFilter = gate(given, percentage, { "+": 0.5, "text a": 0.1, "text d": 0.6 }, verdicts);
  expect(withFilter.pools[0]?.found).toEqual([[]]);
  expect(withFilter.report).toMatchObject({ considered: 4, dropped: 2, relabelled: 1 });
});

test("a verdict speaks of its own query only", () => {
  const other = { ...verdict("a", "drop"), queryId: queryId("another") };
  expect(gate(pool({ found: [[bm25("a")]] }), undefined, {}, [other]).report.dropped).toBe(0);
});

test("a document that two sources found counts once and is left out of both", () => {
  const given = pool({ found: [[bm25("a")], [{ ...bm25("a"), source: "dense" }]] });
  const { pools, report } = gate(given, percentage, { "+": 0.5, "text a": 0.5 });
  expect(pools[0]?.found).toEqual([[], []]);
  expect(report).toMatchObject({ considered: 1, dropped: 1 });
});

test("a report names at most 5,000 of them", () => {
  const found = [Array.from({ length: 6000 }, (_, i) => bm25(`d${i}`))];
  const scores = { "+": 0, ...Object.fromEntries(found.flat().map(({ text }) => [text, 1])) };
  const { report } = gate(pool({ found }), percentage, scores);
  expect(report.dropped).toBe(6000);
  expect(report.negatives).toHaveLength(5000);
});
