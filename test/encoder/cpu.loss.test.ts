/** The CPU engine's losses against the float64 reference, whose gradients are differences of its values. */
import { expect, test } from "vitest";
import { queriesWithWritten, type LossSettings } from "../../src/domain/engine.ts";
import { lossOf } from "../../src/encoder/cpu/loss.ts";
import { lossGradient, lossOfVectors } from "../reference/losses.ts";
import { normalise } from "../reference/pooling.ts";
import { error, normals } from "../support/kernels.ts";
import { listsOf, lossCases } from "../support/lists.ts";

const H = 7;

function compare(lengths: readonly number[], S: number, settings: LossSettings) {
  const lists = listsOf(lengths, S);
  const e = normalise(normals(S * H, "e"), H).map(Math.fround);
  const { loss, dEmbeddings } = lossOf(Float32Array.from(e), H, lists, settings);
  const truth = lossOfVectors(e, { H }, lists, settings);
  expect(Math.abs(loss - truth)).toBeLessThan(2e-6 * Math.max(1, Math.abs(truth)));
  const gradient = lossGradient(e, H, lists, settings);
  // Absolute where the truth is nothing but the differences' rounding.
  const scale = Math.max(...gradient.map(Math.abs), 1e-4);
  expect(error(dEmbeddings, gradient) * Math.max(...gradient.map(Math.abs), 1e-30)).toBeLessThan(2e-5 * scale);
  return { loss, dEmbeddings };
}

test.each(lossCases)("%s: lists of many lengths, one of them a lone positive", (_, settings) => {
  const { dEmbeddings } = compare([3, 1, 7, 9, 4], 11, settings);
  expect(dEmbeddings.some((d) => Math.abs(d) > 1e-3)).toBe(true);
});

test.each(lossCases)("%s: a single query with a single candidate", (_, settings) => {
  const { loss, dEmbeddings } = compare([1], 2, settings);
  expect(loss).toBeCloseTo(0, 12);
  expect(dEmbeddings.every((d) => Math.abs(d) < 1e-9)).toBe(true);
});

test.each(lossCases)("%s: a candidate that is fixed counts as any other, and has no gradient", (_, settings) => {
  const lists = listsOf([3, 1, 7, 9, 4], 11);
  const e = Float32Array.from(normalise(normals(11 * H, "e"), H));
  const whole = lossOf(e, H, lists, settings);
  // Texts from number 6 on, none of which is a query, are given instead of encoded.
  const some = lossOf(e.subarray(0, 6 * H), H, { ...lists, fixed: e.slice(6 * H) }, settings);
  expect(some.loss).toBe(whole.loss);
  expect(some.dEmbeddings).toEqual(whole.dEmbeddings.slice(0, 6 * H));
});

test("LambdaRank looks no deeper than 200, and of equal scores the earlier ranks higher", () => {
  // One query along the first axis, the positive at `height`, every negative with the score .5.
  const lossAt = (height: number, negatives: number) => {
    const [a, b] = [height, 0.5].map((s) => [s, Math.sqrt(1 - s * s)]);
    const e = Float32Array.from([[1, 0], a ?? [], b ?? []].flat());
    const candidates = Int32Array.from([1, ...Array.from({ length: negatives }, () => 2)]);
    const lists = { ...listsOf([1], 3), offsets: Int32Array.of(0, negatives + 1), candidates };
    return lossOf(e, 2, lists, { temperature: 1, loss: "lambdaRank" }).loss;
  };
  const harmonic = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => 1 / (from + i)).reduce((total, term) => total + term, 0);
  // First: Σ (1 − 1/r) over ranks 2 to 200, and 1 for each beyond; last but within 200: Σ (1/r − 1/11); beyond: Σ 1/r of the 200.
  const [ahead, behind] = [Math.log(1 + Math.exp(-0.4)), Math.log(1 + Math.exp(0.4))];
  expect(lossAt(0.9, 250)).toBeCloseTo((ahead * (199 - harmonic(2, 200) + 51)) / 250, 5);
  expect(lossAt(0.1, 10)).toBeCloseTo((behind * (harmonic(1, 10) - 10 / 11)) / 10, 5);
  expect(lossAt(0.1, 250)).toBeCloseTo((behind * harmonic(1, 200)) / 250, 5);
});

test("the entropy term moves written negatives alone, and with a single one only its share", () => {
  const settings = { temperature: 0.1, entropy: { weight: 1, temperature: 0.1 } };
  const e = normalise(normals(6 * H, "e"), H).map(Math.fround);
  const lists = (roles: readonly number[]) => ({ ...listsOf([5], 6), roles: Int32Array.from(roles) });
  const by = (roles: readonly number[], more: LossSettings) => lossOf(Float32Array.from(e), H, lists(roles), more);
  const plain = by([0, 2, 2, 2, 4], { temperature: 0.1 });
  const term = by([0, 2, 2, 2, 4], settings);
  const moved = new Set<number>();
  term.dEmbeddings.forEach((d, i) => d !== plain.dEmbeddings[i] && moved.add(Math.floor(i / H)));
  expect([...moved]).toEqual([lists([]).candidates[4]]);
  // By hand: one of four, so that the term is (p − 1/4)².
  const score = (j: number) => {
    const [q, d] = [0, lists([]).candidates[j] ?? NaN];
    return Array.from({ length: H }, (_, c) => (e[q * H + c] ?? NaN) * (e[d * H + c] ?? NaN)).reduce((a, b) => a + b);
  };
  const powers = [1, 2, 3, 4].map((j) => Math.exp(score(j) / 0.1));
  const share = (powers[3] ?? NaN) / powers.reduce((a, b) => a + b);
  expect(term.loss - plain.loss).toBeCloseTo((share - 0.25) ** 2, 9);
});

test("queries without a written negative do not thin the entropy term out", () => {
  const lists = listsOf([4, 4], 9);
  const roles = Int32Array.of(0, 4, 4, 2, 0, 2, 2, 2);
  expect(queriesWithWritten({ ...lists, roles })).toBe(1);
  expect(queriesWithWritten({ offsets: lists.offsets })).toBe(0);
  const e = Float32Array.from(normalise(normals(9 * H, "e"), H));
  const loss = (of: typeof lists, entropy?: LossSettings["entropy"]) =>
    lossOf(e, H, of, { temperature: 0.1, ...(entropy && { entropy }) }).loss;
  const both = { ...lists, roles };
  const alone = {
    ...listsOf([4], 9),
    candidates: lists.candidates.slice(0, 4),
    roles: roles.slice(0, 4),
  };
  const entropy = { weight: 1, temperature: 0.1 };
  expect(loss(both, entropy) - loss(both)).toBeCloseTo(loss(alone, entropy) - loss(alone), 9);
});

test("what a loss needs and a batch lacks is noticed", () => {
  const { roles: _r, targets: _t, ...bare } = listsOf([3], 4);
  const e = Float32Array.from(normalise(normals(4 * H, "e"), H));
  expect(() => lossOf(e, H, bare, { temperature: 1, hardness: 1 })).toThrow("no roles");
  expect(() => lossOf(e, H, bare, { temperature: 1, loss: "marginMSE" })).toThrow("no targets");
  expect(() => lossOf(e, H, { ...bare, fixed: new Float32Array(8) }, { temperature: 1 })).toThrow("for a width of 7");
  expect(() => lossOf(e, H, bare, { temperature: 1, dimensions: [8] })).toThrow("a prefix of 8 of 7");
});
