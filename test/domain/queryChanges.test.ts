import { expect, it } from "vitest";
import { queryId } from "../../src/domain/ids.ts";
import type { Scores } from "../../src/domain/ranking.ts";
import { queryChanges } from "../../src/domain/queryChanges.ts";

const scores = (values: Readonly<Record<string, number>>): Scores => ({
  queryIds: Object.keys(values).map(queryId),
  perQuery: { "ndcg@10": Object.values(values) },
  mean: {},
});

it("puts the largest first each way, whatever the order of the queries, and counts the rest", () => {
  const before = scores({ a: 0.5, b: 0, c: 1, d: 0.3, e: 0.2, f: 0.4 });
  const after = scores({ f: 0.1, e: 0.2, d: 0.9, c: 0, b: 1, a: 0.6 });
  const found = queryChanges(before, after, { metric: "ndcg@10", most: 2 });
  expect(found.gained).toEqual([
    { queryId: "b", before: 0, after: 1 },
    { queryId: "d", before: 0.3, after: 0.9 },
  ]);
  expect(found.lost).toEqual([
    { queryId: "c", before: 1, after: 0 },
    { queryId: "f", before: 0.4, after: 0.1 },
  ]);
  expect([found.better, found.worse, found.same]).toEqual([3, 2, 1]);
});

it("leaves out what only one of them measured", () => {
  const found = queryChanges(scores({ a: 0 }), scores({ b: 1 }), { metric: "ndcg@10", most: 10 });
  expect(found).toEqual({ gained: [], lost: [], better: 0, worse: 0, same: 0 });
  expect(queryChanges(scores({ a: 0 }), scores({ a: 1 }), { metric: "mrr@10", most: 10 }).better).toBe(0);
});
