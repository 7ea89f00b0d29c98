import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import type { Draft, FoundVerdict } from "../../src/domain/draft.ts";
import { parseGeneration } from "../../src/domain/generation.ts";
import { collectionId, documentId, queryId } from "../../src/domain/ids.ts";
import { Connection } from "../../src/storage/connection.ts";
import { migrations, type GenerationRecord } from "../../src/storage/schema.ts";
import { abortForQuota, collectionOf, faultAtPut, freshName, openTestStore, runOf } from "./support.ts";
import { importOf, rejected } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const birds = collectionId("birds");
const fish = collectionId("fish");

function draftOf(key: string, createdAt = "2026-01-01T00:00:00.000Z"): Draft {
  return {
    key,
    queryId: queryId("q0"),
    positiveId: documentId("d0"),
    source: "synthetic",
    outcome: "repaired",
    notes: [{ flaw: "wrapped", text: "Text stood around the JSON." }],
    title: "",
    text: `Not a bird, ${key} 🐦`,
    reasoning: { positive: "p", shares: "s", lacks: "l" },
    attributes: { domain: "Zoology" },
    provider: "webllm",
    model: "small",
    recipe: "syneg",
    seed: 7,
    attempt: 1,
    answer: "Sure! {}",
    promptTokens: 300,
    completionTokens: 80,
    seconds: 2.5,
    createdAt,
  };
}

const keysOf = (drafts: readonly Draft[]): string[] => drafts.map(({ key }) => key);

test("a draft that was put is there for a store opened later, under its collection alone", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.putDraft(birds, draftOf("a"));
  await store.putDraft(fish, draftOf("a"));
  store.close();
  const again = await openTestStore(name);
  expect(await again.listDrafts(birds)).toEqual([draftOf("a")]);
  const reviewed = { ...draftOf("a"), review: { decision: "rejected", at: "2026-01-02" } } as const;
  await again.putDraft(birds, reviewed);
  expect(await again.listDrafts(birds)).toEqual([reviewed]);
  expect(await again.listDrafts(fish)).toEqual([draftOf("a")]);
  expect(await again.listDrafts(collectionId("bird"))).toEqual([]);
});

test("drafts come in the order in which they were written, and go by their keys", async () => {
  const store = await openTestStore(freshName());
  await store.putDrafts(birds, [draftOf("c", "2026-01-01"), draftOf("b", "2026-01-03"), draftOf("a", "2026-01-02")]);
  expect(keysOf(await store.listDrafts(birds))).toEqual(["c", "a", "b"]);
  await store.removeDrafts(birds, ["a", "never there"]);
  expect(keysOf(await store.listDrafts(birds))).toEqual(["c", "b"]);
});

test("of several drafts that do not all fit none is stored, and the words say what was meant", async () => {
  const store = await openTestStore(freshName());
  const fault = faultAtPut(2, abortForQuota);
  await expect(store.putDrafts(birds, [draftOf("a"), draftOf("b"), draftOf("c")])).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringContaining("this set of decoys needs"),
  });
  fault.restore();
  expect(await store.listDrafts(birds)).toEqual([]);
});

test("10,000 drafts are stored together and listed whole", async () => {
  const store = await openTestStore(freshName());
  const drafts = Array.from({ length: 10_000 }, (_, i) => draftOf(String(i).padStart(5, "0")));
  await store.putDrafts(birds, drafts);
  expect(keysOf(await store.listDrafts(birds))).toEqual(keysOf(drafts));
});

const verdict = (document: string, action: FoundVerdict["action"]): FoundVerdict => ({
  queryId: queryId("q0"),
  documentId: documentId(document),
  action,
  reason: "It names the bird.",
  by: "judge small",
});

test("the newest verdict on a found negative holds", async () => {
  const store = await openTestStore(freshName());
  await store.putVerdicts(birds, [verdict("d1", "drop"), verdict("d2", "keep")]);
  await store.putVerdicts(birds, [verdict("d1", "relabel")]);
  expect(await store.listVerdicts(birds)).toEqual([verdict("d1", "relabel"), verdict("d2", "keep")]);
  expect(await store.listVerdicts(fish)).toEqual([]);
});

const generation = (collection: string): GenerationRecord => ({
  collection,
  generation: parseGeneration({ perQuery: 2 }),
  provider: { provider: "endpoint", url: "http://localhost:11434/v1", model: "small", concurrency: 2 },
  status: "unfinished",
  updatedAt: "2026-01-01",
});

test("what was last asked for is kept by collection", async () => {
  const store = await openTestStore(freshName());
  await store.putGeneration(generation(birds));
  await store.putGeneration({ ...generation(birds), status: "finished" });
  expect(await store.readGeneration(birds)).toEqual({ ...generation(birds), status: "finished" });
  expect(await store.readGeneration(fish)).toBeUndefined();
});

test("what was written goes with its collection, and with no other", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const writing = store.writeCollection(importOf(collectionOf(2)), rejected);
  let result = await writing.next();
  while (!result.done) result = await writing.next();
  const { id } = result.value;
  for (const collection of [id, fish]) {
    await store.putDraft(collection, draftOf("a"));
    await store.putVerdicts(collection, [verdict("d1", "drop")]);
    await store.putGeneration(generation(collection));
  }
  await store.removeCollection(id);
  expect(await store.listDrafts(id)).toEqual([]);
  expect(await store.listVerdicts(id)).toEqual([]);
  expect(await store.readGeneration(id)).toBeUndefined();
  expect(await store.listDrafts(fish)).toHaveLength(1);
  expect(await store.listVerdicts(fish)).toHaveLength(1);
  expect(await store.readGeneration(fish)).toBeDefined();
});

test("a database from before there were drafts keeps all it has", async () => {
  const name = freshName();
  const old = await Connection.open({ name, migrations: migrations.slice(0, 1) });
  await old.write(["runs"], { what: "run", bytes: () => 0 }, (transaction) =>
    transaction.objectStore("runs").put(runOf("a")),
  );
  old.close();
  const store = await openTestStore(name);
  expect(await store.listRuns()).toEqual([runOf("a")]);
  await store.putDraft(birds, draftOf("a"));
  expect(await store.listDrafts(birds)).toHaveLength(1);
  store.close();
  const database = await openDB(name);
  expect(database.version).toBe(migrations.length);
  database.close();
});

test("what is written for many collections is stored as a whole, or not at all", async () => {
  const store = await openTestStore(freshName());
  const verdict: FoundVerdict = {
    queryId: queryId("q0"),
    documentId: documentId("d0"),
    action: "drop",
    reason: "",
    by: "person",
  };
  await store.putDrafts(birds, [draftOf("a")]);
  const changed = { ...draftOf("a"), text: "Changed" };
  const changes = [
    { collection: birds, drafts: [changed, draftOf("b")], verdicts: [verdict] },
    { collection: fish, drafts: [draftOf("c")], verdicts: [] },
  ];
  for (const put of [1, 2, 4]) {
    const fault = faultAtPut(put, abortForQuota);
    await expect(store.putWritten(changes)).rejects.toMatchObject({ name: "StorageFull" });
    fault.restore();
    expect(await store.listDrafts(birds)).toEqual([draftOf("a")]);
    expect(await store.listDrafts(fish)).toEqual([]);
    expect(await store.listVerdicts(birds)).toEqual([]);
  }
  await store.putWritten(changes);
  expect(await store.listDrafts(birds)).toEqual([changed, draftOf("b")]);
  expect(await store.listDrafts(fish)).toEqual([draftOf("c")]);
  expect(await store.listVerdicts(birds)).toEqual([verdict]);
});
