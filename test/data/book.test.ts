import { expect, test } from "vitest";
import { type Book, type BookList, findRows, makeBook, rowCount } from "../../src/data/book.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";

function end<Product>(work: Generator<unknown, Product, void>): Product {
  for (let turn = 0; turn < 10_000; turn++) {
    const step = work.next();
    if (step.done) return step.value;
  }
  throw new Error("it does not end");
}

const collection: Collection = {
  name: "c",
  documents: [
    { id: documentId("d0"), title: "Spring tides", text: "The Moon pulls (twice)." },
    { id: documentId("d1"), title: "", text: "Frost breaks pipes. a.c" },
    { id: documentId("__proto__"), title: "Ebb", text: "The sea falls." },
  ],
  queries: [
    { id: queryId("q0"), text: "Why tides?" },
    { id: queryId("q1"), text: "why frost" },
  ],
  judgements: {
    train: [
      { queryId: queryId("q0"), documentId: documentId("d0"), grade: 1 },
      { queryId: queryId("q0"), documentId: documentId("__proto__"), grade: 0 },
    ],
    test: [{ queryId: queryId("q1"), documentId: documentId("d1"), grade: 2 }],
  },
  negatives: [{ queryId: queryId("q0"), source: "given", title: "", text: "n" }],
};
const book: Book = end(makeBook(collection));
const found = (list: BookList, words: string): readonly number[] => end(findRows(book, list, words));

test("a query has its judged documents, a document its queries", () => {
  expect(rowCount(book, "judgements")).toBe(3);
  const documentsOf = (id: string) =>
    book.ofQuery.get(queryId(id))?.map((at) => [book.judgements[at]?.documentId, book.judgements[at]?.split]);
  expect(documentsOf("q0")).toEqual([
    ["d0", "train"],
    ["__proto__", "train"],
  ]);
  expect(book.ofDocument.get(documentId("d1"))?.map((at) => book.judgements[at]?.queryId)).toEqual(["q1"]);
  expect(book.negatives.get(queryId("q0"))).toHaveLength(1);
});

test("all words are found anywhere in a row, in any case, as they are written", () => {
  expect(found("documents", "moon")).toEqual([0]);
  expect(found("documents", "THE tides")).toEqual([0]);
  expect(found("documents", "the")).toEqual([0, 2]);
  expect(found("documents", '"the moon"')).toEqual([0]);
  expect(found("documents", '"moon the"')).toEqual([]);
  expect(found("documents", "d1")).toEqual([1]);
  // No pattern: these are letters.
  expect(found("documents", "a.c")).toEqual([1]);
  expect(found("documents", "a.*c")).toEqual([]);
  expect(found("documents", "(twice)")).toEqual([0]);
  expect(found("documents", "-")).toEqual([]);
  expect(found("queries", "why")).toEqual([0, 1]);
  expect(found("judgements", "tides train")).toEqual([0, 1]);
  expect(found("judgements", "ebb")).toEqual([1]);
  expect(found("judgements", '"')).toEqual([0, 1, 2]);
});
