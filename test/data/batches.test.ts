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
