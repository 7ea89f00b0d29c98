import { expect, test } from "vitest";
import type { TrainingSet } from "../../src/domain/training.ts";
import { contrastiveBatch, packTexts } from "../../src/train/batch.ts";

const data: TrainingSet = {
  queries: ["q0", "q1"],
  documents: ["d0", "d1", "d2", "d0"],
  rows: [
    { query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" }] },
    { query: 1, positive: 2, negatives: [{ document: 3, source: "synthetic" }] },
  ],
};
/** "d2" → [100, 2]: tells texts and kinds apart. */
const tokenize = (text: string, kind: "query" | "document") => [kind === "query" ? 1 : 100, Number(text.slice(1))];

test("packs texts back to back", () => {
  const { tokenIds, cuSeqlens } = packTexts([[5], [6, 7, 8], [9]]);
  expect([...tokenIds]).toEqual([5, 6, 7, 8, 9]);
  expect([...cuSeqlens]).toEqual([0, 1, 4, 5]);
});

test("each query has its own positive first and its own negatives; equal texts are one text", () => {
  const batch = contrastiveBatch(data, data.rows, { inBatch: false, mask: true }, tokenize);
  // Texts in first-seen order: q0, q1, d0, d1, d2; the last row's negative is d0 again.
  expect([...batch.texts.tokenIds]).toEqual([1, 0, 1, 1, 100, 0, 100, 1, 100, 2]);
  expect([...batch.queries]).toEqual([0, 1]);
  expect([...batch.offsets]).toEqual([0, 2, 4]);
  expect([...batch.candidates]).toEqual([2, 3, 4, 2]);
});

test("with in-batch negatives the other rows' documents follow, in row order, each occurrence", () => {
  const batch = contrastiveBatch(data, data.rows, { inBatch: true, mask: false }, tokenize);
  expect([...batch.offsets]).toEqual([0, 4, 8]);
  expect([...batch.candidates]).toEqual([2, 3, 4, 2, 4, 2, 2, 3]);
});

test("masked, a query is not told that what answers it is wrong, nor the same thing twice", () => {
  const rows: TrainingSet["rows"] = [
    { query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" }] },
    { query: 1, positive: 2, negatives: [{ document: 1, source: "bm25" }] },
    { query: 2, positive: 4, negatives: [{ document: 3, source: "random" }] },
  ];
  // Document 3 is document 0's text once more; the fourth row, not in the batch, says that 4 answers query 0 too.
  const other = { query: 0, positive: 4, negatives: [] };
  const set = { queries: ["q0", "q1", "q2"], documents: ["d0", "d1", "d2", "d0", "d4"], rows: [...rows, other] };
  const batch = contrastiveBatch(set, rows, { inBatch: true, mask: true }, tokenize);
  // Texts: q0, q1, q2, d0 (3), d1 (4), d2 (5), d4 (6).
  const [first, second, third] = [0, 1, 2].map((b) =>
    Array.from(batch.candidates.slice(batch.offsets[b], batch.offsets[b + 1])),
  );
  expect(first).toEqual([3, 4, 5]);
  expect(second).toEqual([5, 4, 3, 6]);
  expect(third).toEqual([6, 3, 4, 5]);
});

test("a query with a document's words is another text: prefixes differ", () => {
  const same: TrainingSet = { queries: ["d0"], documents: ["d0"], rows: [{ query: 0, positive: 0, negatives: [] }] };
  expect(contrastiveBatch(same, same.rows, { inBatch: false, mask: true }, tokenize).texts.cuSeqlens).toHaveLength(3);
});
