import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentId } from "../../src/domain/ids.ts";
import { reciprocalRanks, scoredList, zScores } from "../../src/retrieval/fusion.ts";
import { compareHits } from "../../src/retrieval/order.ts";

const hit = (id: string, score: number) => ({ documentId: documentId(id), score });
const hits = (scores: Readonly<Record<string, number>>) =>
  Object.entries(scores)
    .map(([id, score]) => hit(id, score))
    .toSorted(compareHits);

describe("reciprocal ranks", () => {
  it("are added up, by hand", () => {
    const fused = reciprocalRanks([hits({ a: 9, b: 8, c: 7 }), hits({ c: 0.3, a: 0.2, d: 0.1 })], 10);
    expect(fused).toEqual([
      hit("a", Math.fround(1 / 61 + 1 / 62)),
      hit("c", Math.fround(1 / 63 + 1 / 61)),
      hit("b", Math.fround(1 / 62)),
      hit("d", Math.fround(1 / 63)),
    ]);
    expect(reciprocalRanks([hits({ a: 9, b: 8, c: 7 }), []], 2)).toEqual([
      hit("a", Math.fround(1 / 61)),
      hit("b", Math.fround(1 / 62)),
    ]);
  });

  it("of the same sum stand by document id descending", () => {
    const fused = reciprocalRanks([hits({ a: 2, b: 1 }), hits({ b: 2, a: 1 })], 10);
    expect(fused.map((found) => found.documentId)).toEqual(["b", "a"]);
  });
});

describe("z-scores", () => {
  it("are averaged, by hand, and a document that a list lacks counts as its last", () => {
    // Scores 4, 2, 0, 0 of four documents: mean 1.5, deviation √2.75. BM25 lists two of them, and was asked for three.
    const words = scoredList(hits({ a: 4, b: 2 }), { mean: 1.5, deviation: Math.sqrt(2.75) }, 3);
    expect(words.rest).toBe(0);
    // .8, .5, .1, .1: mean .375, deviation √.086875. Three were asked for, and a has the least of all.
    const vectors = scoredList(hits({ d: 0.8, c: 0.5, b: 0.1 }), { mean: 0.375, deviation: Math.sqrt(0.086875) }, 3);
    expect(vectors.rest).toBe(0.1);
    const z1 = (score: number) => (score - 1.5) / Math.sqrt(2.75);
    const z2 = (score: number) => (score - 0.375) / Math.sqrt(0.086875);
    const expected = {
      a: (z1(4) + z2(0.1)) / 2,
      b: (z1(2) + z2(0.1)) / 2,
      c: (z1(0) + z2(0.5)) / 2,
      d: (z1(0) + z2(0.8)) / 2,
    };
    const fused = zScores([words, vectors], 10);
    expect(fused.map((found) => found.documentId)).toEqual(["a", "d", "c", "b"]);
    for (const [id, score] of Object.entries(expected))
      expect(fused.find((found) => found.documentId === id)?.score).toBeCloseTo(score, 6);
    expect(zScores([words, vectors], 1)).toEqual(fused.slice(0, 1));
  });

  it("leave out a system that scores all documents the same, and one without hits", () => {
    const same = scoredList(hits({ a: 1, b: 1, c: 1 }), { mean: 1, deviation: 0 }, 3);
    const none = scoredList([], { mean: 0, deviation: 0 }, 3);
    const vectors = scoredList(hits({ b: 3, c: 2, a: 1 }), { mean: 2, deviation: 1 }, 3);
    for (const silent of [same, none])
      expect(zScores([silent, vectors], 3)).toEqual([hit("b", 0.5), hit("c", 0), hit("a", -0.5)]);
  });

  it("are those of the plain formula, whatever the lists", () => {
    const list = fc.array(fc.tuple(fc.nat(12), fc.integer({ min: -50, max: 50 })), { maxLength: 12 });
    const spread = fc.record({ mean: fc.integer({ min: -9, max: 9 }), deviation: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(fc.tuple(list, spread), { minLength: 1, maxLength: 3 }), fc.nat(14), (given, depth) => {
        const lists = given.map(([rows, of]) => {
          const scores = Object.fromEntries(rows.map(([id, score]) => [`d${id}`, score / 8]));
          return { scores, list: scoredList(hits(scores), of, depth) };
        });
        const ids = [...new Set(lists.flatMap(({ scores }) => Object.keys(scores)))];
        const plain = ids.map((id) => {
          const sum = lists.reduce((total, { scores, list: { spread: of, rest } }) => {
            const score = scores[id] ?? rest;
            return total + (of.deviation === 0 ? 0 : (score - of.mean) / of.deviation);
          }, 0);
          return { id, score: sum / lists.length };
        });
        const fused = zScores(
          lists.map((one) => one.list),
          100,
        );
        expect(fused.map((found) => found.documentId).toSorted()).toEqual(ids.toSorted());
        for (const { id, score } of plain)
          expect(fused.find((found) => found.documentId === id)?.score).toBeCloseTo(score, 5);
        expect(fused).toEqual(fused.toSorted(compareHits));
      }),
      { numRuns: 300 },
    );
  });
});
