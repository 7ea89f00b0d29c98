import { expect, test } from "vitest";
import { holdOut, TooFewDocuments, type HeldOut } from "../../src/data/heldOut.ts";
import { documentText, type Document } from "../../src/domain/collection.ts";
import { documentId } from "../../src/domain/ids.ts";

const numbered = (i: number): Document => ({
  id: documentId(`d${i}`),
  title: `Title number ${i}`,
  text: `The first sentence of document ${i} is here. The second one of document ${i} follows. And a third one ends number ${i}.`,
});
const collection = (count: number) => Array.from({ length: count }, (_, i) => numbered(i));

function held(documents: readonly Document[], copies: readonly number[] = [], seed = 1): HeldOut {
  const work = holdOut(documents, new Map(copies.map((place) => [place, true])), seed);
  let result = work.next();
  while (!result.done) result = work.next();
  return result.value;
}

test("a tenth, at least 20 and at most 500, and never more than half of what there is", () => {
  const sizes = [40, 45, 200, 1000, 6000].map((count) => held(collection(count)).ids.size);
  expect(sizes).toEqual([20, 20, 20, 100, 500]);
  const few = collection(1000).map((one, i) =>
    i % 10 < 6 && i < 100 ? one : { ...one, title: "", text: "One line." },
  );
  expect(held(few).ids.size).toBe(30);
});

test("each has one query, its one answer, and a text that lacks it; the others are as they were", () => {
  const documents = collection(200);
  const { ids, queries, judgements, documents: searched } = held(documents);
  const kinds = new Set<string>();
  expect(searched.map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
  expect(judgements.map(({ documentId: id }) => id)).toEqual(documents.flatMap(({ id }) => (ids.has(id) ? [id] : [])));
  for (const [i, { queryId, documentId: id, grade }] of judgements.entries()) {
    const [query, whole] = [queries[i]?.text ?? "", documents.find((one) => one.id === id)];
    const left = searched.find((one) => one.id === id);
    expect([queries[i]?.id, grade]).toEqual([queryId, 1]);
    expect(documentText(whole ?? numbered(0))).toContain(query);
    expect(documentText(left ?? numbered(0))).not.toContain(query);
    expect(documentText(left ?? numbered(0)).length).toBeGreaterThan(40);
    kinds.add(query === whole?.title ? "title" : "sentence");
  }
  expect(kinds).toEqual(new Set(["title", "sentence"]));
  for (const [place, document] of documents.entries())
    if (!ids.has(document.id)) expect(searched[place]).toBe(document);
});

test("by the seed alone", () => {
  const documents = collection(300);
  expect(held(documents, [], 4)).toEqual(held(documents, [], 4));
  expect(held(documents, [], 5).ids).not.toEqual(held(documents, [], 4).ids);
});

test("documents with a near-copy are not held out, and a title that others have is no query", () => {
  const copies = Array.from({ length: 100 }, (_, i) => i);
  expect([...held(collection(200), copies).ids].every((id) => Number(id.slice(1)) >= 100)).toBe(true);
  const sameTitle = collection(100).map((document, i) => (i % 2 ? { ...document, title: "SAME  title" } : document));
  const { judgements, queries } = held(sameTitle.map((one, i) => (i === 1 ? { ...one, title: "same title" } : one)));
  expect(queries.some(({ text }) => /same/iu.test(text))).toBe(false);
  expect(judgements.some(({ documentId: id }) => Number(id.slice(1)) % 2 === 1)).toBe(true);
});

test("too few documents are an error that says how many there are and are needed", () => {
  expect(() => held(collection(39))).toThrow(TooFewDocuments);
  expect(() => held(collection(39))).toThrow(/Only 39 of 39 documents.* at least 40 are needed/su);
  const bare = collection(60).map((document) => ({ ...document, title: "", text: "One line and no more." }));
  expect(() => held(bare)).toThrow(/Only 0 of 60 documents/u);
});
