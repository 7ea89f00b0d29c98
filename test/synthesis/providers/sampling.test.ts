import * as fc from "fast-check";
import { expect, test } from "vitest";
import { random } from "../../../src/base/random.ts";
import { drawToken } from "../../../src/synthesis/engines/sampling.ts";

const logitsOf = (shares: readonly number[]) => Float32Array.from(shares, (share) => Math.log(share));

/** How often each token is drawn. */
function frequencies(shares: readonly number[], sampling: { temperature: number; topP: number }, draws = 20_000) {
  const source = random(1, "draws");
  const counts = shares.map(() => 0);
  for (let i = 0; i < draws; i++) {
    const token = drawToken(logitsOf(shares), sampling, source);
    counts[token] = Number(counts[token]) + 1;
  }
  return counts.map((count) => count / draws);
}

const near = (got: readonly number[], wanted: readonly number[]) =>
  got.forEach((share, i) => expect(share).toBeCloseTo(Number(wanted[i]), 1.7));

test("draws by the shares", () =>
  near(frequencies([0.5, 0.25, 0.15, 0.1], { temperature: 1, topP: 1 }), [0.5, 0.25, 0.15, 0.1]));

test("a nucleus of 0.7 keeps the first two of 50, 25, 15 and 10 %: two thirds and one third", () =>
  near(frequencies([0.5, 0.25, 0.15, 0.1], { temperature: 1, topP: 0.7 }), [2 / 3, 1 / 3, 0, 0]));

test("half the temperature squares the shares", () =>
  // 25 : 6.25 : 2.25 : 1 of 34.5
  near(frequencies([0.5, 0.25, 0.15, 0.1], { temperature: 0.5, topP: 1 }), [0.725, 0.181, 0.065, 0.029]));

test("no temperature takes the likeliest, the first of two alike", () => {
  expect(drawToken(Float32Array.of(1, 3, 3, 2), { temperature: 0, topP: 0.9 }, random(1))).toBe(1);
});

test("impossible tokens are never drawn", () => {
  const source = random(3);
  const logits = Float32Array.of(-Infinity, 0, -Infinity, 0);
  for (let i = 0; i < 200; i++) expect([1, 3]).toContain(drawToken(logits, { temperature: 1, topP: 1 }, source));
});

/** The nucleus by sorting everything. */
function nucleus(logits: Float32Array, { temperature, topP }: { temperature: number; topP: number }): Set<number> {
  const highest = Math.max(...logits);
  const weights = [...logits].map((logit, token) => ({ token, weight: Math.exp((logit - highest) / temperature) }));
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  weights.sort((a, b) => b.weight - a.weight);
  const kept = new Set<number>();
  let sum = 0;
  for (const { token, weight } of weights) {
    if (sum >= topP * total) break;
    kept.add(token);
    sum += weight;
  }
  return kept;
}

test("what is drawn is always of the nucleus", () => {
  const logits = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 60 });
  const sampling = fc.record({
    temperature: fc.double({ min: 0.1, max: 2, noNaN: true }),
    topP: fc.double({ min: 0.05, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(logits, sampling, fc.nat(), (logits, sampling, seed) => {
      const scores = Float32Array.from(logits);
      expect(nucleus(scores, sampling)).toContain(drawToken(scores, sampling, random(seed)));
    }),
    { numRuns: 500 },
  );
});
