import "fake-indexeddb/auto";
import { forceCloseDatabase } from "fake-indexeddb";
import { deleteDB, openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import { runId } from "../../src/domain/ids.ts";
import { Connection } from "../../src/storage/connection.ts";
import { migrations, type Migration } from "../../src/storage/schema.ts";
import { freshName, openTestStore, runOf } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

/** A version that no page has yet. The cast: its index is not in the schema of this one. */
const next: readonly Migration[] = [
  ...migrations,
  (_database, transaction) => void transaction.objectStore("runs").createIndex("later" as never, "createdAt"),
];

test("an empty database is brought to the newest version", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  store.close();
  const database = await openDB(name);
  expect(database.version).toBe(migrations.length);
  const stores = [
    "checkpoints",
    "collections",
    "drafts",
    "encoders",
    "files",
    "generations",
    "parts",
    "products",
    "runs",
    "verdicts",
  ];
  expect([...database.objectStoreNames]).toEqual(stores);
  database.close();
});

test("a database of an older version keeps its records and runs only the steps it lacks", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.putRun(runOf("a"));
  store.close();
  const steps = next.map((step) => vi.fn(step));
  const newer = await Connection.open({ name, migrations: steps });
  expect(steps.map((step) => step.mock.calls.length)).toEqual([...migrations.map(() => 0), 1]);
  const run = await newer.read(["runs"], (transaction) => transaction.objectStore("runs").get("a"));
  expect(run).toEqual(runOf("a"));
  newer.close();
});

test("a page older than the data says so", async () => {
  const name = freshName();
  (await Connection.open({ name, migrations: next })).close();
  await expect(openTestStore(name)).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: expect.stringContaining("newer version of this page"),
  });
});

test("a store lets another tab upgrade: it closes, tells its page, and refuses from then on", async () => {
  const name = freshName();
  const onClosing = vi.fn();
  const store = await openTestStore(name, { onClosing });
  await store.putRun(runOf("a"));
  const newer = await Connection.open({ name, migrations: next });
  expect(onClosing).toHaveBeenCalledOnce();
  await expect(store.putRun(runOf("b"))).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: expect.stringContaining("another tab opened a newer version"),
  });
  const runs = await newer.read(["runs"], (transaction) => transaction.objectStore("runs").getAllKeys());
  expect(runs).toEqual(["a"]);
  newer.close();
});

test("where a tab does not let go, the upgrade is reported as blocked and goes on later", async () => {
  const name = freshName();
  (await openTestStore(name)).close();
  const stubborn = await openDB(name);
  const onBlocked = vi.fn(() => stubborn.close());
  const newer = await Connection.open({ name, migrations: next, onBlocked });
  expect(onBlocked).toHaveBeenCalledOnce();
  newer.close();
});

test("a connection that the browser cuts is reported, and the next call opens another", async () => {
  const name = freshName();
  const onTerminated = vi.fn();
  const databases: IDBDatabase[] = [];
  const opened = IDBDatabase.prototype.transaction;
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...values) {
    databases.push(this);
    return opened.apply(this, values);
  });
  const store = await openTestStore(name, { onTerminated });
  await store.putRun(runOf("a"));
  const last = databases.at(-1);
  // fake-indexeddb declares its own class where it means the global one.
  forceCloseDatabase(last as never);
  await vi.waitFor(() => expect(onTerminated).toHaveBeenCalledOnce());
  expect(await store.readRun(runId("a"))).toEqual(runOf("a"));
  expect(databases.at(-1)).not.toBe(last);
});

test("a connection that is closing without a word is replaced", async () => {
  const store = await openTestStore(freshName());
  await store.putRun(runOf("a"));
  const closing = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(() => {
    throw new DOMException("The database connection is closing.", "InvalidStateError");
  });
  expect(await store.readRun(runId("a"))).toEqual(runOf("a"));
  expect(closing).toHaveBeenCalledTimes(2);
});

test.each([
  [3, "UnknownError", 4],
  [3, "InvalidStateError", 4],
])("%i passing failures to open are waited out (%s)", async (failures, error, calls) => {
  const open = failingOpen(failures, error);
  const store = await openTestStore(freshName());
  expect(open).toHaveBeenCalledTimes(calls);
  expect(await store.listRuns()).toEqual([]);
});

test.each([
  ["UnknownError", 4],
  ["SecurityError", 1],
])("storage that stays shut is unavailable (%s)", async (error, calls) => {
  const open = failingOpen(Infinity, error);
  await expect(openTestStore(freshName())).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: expect.stringContaining("not private"),
  });
  expect(open).toHaveBeenCalledTimes(calls);
});

function failingOpen(failures: number, name: string) {
  const open = IDBFactory.prototype.open;
  let count = 0;
  return vi.spyOn(IDBFactory.prototype, "open").mockImplementation(function (this: IDBFactory, ...values) {
    if (++count <= failures) throw new DOMException("no", name);
    return open.apply(this, values);
  });
}

test("a browser without IndexedDB is told from a bug", async () => {
  vi.stubGlobal("indexedDB", undefined);
  await expect(openTestStore(freshName())).rejects.toMatchObject({ name: "StorageUnavailable", forPerson: true });
  vi.unstubAllGlobals();
});

test("a closed store refuses, and does not hold up a removal", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  store.close();
  await expect(store.listRuns()).rejects.toMatchObject({ name: "StorageUnavailable" });
  await deleteDB(name, { blocked: () => expect.unreachable() });
});

test("an error in the middle of a write takes the whole write back", async () => {
  const connection = await Connection.open({ name: freshName() });
  const need = { what: "test", bytes: () => 1 };
  const writing = connection.write(["runs"], need, async (transaction) => {
    await transaction.objectStore("runs").put(runOf("a"));
    throw new Error("internal: a bug");
  });
  await expect(writing).rejects.toThrow("internal: a bug");
  expect(await connection.read(["runs"], (transaction) => transaction.objectStore("runs").count())).toBe(0);
});

test("a write asks for strict durability", async () => {
  const begin = vi.spyOn(IDBDatabase.prototype, "transaction");
  const store = await openTestStore(freshName());
  await store.putRun(runOf("a"));
  expect(begin).toHaveBeenLastCalledWith(["runs"], "readwrite", { durability: "strict" });
});
