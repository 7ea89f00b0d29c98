import fc from "fast-check";
import { expect, test } from "vitest";
import { planBatches, type RowTexts } from "../../src/data/batches.ts";

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

test("accumulated, a step is so many consecutive batches, also over the end of an epoch; the last one is what is left", () => {
  const plan = planBatches(10, { ...config, epochs: 2, accumulate: 4 });
  // Six batches of the two epochs.
  expect(plan.steps).toBe(2);
  expect([0, 1].map((step) => plan.batches(step))).toEqual([
    [0, 1, 2, 3],
    [4, 5],
  ]);
  expect([0, 1, 2, 3, 4, 5].map((batch) => plan.rows(batch))).toEqual(all(planBatches(10, config)));
  const steps = planBatches(10, { ...config, steps: 3, accumulate: 4 });
  expect(steps.steps).toBe(3);
  expect(steps.batches(2)).toEqual([8, 9, 10, 11]);
  expect(planBatches(10, config).batches(5)).toEqual([5]);
});

/** Row r has text r % 7 and text 7 + r % 3, of 1 to 10 tokens. */
const textsOf = (rows: number, later = 0): RowTexts => ({
  rows: Array.from({ length: rows }, (_, row) => [row % 7, 7 + (row % 3)]),
  tokens: Array.from({ length: 10 }, (_, text) => text + 1),
  later,
});
const distinct = (rows: readonly number[], { rows: texts, tokens, later }: RowTexts) =>
  [...new Set(rows.flatMap((row) => texts[row] ?? []))].reduce((sum, text) => sum + (tokens[text] ?? 0), 0) +
  later * rows.length;

test("by tokens: by hand", () => {
  // Text 0 has 4 tokens, the others 3.
  const texts = { rows: [[0, 1], [0, 2], [3], [0, 3], [0, 1, 2, 3]], tokens: [4, 3, 3, 3], later: 0 };
  const plan = (batchTokens: number, over = {}) =>
    planBatches(5, { ...config, batchTokens, epochs: 1, shuffle: false, ...over }, undefined, { ...texts, ...over });
  expect(all(plan(10))).toEqual([[0, 1], [2, 3], [4]]);
  expect(all(plan(13))).toEqual([[0, 1, 2, 3], [4]]);
  expect(all(plan(13, { batchSize: 5 }))).toEqual([[0, 1, 2, 3, 4]]);
  // Each row's later texts count: 7 + 2, then 3 + 2.
  expect(all(plan(12, { later: 2 }))).toEqual([[0], [1], [2, 3], [4]]);
  // A row alone may be more than there is room for.
  expect(all(plan(1))).toEqual([[0], [1], [2], [3], [4]]);
});

const budgets = fc.record({
  rows: fc.integer({ min: 1, max: 40 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  batchTokens: fc.integer({ min: 1, max: 60 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  epochs: fc.integer({ min: 1, max: 3 }),
  accumulate: fc.integer({ min: 1, max: 3 }),
  later: fc.integer({ min: 0, max: 3 }),
  byTopic: fc.boolean(),
});

test("by tokens: every row once an epoch, no batch over its budget or its size, and none that the next row would still fit", () => {
  fc.assert(
    fc.property(budgets, ({ rows, later, byTopic, epochs, accumulate, ...given }) => {
      const texts = textsOf(rows, later);
      const topics = byTopic ? Array.from({ length: rows }, (_, row) => row % 2) : undefined;
      const recipe = { ...config, ...given, epochs, accumulate, batches: byTopic ? "topics" : "rows" } as const;
      const plan = planBatches(rows, recipe, topics, texts);
      const numbers = Array.from({ length: plan.steps }, (_, step) => plan.batches(step));
      expect(numbers.flat()).toEqual(numbers.flat().map((_, i) => i));
      for (const step of numbers.slice(0, -1)) expect(step).toHaveLength(accumulate);
      const batches = numbers.flat().map((batch) => plan.rows(batch));
      const trained = batches.flat();
      expect(trained).toHaveLength(epochs * rows);
      for (let e = 0; e < epochs; e++)
        expect(trained.slice(e * rows, (e + 1) * rows).toSorted((a, b) => a - b)).toEqual([...texts.rows.keys()]);
      for (const [i, batch] of batches.entries()) {
        expect(batch.length).toBeLessThanOrEqual(given.batchSize);
        if (batch.length > 1) expect(distinct(batch, texts)).toBeLessThanOrEqual(given.batchTokens);
        const next = batches[i + 1]?.[0];
        const ends = batches.slice(0, i + 1).flat().length % rows === 0;
        if (byTopic || ends || next === undefined || batch.length === given.batchSize) continue;
        expect(distinct([...batch, next], texts)).toBeGreaterThan(given.batchTokens);
      }
      // Whatever was asked for before: a resumed run sees the same, and so does one that looks back.
      const again = planBatches(rows, recipe, topics, texts);
      expect(batches.map((_, i) => again.rows(batches.length - 1 - i)).reverse()).toEqual(batches);
    }),
  );
});

test("by tokens: steps may pass the epochs, and parts of an epoch count", () => {
  const texts = textsOf(10);
  const recipe = { ...config, batchTokens: 14, shuffle: false };
  const perEpoch = planBatches(10, { ...recipe, epochs: 1 }, undefined, texts).steps;
  expect(perEpoch).toBeGreaterThan(3);
  expect(planBatches(10, { ...recipe, steps: 3 * perEpoch }, undefined, texts).rows(2 * perEpoch)).toEqual(
    planBatches(10, recipe, undefined, texts).rows(0),
  );
  expect(planBatches(10, { ...recipe, epochs: 1.5 }, undefined, texts).steps).toBe(perEpoch + Math.ceil(perEpoch / 2));
  expect(planBatches(0, { ...recipe, steps: 5 }, undefined, textsOf(0)).steps).toBe(0);
  expect(() => planBatches(10, recipe)).toThrow("texts of no of 10 rows");
});
