import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { Refresh, TrainingSet } from "../../src/domain/training.ts";
import { drawRanks, huntFor, nearest, positionIndex, vectorsAt } from "../../src/negatives/refresh.ts";

const data: TrainingSet = {
  queries: ["q"],
  documents: ["a", "written", "c"],
  rows: [
    { query: 0, positive: 0, negatives: [] },
    {
      query: 0,
      positive: 2,
      negatives: [
        { document: 1, source: "synthetic" },
        { document: 0, source: "bm25" },
      ],
    },
  ],
};
const vectors = { dimensions: 2, values: Float32Array.of(1, 0, 0, 1, 1, 0, -1, 0, 0.5, 0.5) };
const refresh: Refresh = { requests: [], corpus: ["a", "b", "a", "c", "d"], vectors, excluded: [[4], [2]] };

test("equal texts are one document; a row is barred from its positive, its own negatives and what is excluded", () => {
  const { positions, barred } = huntFor(data, refresh);
  expect(positions).toEqual([0, 1, 3, 4]);
  expect(barred.map((row) => [...row].toSorted((a, b) => a - b))).toEqual([
    [0, 4],
    [0, 3],
  ]);
});

test("a copy of an excluded document is excluded too, whichever of the two was named", () => {
  for (const excluded of [0, 2]) {
    const { barred } = huntFor(
      { ...data, rows: [{ query: 0, positive: 2, negatives: [] }] },
      { ...refresh, excluded: [[excluded]] },
    );
    expect([...(barred[0] ?? [])].toSorted((a, b) => a - b)).toEqual([0, 3]);
  }
});

test("exclusions must be there for every row", () => {
  expect(() => huntFor(data, { ...refresh, excluded: [[]] })).toThrow("exclusions for 1 of 2 rows");
});

test("vectors of some positions, and of all without a copy", () => {
  expect([...vectorsAt(vectors, [0, 1, 3, 4]).values]).toEqual([1, 0, 0, 1, -1, 0, 0.5, 0.5]);
  expect(vectorsAt(vectors, [0, 1, 2, 3, 4]).values).toBe(vectors.values);
});

test("the nearest by inner product are positions in the corpus; of equal scores the first in the corpus", () => {
  const positions = [3, 8, 30, 31, 40];
  const index = positionIndex(positions, vectors);
  const queries = { dimensions: 2, values: Float32Array.of(1, 0, -1, 0.1) };
  // Products: 1 0 1 −1 .5 and −1 .1 −1 1 −.45.
  expect(nearest(index, queries, 4)).toEqual([
    [3, 30, 40, 8],
    [31, 8, 40, 3],
  ]);
  expect(nearest(index, queries, 1)).toEqual([[3], [31]]);
});

const ranked = [50, 51, 52, 53, 54, 55, 56, 57];

test("ranks count after the barred documents; the whole range in order where all of it is asked for", () => {
  const draw = (range: { first: number; last: number; count: number }, barred: readonly number[] = []) =>
    drawRanks(ranked, new Set(barred), range, random(1));
  expect(draw({ first: 1, last: 3, count: 3 })).toEqual([50, 51, 52]);
  expect(draw({ first: 2, last: 4, count: 3 }, [50, 53])).toEqual([52, 54, 55]);
  expect(draw({ first: 7, last: 9, count: 3 })).toEqual([56, 57]);
  expect(draw({ first: 9, last: 9, count: 1 })).toEqual([]);
});

test("draws without replacement, each rank of the range as often as the others, nearest first", () => {
  const counts = new Map<number, number>();
  for (let seed = 0; seed < 1200; seed++) {
    const drawn = drawRanks(ranked, new Set([51]), { first: 2, last: 6, count: 2 }, random(seed));
    expect(drawn).toHaveLength(2);
    expect(drawn[0]).toBeLessThan(drawn[1] ?? 0);
    for (const position of drawn) counts.set(position, (counts.get(position) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([52, 53, 54, 55, 56]);
  // Chi-square with 4 degrees of freedom, 99.9 % point 18.5; expected 480 each.
  expect([...counts.values()].reduce((sum, n) => sum + (n - 480) ** 2 / 480, 0)).toBeLessThan(18.5);
});
