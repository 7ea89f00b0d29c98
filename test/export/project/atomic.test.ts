import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { collectionId } from "../../../src/domain/ids.ts";
import { undoInterruptedImport } from "../../../src/export/project/journal.ts";
import type { ProjectStore } from "../../../src/export/project/store.ts";
import { abortForQuota, faultAtPut, type Fault } from "../../storage/support.ts";
import { draftOf } from "../files/hostile.ts";
import {
  exported,
  fill,
  imported,
  importing,
  noteBook,
  oddRun,
  openStore,
  stateOf,
  type TestStore,
} from "./support.ts";

afterEach(() => vi.restoreAllMocks());

/** A store that has something of its own: a run, and a draft that a brought one would replace. */
async function own(): Promise<TestStore> {
  const store = await openStore();
  await store.putRun(oddRun("mine"));
  await store.putWritten([
    { collection: collectionId("built-in"), drafts: [draftOf({ key: "c", text: "mine" })], verdicts: [] },
  ]);
  return store;
}

const fail: Fault = () => {
  throw new Error("a bug");
};

/** How many puts a whole import makes. */
async function putsOf(blob: Blob): Promise<number> {
  const store = await own();
  const put = vi.spyOn(IDBObjectStore.prototype, "put");
  await imported(store, blob);
  const puts = put.mock.calls.length;
  vi.restoreAllMocks();
  return puts;
}

async function smallProject(): Promise<Blob> {
  const store = await openStore();
  await fill(store, { small: true });
  return exported(store);
}

test.each([
  ["the disk is full", abortForQuota, /Storage is full/u],
  ["a write throws", fail, /a bug/u],
])("%s at any put of the import: what was stored is as it was, to the byte", async (_, fault, words) => {
  const blob = await smallProject();
  const puts = await putsOf(blob);
  expect(puts).toBeGreaterThan(25);
  const store = await own();
  const before = await store.dump();
  for (let n = 1; n <= puts; n++) {
    const journal = noteBook();
    const broken = faultAtPut(n, fault);
    await expect(imported(store, blob, { journal }), `put ${n}`).rejects.toThrow(words);
    broken.restore();
    expect(await store.dump(), `put ${n}`).toEqual(before);
    expect(await undoInterruptedImport(store, journal)).toBe(false);
  }
  await imported(store, blob);
  expect((await stateOf(store)).runs).toHaveLength(3);
});

test("stopped after any report: as it was", async () => {
  const blob = await smallProject();
  const store = await own();
  const before = await store.dump();
  for (let stop = 1; ; stop++) {
    const work = importing(store, blob);
    let next = await work.next();
    for (let i = 1; i < stop && !next.done; i++) next = await work.next();
    const ended = next.done || next.value.done === next.value.total;
    await work.return(undefined as never);
    if (ended) break;
    expect(await store.dump(), `report ${stop}`).toEqual(before);
    expect(stop).toBeLessThan(200);
  }
  expect((await stateOf(store)).runs).toHaveLength(3);
});

test("a tab that ends at any moment leaves a note, and the next visit undoes what it says", async () => {
  const blob = await smallProject();
  const store = await own();
  const before = await store.dump();
  let undone = 0;
  for (let end = 1; ; end++) {
    const journal = noteBook();
    const work = importing(store, blob, { journal });
    let next = await work.next();
    for (let i = 1; i < end && !next.done; i++) next = await work.next();
    if (next.done || next.value.done === next.value.total) break;
    // The generator is left where it is, as a tab that is killed leaves it.
    const next_visit = await openStore(store.name);
    if (await undoInterruptedImport(next_visit, journal)) undone++;
    expect(await undoInterruptedImport(next_visit, journal)).toBe(false);
    expect(await store.dump(), `report ${end}`).toEqual(before);
  }
  expect(undone).toBeGreaterThan(5);
});

test.each(["putEncoder", "putProduct", "saveCheckpoint", "putRun", "putWritten"] as const)(
  "a tab that ends in %s: the next visit undoes what came before it",
  async (method) => {
    const blob = await smallProject();
    const store = await own();
    const before = await store.dump();
    const journal = noteBook();
    const reached = new Promise<void>((resolve) => {
      const ended = () => {
        resolve();
        return new Promise<never>(() => undefined);
      };
      void imported({ ...store, [method]: ended }, blob, { journal });
    });
    await reached;
    expect(await store.dump()).not.toEqual(before);
    expect(await undoInterruptedImport(await openStore(store.name), journal)).toBe(true);
    expect(await store.dump()).toEqual(before);
  },
);

test("where not even removing works, it says so and the note stays until it does", async () => {
  const blob = await smallProject();
  const store = await own();
  const before = await store.dump();
  const journal = noteBook();
  const refuse = () => Promise.reject(new Error("closed"));
  const broken: ProjectStore = { ...store, putWritten: refuse, removeRun: refuse };
  await expect(imported(broken, blob, { journal })).rejects.toMatchObject({ name: "HalfImported" });
  expect(await store.dump()).not.toEqual(before);
  expect(await undoInterruptedImport(store, journal)).toBe(true);
  expect(await store.dump()).toEqual(before);
});

test("a note that is no note is passed over", async () => {
  const store = await own();
  const before = await store.dump();
  for (const text of ["", "{", "[]", '{"collections":[1],"encoders":[],"runs":[]}', '{"runs":["mine"]}']) {
    const journal = noteBook();
    journal.setItem("decoy.import", text);
    expect(await undoInterruptedImport(store, journal)).toBe(false);
  }
  expect(await store.dump()).toEqual(before);
});
