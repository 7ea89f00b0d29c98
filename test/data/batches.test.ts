import fc from "fast-check";
import { expect, test } from "vitest";
import { planBatches } from "../../src/data/batches.ts";

const config = { batchSize: 4, epochs: 2, seed: 1, shuffle: true } as const;
const all = (plan: ReturnType<typeof planBatches>) => Array.from({ length: plan.steps }, (_, step) => plan.rows(step));

test("each epoch shows every row once, in another order", () => {
  const plan = planBatches(10, config);
  expect(plan.steps).toBe(6);
  const rows = all(plan);
  const [first, second] = [rows.slice(0, 3).flat(), rows.slice(3).flat()];
  expect(first.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(second.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(first).not.toEqual(second);
});

test("a step's rows do not depend on which steps were asked for before: a resumed run sees the same", () => {
  const whole = all(planBatches(10, config));
  expect(planBatches(10, config).rows(4)).toEqual(whole[4]);
});

test("file order without shuffling; the last batch of an epoch may be small", () => {
  expect(all(planBatches(5, { ...config, epochs: 1, shuffle: false }))).toEqual([[0, 1, 2, 3], [4]]);
});

test("steps win over epochs and may pass the end; parts of epochs count", () => {
  expect(planBatches(10, { ...config, steps: 7 }).rows(6)).toHaveLength(4);
  expect(planBatches(10, { ...config, epochs: 0.5 }).steps).toBe(2);
  expect(planBatches(10, { ...config, steps: 0 }).steps).toBe(0);
  expect(planBatches(0, { ...config, steps: 5 }).steps).toBe(0);
});

test("the order of a seed never changes: stored runs go on with it", () => {
  // As the first version gave it.
  const rows = [
    [2, 3, 9, 5],
    [4, 0, 1, 8],
    [6, 7],
    [0, 9, 5, 8],
    [2, 6, 3, 4],
    [7, 1],
  ];
  expect(all(planBatches(10, config))).toEqual(rows);
  expect(
    all(
      planBatches(
        10,
        { ...config, batches: "rows" },
        Array.from({ length: 10 }, () => 0),
      ),
    ),
  ).toEqual(rows);
});

const byTopic = { ...config, batches: "topics" } as const;
const topicRows = fc.record({
  topics: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

test("by topic: one topic a batch, none too large, every row once an epoch, as few batches as that takes", () => {
  fc.assert(
    fc.property(topicRows, ({ topics, batchSize, seed }) => {
      const plan = planBatches(topics.length, { ...byTopic, batchSize, seed }, topics);
      const sizes = [0, 1, 2, 3, 4, 5].map((topic) => topics.filter((other) => other === topic).length);
      const perEpoch = sizes.reduce((sum, size) => sum + Math.ceil(size / batchSize), 0);
      expect(plan.steps).toBe(2 * perEpoch);
      for (const epoch of [all(plan).slice(0, perEpoch), all(plan).slice(perEpoch)]) {
        expect(epoch.flat().toSorted((a, b) => a - b)).toEqual([...topics.keys()]);
        for (const batch of epoch) {
          expect(batch.length).toBeLessThanOrEqual(batchSize);
          expect(new Set(batch.map((row) => topics[row])).size).toBe(1);
        }
      }
    }),
  );
});

test("by topic: a step's rows do not depend on which steps were asked for before", () => {
  fc.assert(
    fc.property(topicRows, fc.nat(), ({ topics, batchSize, seed }, at) => {
      const plan = () => planBatches(topics.length, { ...byTopic, batchSize, seed }, topics);
      const step = at % plan().steps;
      expect(plan().rows(step)).toEqual(all(plan())[step]);
    }),
  );
});

test("by topic: topics are mixed within an epoch, and rows fall into other batches in the next", () => {
  const topics = Array.from({ length: 40 }, (_, row) => row % 2);
  const epochs = all(planBatches(40, byTopic, topics));
  const order = epochs.slice(0, 10).map(([row = 0]) => topics[row]);
  // Neither all of one topic first, nor in turns.
  expect(order.filter((topic, i) => i > 0 && topic !== order[i - 1]).length).toBeGreaterThan(1);
  expect(order.filter((topic, i) => i > 0 && topic !== order[i - 1]).length).toBeLessThan(9);
  const batches = (from: number) =>
    new Set(epochs.slice(from, from + 10).map((batch) => batch.toSorted((a, b) => a - b).join()));
  // Topic 1 is not shuffled as topic 0 is.
  const places = (topic: number) =>
    epochs
      .slice(0, 10)
      .flatMap((batch) => (topics[batch[0] ?? 0] === topic ? [batch.map((row) => row >> 1).join()] : []));
  expect(places(0).toSorted()).not.toEqual(places(1).toSorted());
  const second = batches(10);
  expect([...batches(0)].filter((batch) => second.has(batch))).toEqual([]);
});

test("by topic without shuffling: file order within topics", () => {
  const plan = planBatches(7, { ...byTopic, batchSize: 2, epochs: 1, shuffle: false }, [4, 1, 4, 4, 1, 2, 4]);
  expect(all(plan)).toEqual([[0, 2], [3, 6], [1, 4], [5]]);
});

test("batches by topic need a topic for each row", () => {
  expect(() => planBatches(3, byTopic)).toThrow("no topics for 3 rows");
  expect(() => planBatches(3, byTopic, [0, 1])).toThrow("2 topics for 3 rows");
  expect(planBatches(0, byTopic, []).steps).toBe(0);
});
