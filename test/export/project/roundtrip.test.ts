import "fake-indexeddb/auto";
import { expect, test, vi } from "vitest";
import { finish } from "../../../src/base/channel.ts";
import { digest } from "../../../src/base/digest.ts";
import { memoryStore } from "../../../src/app/memoryStore.ts";
import { summarise } from "../../../src/data/summary.ts";
import { collectionId, documentId, queryId, runId } from "../../../src/domain/ids.ts";
import type { Asked, ProjectStore } from "../../../src/export/project/store.ts";
import { projectFile } from "../../../src/export/project/write.ts";
import { tinyCollection } from "../../support/collection.ts";
import { tinyEncoder } from "../../support/encoder.ts";
import { draftOf } from "../files/hostile.ts";
import {
  apiKey,
  builtIn,
  exported,
  fill,
  idOf,
  imported,
  importing,
  oddRun,
  openStore,
  stateOf,
  storeCollection,
  unpacked,
} from "./support.ts";

test("export, wipe, import: the same state, and exported again the same bytes in every entry", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  const blob = await exported(first);
  const outcome = await imported(second, blob);
  expect(outcome).toMatchObject({
    collections: { added: 2, there: 0 },
    encoders: { added: 1, there: 0 },
    runs: { added: 2, there: 0, renamed: 0 },
    drafts: { added: 3, updated: 0, there: 0, kept: 0 },
    verdicts: { added: 1 },
    settings: { "decoy.recipe": '{"seed":"3"}' },
    notes: [],
  });
  const state = await stateOf(second);
  expect(state).toEqual(withoutKeys(await stateOf(first)));
  expect(state.runs[0]?.[0]).toMatchObject({ steps: [{ loss: NaN }] });
  const again = await unpacked(await exported(second));
  expect(again.manifest.entries).toEqual((await unpacked(blob)).manifest.entries);
  expect(again.manifest.entries.length).toBeGreaterThan(30);
});

/** The test stores a key on purpose, which the page never does: the file must not have it. */
function withoutKeys(state: Awaited<ReturnType<typeof stateOf>>): typeof state {
  const bare = (asked: Asked | undefined): Asked | undefined =>
    asked && { ...asked, provider: { provider: "endpoint", url: "http://localhost:1/v1", model: "m", concurrency: 2 } };
  return { ...state, written: state.written.map((each) => ({ ...each, asked: bare(each.asked) })) };
}

test("an endpoint's key is not in the file", async () => {
  const store = await openStore();
  await fill(store);
  const { files } = await unpacked(await exported(store));
  const texts = Object.values(files).map((bytes) => new TextDecoder().decode(bytes));
  expect(texts.filter((text) => text.includes("localhost:1/v1"))).toHaveLength(1);
  expect(texts.filter((text) => text.includes(apiKey))).toEqual([]);
});

test("the same state gives the same file", async () => {
  const store = await openStore();
  await fill(store);
  const a = await exported(store);
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2031-05-05") });
  const b = await exported(store);
  vi.useRealTimers();
  const [one, other] = await Promise.all([a, b].map(async (blob) => digest(new Uint8Array(await blob.arrayBuffer()))));
  expect(one).toBe(other);
  const { name, type } = projectFile({ store, app: "1", now: () => new Date("2026-11-23T12:00:00Z") });
  expect([name, type]).toEqual(["decoy-2026-11-23.zip", "application/zip"]);
});

test("imported twice, or where it came from: nothing changes, and it says so", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  const blob = await exported(first);
  await imported(second, blob);
  const before = await second.dump();
  const outcome = await imported(second, blob);
  expect(await second.dump()).toEqual(before);
  expect(outcome).toMatchObject({
    collections: { added: 0, there: 2 },
    encoders: { added: 0, there: 1 },
    runs: { added: 0, there: 2, renamed: 0 },
    drafts: { added: 0, there: 3, kept: 0 },
    verdicts: { there: 1, kept: 0 },
  });
});

test("without checkpoints the rest is the same", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  await imported(second, await exported(first, { checkpoints: false }));
  const [a, b] = [await stateOf(first), await stateOf(second)];
  expect(b.runs.map((run) => run.slice(0, 2))).toEqual(a.runs.map((run) => run.slice(0, 2)));
  expect(b.runs.map((run) => run[2])).toEqual([undefined, undefined]);
});

