import { expect, test, vi } from "vitest";
import { denseIndex, groupsOf, rankingsOf, type Asked, type Group } from "../../src/retrieval/dense.ts";
import type { Likely } from "../../src/retrieval/likelyFinder.ts";
import { scorePairs } from "../../src/retrieval/likelyPairs.ts";
import { documentIds, queryIds } from "./vectors.ts";

/** Ten documents that score 0, 1, … 9 with the first query and twice that with the second. */
const index = denseIndex(documentIds(10), { dimensions: 1, values: Float32Array.from({ length: 10 }, (_, i) => i) });
const vectors = { dimensions: 1, values: Float32Array.of(1, 2) };

function groupOf(depth: number): Group {
  const [group] = groupsOf(index, { queryIds: queryIds(2), vectors, depth }, 2);
  if (!group) throw new Error("no group");
  return group;
}

/** Pairs of documents 4 … 8, from [query, document, product]. */
function likely(...pairs: readonly (readonly [number, number, number])[]): Likely {
  const products = Float32Array.from(pairs.flatMap(([, , product]) => [0, product]));
  const words = new Uint32Array(products.buffer);
  pairs.forEach(([query, document], i) => (words[2 * i] = query * 4 + document - 4));
  return { count: pairs.length, pairs: words, products };
}

const found = (group: Group) =>
  rankingsOf(group).map(({ hits }) => hits.map(({ documentId, score }) => [documentId, score]));

test("pairs in any order are scored, whatever their products are, for their queries", () => {
  const group = groupOf(3);
  const due = vi.fn(() => true);
  const asking = { index, group, margins: Float64Array.of(9, 9), due };
  const pairs = likely([1, 5, 10.1], [0, 7, 7.1], [1, 4, 7.9], [0, 4, 4.1], [1, 7, 14.1]);
  const reports = [...scorePairs(asking, { from: 4, to: 8 }, pairs)];
  expect(found(group)).toEqual([
    [
      ["d7", 7],
      ["d4", 4],
    ],
    [
      ["d7", 14],
      ["d5", 10],
      ["d4", 8],
    ],
  ]);
  // A report is due after each query; the work is one multiplication a pair.
  expect(reports).toHaveLength(2);
  expect(due.mock.calls).toEqual([
    ["plain", 2],
    ["plain", 3],
  ]);
});

test("what better pairs have ruled out is not scored, to the margin", () => {
  const group = groupOf(1);
  const [query] = group.asked as [Asked, Asked];
  query.heap.offer(9, 6.5);
  const work: number[] = [];
  const due = (_: string, done: number) => work.push(done) === 0;
  const pairs = likely([0, 4, 4], [0, 5, 5], [0, 6, 6], [0, 7, 7]);
  const all = scorePairs({ index, group, margins: Float64Array.of(0.5, 0.5), due }, { from: 4, to: 8 }, pairs);
  expect([...all]).toEqual([]);
  expect(work).toEqual([2, 0]);
  expect(found(group)[0]).toEqual([["d7", 7]]);
});
