import { expect, test } from "vitest";
import { documentId, queryId, type DocumentId } from "../../src/domain/ids.ts";
import { sampleSimAns, simAnsLogWeight, type SimAnsConstants } from "../../src/negatives/simans.ts";

const constants: SimAnsConstants = { last: 200, a: 0.5, b: 0, scale: 1, sign: "paper" };
const none: ReadonlySet<DocumentId> = new Set();
const ranked = (name: string, scores: readonly number[]) => ({
  queryId: queryId(name),
  hits: scores.map((score, i) => ({ documentId: documentId(`d${i}`), score })),
});
const draw = (name: string, scores: readonly number[], over: Partial<SimAnsConstants & { positive: number }> = {}) =>
  sampleSimAns(ranked(name, scores), none, { ...constants, positive: 0, seed: 1, ...over }).map(
    ({ documentId }) => documentId,
  );

/** How often each of `scores` is drawn at `place`, over many queries. */
function frequencies(scores: readonly number[], place: number, over: Partial<SimAnsConstants & { positive: number }>) {
  const draws = 6000;
  const counts = scores.map(() => 0);
  for (let i = 0; i < draws; i++) {
    const at = Number(draw(`q${i}`, scores, over)[place]?.slice(1));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count) => count / draws);
}

test("the weight by hand: a = .5, b = 1, scale 20, 0.1 above the positive", () => {
  // Paper: −.5 (20 · .1 − 1)² = −.5; code: −.5 (20 · .1 + 1)² = −4.5.
  const given = { ...constants, b: 1, scale: 20 };
  expect(simAnsLogWeight(0.1, given)).toBeCloseTo(-0.5, 12);
  expect(simAnsLogWeight(0.1, { ...given, sign: "code" })).toBeCloseTo(-4.5, 12);
  expect(simAnsLogWeight(-0.1, { ...given, sign: "code" })).toBeCloseTo(-0.5, 12);
});

test("documents are drawn first by p ∝ exp(−a (s − s+ − b)²), and then by what is left", () => {
  // s+ = 2, b = .5: differences 1.5, −.5, −1.5 and −3.5 from the peak.
  const scores = [4, 2, 1, -1];
  const weights = [1.5, -0.5, -1.5, -3.5].map((x) => Math.exp(-0.5 * x * x));
  const total = weights.reduce((a, b) => a + b, 0);
  const p = weights.map((w) => w / total);
  const over = { positive: 2, b: 0.5 };
  frequencies(scores, 0, over).forEach((f, i) => expect(Math.abs(f - (p[i] ?? 0))).toBeLessThan(0.025));
  // Without replacement: P(second = j) = Σ_{i ≠ j} p_i · p_j / (1 − p_i).
  const second = p.map((pj, j) => p.reduce((sum, pi, i) => (i === j ? sum : sum + (pi * pj) / (1 - pi)), 0));
  frequencies(scores, 1, over).forEach((f, i) => expect(Math.abs(f - (second[i] ?? 0))).toBeLessThan(0.025));
});

test("weights far below what a float can hold still have an order", () => {
  // ln p = −5·10⁵, −1.25·10⁵, −2·10⁶: all underflow to 0, and the middle one is certain.
  const scores = [1000, 500, -2000];
  expect(draw("q", scores)).toEqual(["d1", "d0", "d2"]);
});

test("among the last best after the relevant ones, each once, with the guide's score and rank", () => {
  const found = sampleSimAns(ranked("q", [5, 4, 3, 2, 1]), new Set([documentId("d1")]), {
    ...constants,
    last: 3,
    positive: 4,
    seed: 7,
  });
  expect(found.toSorted((x, y) => x.rank - y.rank)).toEqual([
    { source: "simans", documentId: "d0", score: 5, rank: 1 },
    { source: "simans", documentId: "d2", score: 3, rank: 2 },
    { source: "simans", documentId: "d3", score: 2, rank: 3 },
  ]);
});