test("a run that went on elsewhere: both stay, and again only once", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  const blob = await exported(first);
  await imported(second, blob);
  const own = { ...oddRun("r1"), collection: idOf(tinyCollection), notes: ["went on"] };
  await second.putRun(own);
  expect(await imported(second, blob)).toMatchObject({ runs: { added: 1, there: 1, renamed: 1 } });
  const runs = await second.listRuns();
  const added = runs.find(({ id }) => id.startsWith("r1~"));
  expect(added).toMatchObject({ name: "Run r1 (imported)", notes: ["n"] });
  expect(runs.find(({ id }) => id === "r1")).toEqual(own);
  expect(await second.readProducts(runId(added?.id ?? ""))).toEqual(await first.readProducts(runId("r1")));
  expect(await imported(second, blob)).toMatchObject({ runs: { added: 0, there: 2, renamed: 0 } });
});

const at = (day: number) => `2026-02-0${day}T00:00:00.000Z`;
const reviewed = (key: string, decision: "accepted" | "rejected", day: number) =>
  draftOf({ key, review: { decision, at: at(day) } });
const verdict = (document: string, by: string, reason: string) =>
  ({ queryId: queryId("q0"), documentId: documentId(document), action: "drop", reason, by }) as const;

test("drafts of one key: a person's later word stands, else what is stored; verdicts: a person's before others", async () => {
  const [here, there] = [await openStore(), await openStore()];
  const collection = idOf(tinyCollection);
  for (const store of [here, there]) await storeCollection(store, tinyCollection);
  const judged = { action: "keep", reason: "r", by: "judge" } as const;
  await there.putWritten([
    {
      collection,
      drafts: [
        reviewed("earlier", "accepted", 1),
        reviewed("later", "accepted", 3),
        reviewed("unseen", "rejected", 1),
        draftOf({ key: "judged", judged }),
        draftOf({ key: "differs", text: "theirs" }),
        draftOf({ key: "new" }),
      ],
      verdicts: [verdict("d1", "person", "theirs"), verdict("d2", "judge", "theirs"), verdict("d4", "judge", "new")],
    },
  ]);
  await here.putWritten([
    {
      collection,
      drafts: [
        reviewed("earlier", "rejected", 2),
        reviewed("later", "rejected", 2),
        draftOf({ key: "unseen" }),
        draftOf({ key: "judged" }),
        draftOf({ key: "differs", text: "ours" }),
        draftOf({ key: "own" }),
      ],
      verdicts: [verdict("d1", "judge", "ours"), verdict("d2", "person", "ours")],
    },
  ]);
  const outcome = await imported(here, await exported(there));
  expect(outcome.drafts).toEqual({ added: 1, updated: 3, there: 0, kept: 2 });
  expect(outcome.verdicts).toEqual({ added: 1, updated: 1, there: 0, kept: 1 });
  const drafts = new Map((await here.listDrafts(collection)).map((draft) => [draft.key, draft]));
  expect(drafts.get("earlier")?.review).toEqual({ decision: "rejected", at: at(2) });
  expect(drafts.get("later")?.review).toEqual({ decision: "accepted", at: at(3) });
  expect(drafts.get("unseen")?.review).toEqual({ decision: "rejected", at: at(1) });
  expect(drafts.get("judged")?.judged).toEqual(judged);
  expect(drafts.get("differs")?.text).toBe("ours");
  expect([...drafts.keys()].toSorted()).toEqual(["differs", "earlier", "judged", "later", "new", "own", "unseen"]);
  expect((await here.listVerdicts(collection)).map(({ reason }) => reason)).toEqual(["theirs", "ours", "new"]);
});

test("all times come back: when drafts were written and looked at, when collections and encoders were stored", async () => {
  const [first, second] = [await openStore(), await openStore()];
  const collection = idOf(tinyCollection);
  const given = { collection: tinyCollection, summary: summarise(tinyCollection, "BEIR folder", 0) };
  await finish(first.writeCollection(given, [], at(1)));
  await first.putEncoder(tinyEncoder(), at(2));
  // In another order than that of their keys.
  const drafts = [
    draftOf({ key: "c", createdAt: at(3) }),
    draftOf({ key: "a", createdAt: at(4), review: { decision: "accepted", at: at(9) } }),
    draftOf({ key: "b", createdAt: at(5) }),
  ];
  await first.putWritten([{ collection, drafts, verdicts: [] }]);
  await imported(second, await exported(first));
  expect(await second.listDrafts(collection)).toEqual(drafts);
  expect((await second.listCollections()).map(({ createdAt }) => createdAt)).toEqual([at(1)]);
  expect((await second.listEncoders()).map(({ createdAt }) => createdAt)).toEqual([at(2)]);
});

