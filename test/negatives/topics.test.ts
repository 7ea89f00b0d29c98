import fc from "fast-check";
import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { Vectors } from "../../src/domain/encoder.ts";
import { clusterTopics, refineTopics, topicCount } from "../../src/negatives/topics.ts";

function clustered(points: Vectors, clusters: number, seed = 1) {
  const work = clusterTopics(points, { clusters, seed });
  let rounds = 0;
  let result = work.next();
  for (; !result.done; result = work.next()) rounds++;
  return { topics: result.value, rounds };
}
const line = (...xs: number[]): Vectors => ({ dimensions: 1, values: Float32Array.from(xs) });
/** Which points are together, whatever their cluster is called. */
const groups = (topics: readonly number[]) => topics.map((topic) => topics.indexOf(topic));

test("three heaps on a line are three topics, whatever the seed", () => {
  for (let seed = 0; seed < 20; seed++) {
    expect(groups(clustered(line(0, 10, 0.1, 20, 10.1, 20.1, 0.2), 3, seed).topics)).toEqual([0, 1, 0, 3, 1, 3, 0]);
  }
});

test("the same seed gives the same topics", () => {
  const source = random(5);
  const points = { dimensions: 8, values: Float32Array.from({ length: 800 }, () => source.normal()) };
  expect(clustered(points, 7).topics).toEqual(clustered(points, 7).topics);
  expect(clustered(points, 7).topics).not.toEqual(clustered(points, 7, 2).topics);
});

test("at rest every point is with its nearest mean", () => {
  const source = random(3);
  const points = { dimensions: 2, values: Float32Array.from({ length: 120 }, () => source.normal()) };
  const { topics, rounds } = clustered(points, 4);
  expect(rounds).toBeLessThan(25);
  const at = (i: number) => [points.values[2 * i] ?? 0, points.values[2 * i + 1] ?? 0] as const;
  const means = [0, 1, 2, 3].map((topic) => {
    const own = topics.flatMap((t, i) => (t === topic ? [at(i)] : []));
    expect(own.length).toBeGreaterThan(0);
    return [0, 1].map((d) => own.reduce((sum, point) => sum + (point[d] ?? 0), 0) / own.length);
  });
  topics.forEach((topic, i) => {
    const far = means.map((mean) => Math.hypot(at(i)[0] - (mean[0] ?? 0), at(i)[1] - (mean[1] ?? 0)));
    expect(far[topic]).toBeCloseTo(Math.min(...far), 6);
  });
});

test("equal points, more clusters than points, one point, none", () => {
  expect(groups(clustered(line(1, 1, 1, 1), 3).topics)).toEqual([0, 0, 0, 0]);
  expect(new Set(clustered(line(1, 2), 10).topics).size).toBe(2);
  expect(clustered(line(4), 3).topics).toEqual([0]);
  expect(clustered({ dimensions: 0, values: new Float32Array(0) }, 3).topics).toEqual([]);
});

test("as many topics as there are different points, if there are at least so many clusters: none stays empty", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 }), fc.nat(1000), (xs, seed) => {
      const different = new Set(xs).size;
      expect(new Set(clustered(line(...xs), different, seed).topics).size).toBe(different);
    }),
  );
});

test("a cluster without points takes over a far point, each another one", () => {
  // Forty different points, and forty centres of which the first is the nearest for all of them.
  const points = line(...Array.from({ length: 40 }, (_, i) => i));
  const work = refineTopics(
    points,
    Float64Array.from({ length: 40 }, (_, c) => (c === 0 ? 20 : 1000 + c)),
  );
  let result = work.next();
  while (!result.done) result = work.next();
  expect(new Set(result.value).size).toBe(40);
});

test("not more topics than there are whole batches", () => {
  expect([topicCount(10, 919, 16), topicCount(10, 54, 16), topicCount(10, 5, 16)]).toEqual([10, 3, 1]);
});
