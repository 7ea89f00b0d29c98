/** Looking into the selected collection, and other splits of it. */
import { expect, it } from "vitest";
import { openBook, readStatistics, searchRows, showRow } from "../../src/app/browsing.ts";
import { selectCollection } from "../../src/app/collections.ts";
import { keepDraft, keepVerdict } from "../../src/app/drafts.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { arrangeSplits, keepSplits, setSplits, splitsForm } from "../../src/app/splits.ts";
import { present } from "../../src/base/assert.ts";
import { createReader } from "../../src/data/reader.ts";
import { summarise } from "../../src/data/summary.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { tinyCollection } from "../support/collection.ts";
import { fakeApp } from "./fakes.ts";

const { arrange } = createReader();

async function browsing(collection: Collection = tinyCollection) {
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({ store, collection, reader: { arrange } });
  await openBook(app);
  return { app, store };
}

it("finds rows; the last words count, and another collection starts anew", async () => {
  const { app } = await browsing();
  const { documents } = app.browse.lists;
  const slow = searchRows(app, "documents", "mat");
  await Promise.all([slow, searchRows(app, "documents", "cat mat")]);
  expect(documents.found.value).toEqual({ words: "cat mat", places: [0, 10] });
  expect(documents.searching.value).toBeUndefined();
  const late = searchRows(app, "documents", "moon");
  await searchRows(app, "documents", "  ");
  await late;
  expect(documents.found.value).toBeUndefined();
  await searchRows(app, "documents", "moon");
  const other = { ...tinyCollection, documents: tinyCollection.documents.slice(0, 2) };
  app.collections.open.value = { id: app.collections.selected.value, collection: other };
  await openBook(app);
  expect(app.browse.book.value?.collection).toBe(other);
  expect(documents.found.value).toBeUndefined();
});

it("leads to a row among all rows", async () => {
  const { app } = await browsing();
  await searchRows(app, "queries", "cat");
  showRow(app, "queries", 5);
  const { found, open, target } = app.browse.lists.queries;
  expect([app.browse.view.value, found.value, open.value, target.value]).toEqual(["queries", undefined, 5, 5]);
});

it("counts while its view is shown", async () => {
  const { app } = await browsing();
  app.browse.view.value = "statistics";
  await readStatistics(app);
  expect(app.browse.statistics.value?.result.documentWords?.count).toBe(14);
});

it("other splits: worked out, kept as a collection of their own, with what was written for its queries", async () => {
  const { app, store } = await browsing();
  const from = app.collections.selected.value;
  const verdict = (query: string) =>
    ({ queryId: queryId(query), documentId: documentId("d9"), verdict: { action: "keep", reason: "" } }) as never;
  await keepVerdict(app, from, verdict("q0"));
  await keepVerdict(app, from, verdict("q4"));
  const draft = (key: string, query: string) =>
    ({ key, queryId: queryId(query), title: "", text: "t", createdAt: key }) as never;
  await keepDraft(app, from, draft("a", "q1"));
  await keepDraft(app, from, draft("b", "q5"));
  setSplits(app, { names: { test: "" }, holds: true, from: "train", to: "test", percent: "50", seed: "3" });
  await arrangeSplits(app);
  const made = present(app.browse.arranged.value, "the splits");
  expect(Object.entries(made.result.judgements).map(([split, rows]) => [split, rows.length])).toEqual([
    ["train", 2],
    ["test", 2],
  ]);
  await keepSplits(app);
  const [record] = await store.listCollections();
  expect(record).toMatchObject({ name: "tiny, new splits", queries: 4, judgements: { train: 2, test: 2 } });
  const kept = await store.readCollection(present(record, "the record").id);
  // The same content brought from elsewhere is the same collection.
  expect(record?.id).toBe(summarise(kept, "", 0).digest);
  expect(app.collections.selected.value).toBe(record?.id);
  expect((await store.listVerdicts(present(record, "it").id)).map(({ queryId }) => queryId)).toEqual(["q0"]);
  expect((await store.listDrafts(present(record, "it").id)).map(({ queryId }) => queryId)).toEqual(["q1"]);
  // The old one is as it was.
  await selectCollection(app, from);
  expect(app.collections.open.value?.collection).toBe(tinyCollection);
  expect(await store.listDrafts(from)).toHaveLength(2);
});

it("one split is offered as train with some held out; numbers that cannot be are refused", async () => {
  const rows = Object.values(tinyCollection.judgements).flat();
  const { app } = await browsing({ ...tinyCollection, judgements: { all: rows } });
  expect(splitsForm(app)).toMatchObject({ names: { all: "train" }, holds: true, from: "train", to: "test" });
  for (const percent of ["0", "100", "x"]) {
    setSplits(app, { percent });
    await expect(arrangeSplits(app)).rejects.toThrow(/cannot be held out/u);
  }
  setSplits(app, { percent: "25", seed: "1.5" });
  await expect(arrangeSplits(app)).rejects.toThrow(/cannot be a seed/u);
  setSplits(app, { seed: "4" });
  await arrangeSplits(app);
  expect(Object.keys(app.browse.arranged.value?.result.judgements ?? {})).toEqual(["train", "test"]);
  // Another form, and what was worked out is gone.
  setSplits(app, { seed: "5" });
  expect(app.browse.arranged.value).toBeUndefined();
});

it("stores nothing in a second tab", async () => {
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({ store, collection: tinyCollection, writer: false, reader: { arrange } });
  await arrangeSplits(app);
  await keepSplits(app);
  expect(await store.listCollections()).toEqual([]);
});