test("the same recorded answer, read on two machines at different times, is one draft, and stays as it is stored", async () => {
  const [here, there] = [await openStore(), await openStore()];
  const collection = idOf(tinyCollection);
  for (const [store, day] of [
    [here, 1],
    [there, 2],
  ] as const) {
    await storeCollection(store, tinyCollection);
    const drafts = [draftOf({ key: "a", provider: "recorded", createdAt: at(day), seconds: day })];
    await store.putWritten([{ collection, drafts, verdicts: [] }]);
  }
  const { drafts } = await imported(here, await exported(there));
  expect(drafts).toEqual({ added: 0, updated: 0, there: 1, kept: 0 });
  expect(await here.listDrafts(collection)).toMatchObject([{ createdAt: at(1), seconds: 1 }]);
});

test("decoys of the page's own collection come back; of another edition of it too, with a word", async () => {
  const [first, second, third] = [await openStore(), await openStore(), await openStore()];
  await fill(first);
  const blob = await exported(first);
  const other = await imported(second, blob, { shipped: [{ ...builtIn, digest: "other" }] });
  expect(other.notes).toEqual([expect.stringContaining("comes with this page is another")]);
  expect(await second.listDrafts(collectionId("built-in"))).toHaveLength(1);
  const none = await imported(third, blob, { shipped: [] });
  expect(none.notes).toEqual([expect.stringContaining("Decoys were not taken")]);
  expect(await third.listDrafts(collectionId("built-in"))).toEqual([]);
});

test("from a window without storage: an encoder gets the store's own key, and its runs follow", async () => {
  const forgetful = memoryStore(() => new Date(0));
  const first: ProjectStore = {
    ...forgetful,
    async putWritten(changes) {
      for (const { collection, drafts, verdicts, generation } of changes) {
        await forgetful.putDrafts(collection, drafts);
        await forgetful.putVerdicts(collection, verdicts);
        if (generation) await forgetful.putGeneration(generation);
      }
    },
  };
  const [second, third] = [await openStore(), await openStore()];
  await fill(first);
  await fill(second);
  await imported(third, await exported(first));
  expect((await stateOf(third)).encoders).toEqual((await stateOf(second)).encoders);
  const [encoder] = await third.listEncoders();
  expect((await third.listRuns()).map((run) => run.encoder)).toEqual([encoder?.key, encoder?.key]);
});

test("what is damaged in the store is left out and told, decoys on it are kept", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  const told: string[] = [];
  const damage = new (class extends Error {
    override readonly name = "DamagedRecord";
    readonly forPerson = true;
  })("damaged");
  const broken: ProjectStore = {
    ...first,
    readCollection: (id) => (id === idOf(tinyCollection) ? Promise.reject(damage) : first.readCollection(id)),
    readProducts: async (id, damaged) => {
      damaged?.(damage);
      const { vectorsBefore: _, ...rest } = await first.readProducts(id);
      return rest;
    },
  };
  const blob = await exported(broken, { damaged: ({ message }) => told.push(message) });
  expect(told).toEqual(["damaged", "damaged", "damaged"]);
  await storeCollection(second, tinyCollection);
  expect(await imported(second, blob)).toMatchObject({ collections: { added: 1, there: 0 }, notes: [] });
  expect(await second.listDrafts(idOf(tinyCollection))).toHaveLength(2);
  expect(Object.keys(await second.readProducts(runId("r1")))).toEqual(["bm25", "gate", "trainingSet"]);
});

test("a collection that is stored and cannot be listed is not taken again: to take it back would remove what is on it", async () => {
  const store = await openStore();
  await fill(store, { small: true });
  const blob = await exported(store);
  const before = await store.dump();
  const blind: ProjectStore = { ...store, listCollections: () => Promise.resolve([]) };
  const outcome = await imported(blind, blob);
  expect(outcome).toMatchObject({
    collections: { added: 0 },
    notes: [expect.stringContaining("stored here and damaged")],
  });
  expect(await store.dump()).toEqual(before);
});

test("progress is in bytes, rises and ends at its total", async () => {
  const [first, second] = [await openStore(), await openStore()];
  await fill(first);
  const seen: number[] = [];
  let total = 0;
  const work = importing(second, await exported(first));
  for (let next = await work.next(); !next.done; next = await work.next()) {
    seen.push(next.value.done);
    total = next.value.total;
  }
  expect(seen.length).toBeGreaterThan(5);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(total);
});
