import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import { collectionId, documentId } from "../../src/domain/ids.ts";
import { finish } from "../../src/base/channel.ts";
import type { Progress } from "../../src/domain/stages.ts";
import { abortForQuota, collectionOf, faultAtPut, FakeLocks, freshName, importOf } from "./support.ts";
import { openTestStore, rejected, storeCollection } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

/** Everything stored under `name`, by store. */
async function contents(name: string): Promise<Record<string, unknown[]>> {
  const database = await openDB(name);
  const found: Record<string, unknown[]> = {};
  for (const store of database.objectStoreNames) found[store] = await database.getAllKeys(store);
  database.close();
  return found;
}

test("a collection comes back as it was, in 500-document parts", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const collection = collectionOf(1201);
  const reports: Progress[] = [];
  const record = await finish(store.writeCollection(importOf(collection), rejected), (each) => reports.push(each));
  expect(await store.readCollection(record.id)).toEqual(collection);
  expect(reports.filter(({ unit }) => unit === "documents").map(({ done, total }) => [done, total])).toEqual([
    [500, 1201],
    [1000, 1201],
    [1201, 1201],
  ]);
  expect(record).toMatchObject({ name: "Birds", documents: 1201, rejected: 1, rejectedRows: rejected });
  store.close();
  const again = await openTestStore(name);
  expect(await again.listCollections()).toEqual([record]);
  expect(await again.readCollection(record.id)).toEqual(collection);
  expect(again.interruptedImports).toBe(0);
});

test("long documents make parts smaller", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const text = "word ".repeat(2 ** 18);
  const documents = ["a", "b", "c"].map((id) => ({ id: documentId(id), title: "", text }));
  await storeCollection(store, { ...collectionOf(0), documents });
  const parts = (await contents(name))["parts"] ?? [];
  expect(parts.filter((key) => Array.isArray(key) && key[2] === "documents")).toHaveLength(3);
});

test("the same digest is stored once", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const first = await finish(store.writeCollection(importOf(collectionOf(3)), rejected));
  const before = await contents(name);
  const second = await finish(store.writeCollection(importOf(collectionOf(3, "Other name")), []));
  expect(second).toEqual(first);
  expect(await contents(name)).toEqual(before);
});

test("a collection is not there before its last transaction, and an import that is stopped leaves nothing", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const { id } = await finish(store.writeCollection(importOf(collectionOf(2)), []));
  const before = await contents(name);
  for await (const { done } of store.writeCollection(importOf(collectionOf(1200)), [])) {
    expect(await store.listCollections()).toHaveLength(1);
    expect((await contents(name))["parts"]?.length).toBeGreaterThan(before["parts"]?.length ?? 0);
    if (done === 1000) break;
  }
  expect(await contents(name)).toEqual(before);
  expect(await store.listCollections()).toMatchObject([{ id }]);
});

test("an import that ended with its tab is cleared away and counted when the store opens again", async () => {
  const name = freshName();
  const tab = await openTestStore(name);
  const writing = tab.writeCollection(importOf(collectionOf(1200)), []);
  await writing.next();
  await writing.next();
  tab.close();
  const store = await openTestStore(name);
  expect(store.interruptedImports).toBe(1);
  expect(await store.listCollections()).toEqual([]);
  expect(await contents(name)).toMatchObject({ collections: [], parts: [] });
  expect(await storeCollection(store, collectionOf(1200))).toBeGreaterThan(3);
  expect(await store.listCollections()).toHaveLength(1);
});

test("another tab that opens leaves an import under way alone", async () => {
  const name = freshName();
  const locks = new FakeLocks();
  const tab = await openTestStore(name, { locks });
  const writing = tab.writeCollection(importOf(collectionOf(1200)), []);
  await writing.next();
  const other = await openTestStore(name, { locks });
  expect(other.interruptedImports).toBe(0);
  const record = await finish(writing);
  expect(await other.readCollection(record.id)).toEqual(collectionOf(1200));
});

test("where there are no locks, an import that was cleared away ends with an error and never half ready", async () => {
  const name = freshName();
  const tab = await openTestStore(name);
  const writing = tab.writeCollection(importOf(collectionOf(1200)), []);
  await writing.next();
  const other = await openTestStore(name);
  expect(other.interruptedImports).toBe(1);
  await expect(finish(writing)).rejects.toMatchObject({ name: "ImportInterrupted" });
  expect(await contents(name)).toMatchObject({ collections: [], parts: [] });
});

test("of two imports of the same collection at once, the later one wins whole", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const first = store.writeCollection(importOf(collectionOf(1200)), []);
  await first.next();
  const second = store.writeCollection(importOf(collectionOf(1200)), []);
  await second.next();
  await expect(finish(first)).rejects.toMatchObject({ name: "ImportInterrupted" });
  const record = await finish(second);
  expect(await store.readCollection(record.id)).toEqual(collectionOf(1200));
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])("storage that is full at put %i of an import loses nothing", async (n) => {
  const name = freshName();
  const store = await openTestStore(name);
  const kept = await finish(store.writeCollection(importOf(collectionOf(2)), []));
  const before = await contents(name);
  // begin, three parts of documents, queries, two of judgements, negatives, ready
  const fault = faultAtPut(n, abortForQuota);
  await expect(finish(store.writeCollection(importOf(collectionOf(1201)), []))).rejects.toMatchObject({
    name: "StorageFull",
    forPerson: true,
    message: expect.stringMatching(/^Storage is full: this collection needs \d\.\d MB\. Remove a collection/u),
  });
  fault.restore();
  expect(await contents(name)).toEqual(before);
  expect(await store.readCollection(kept.id)).toEqual(collectionOf(2));
});

test("a damaged part is an error that names the collection and what to do", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const { id } = await finish(store.writeCollection(importOf(collectionOf(600)), []));
  const database = await openDB(name);
  const key = ["collection", id, "documents", 1];
  const part: unknown = await database.get("parts", key);
  if (!(part instanceof Uint8Array)) throw new Error("no part");
  part[10] = (part[10] ?? 0) ^ 1;
  await database.put("parts", part, key);
  const damage = {
    name: "DamagedRecord",
    message: expect.stringMatching(/“Birds”.*part 2 of its documents.*import it/u),
  };
  await expect(store.readCollection(id)).rejects.toMatchObject(damage);
  await database.delete("parts", key);
  await expect(store.readCollection(id)).rejects.toMatchObject(damage);
  database.close();
});

test("a collection that is not there is said to be so; removing takes the parts away", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const other = await finish(store.writeCollection(importOf(collectionOf(1)), []));
  const { id } = await finish(store.writeCollection(importOf(collectionOf(700)), []));
  await store.removeCollection(id);
  await expect(store.readCollection(id)).rejects.toMatchObject({ name: "NotStored" });
  await expect(store.readCollection(collectionId("never"))).rejects.toMatchObject({ name: "NotStored" });
  expect(await store.readCollection(other.id)).toEqual(collectionOf(1));
  const { parts = [] } = await contents(name);
  expect(parts.every((key) => Array.isArray(key) && key[1] === other.id)).toBe(true);
});
