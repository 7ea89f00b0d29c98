import { expect, it } from "vitest";
import { discardDraft, downloadRejected, previewFiles, removeCollection, useDraft } from "../../src/app/collections.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { openApp } from "../../src/app/start.ts";
import { present } from "../../src/base/assert.ts";
import { fakeApp } from "./fakes.ts";

const files = [{ path: "corpus.jsonl", blob: new Blob(["{}"]) }];

it("shows what was read and what was left out before anything is stored", async () => {
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({ store });
  await previewFiles(app, files);
  expect(app.collections.draft.value).toMatchObject({
    state: "read",
    result: { summary: { documents: 2, rejected: 1 } },
    rejectedRows: [{ line: 3, reason: "no text" }],
  });
  expect(await store.listCollections()).toEqual([]);
  await useDraft(app);
  expect(app.collections.draft.value).toBeUndefined();
  expect(await store.listCollections()).toMatchObject([{ name: "Tiny", rejectedRows: [{ line: 3 }] }]);
  expect(app.collections.selected.value).toBe("digest");
  expect(app.collections.list.value.map(({ id }) => id)).toEqual(["built-in", "digest"]);
});

it("opens on the collection of the last visit, while it is there", async () => {
  const store = memoryStore(() => new Date(0));
  const settings = new Map<string, string>();
  const first = await fakeApp({ store, settings });
  await previewFiles(first, files);
  await useDraft(first);
  const kept = new Map(settings);
  const opened = async () => {
    const app = await fakeApp({ store, settings: kept });
    // The fake app has chosen the built-in one.
    for (const [key, value] of settings) kept.set(key, value);
    await openApp(app);
    return app.collections.selected.value;
  };
  const last = await opened();
  expect(last).toBe("digest");
  await store.removeCollection(last);
  expect(await opened()).toBe("built-in");
});

it("forgets a reading that was cancelled, whatever it still reports", async () => {
  const app = await fakeApp();
  const reading = previewFiles(app, files);
  discardDraft(app);
  await reading;
  expect(app.collections.draft.value).toBeUndefined();
});

it("keeps the preview when storing fails", async () => {
  const store = {
    ...memoryStore(() => new Date(0)),
    writeCollection: async function* () {
      throw new Error("no room");
    },
  };
  const app = await fakeApp({ store });
  await previewFiles(app, files);
  await expect(useDraft(app)).rejects.toThrow("no room");
  expect(app.collections.draft.value?.state).toBe("read");
});

it("stores nothing in a second tab", async () => {
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({ store, writer: false });
  await previewFiles(app, files);
  await useDraft(app);
  expect(await store.listCollections()).toEqual([]);
});

it("removes a collection at once, brings it back on undo, and deletes it only when that time is over", async () => {
  const store = memoryStore(() => new Date(0));
  const due: (() => void)[] = [];
  const later = (_ms: number, act: () => void) => {
    due.push(act);
    return () => void due.splice(due.indexOf(act), 1);
  };
  const app = await fakeApp({ store, later });
  await previewFiles(app, files);
  await useDraft(app);
  const record = present(app.collections.list.value[1], "the stored collection");
  removeCollection(app, record);
  expect(app.collections.list.value).toHaveLength(1);
  expect(app.collections.selected.value).toBe("built-in");
  app.notices.value.at(-1)?.action?.act();
  expect(app.collections.list.value).toHaveLength(2);
  expect(due).toHaveLength(0);
  removeCollection(app, record);
  expect(await store.listCollections()).toHaveLength(1);
  due[0]?.();
  expect(await store.listCollections()).toHaveLength(0);
});

it("hands rejected rows over as JSON lines", async () => {
  const given: [Blob, string][] = [];
  const app = await fakeApp({ download: (blob, name) => void given.push([blob, name]) });
  const row = { file: "a.tsv", line: 2, reason: "no grade", excerpt: "x\ty" };
  downloadRejected(app, [row, { ...row, line: 3 }], "Tiny");
  const [blob, name] = present(given[0], "the download");
  expect(name).toBe("Tiny-rejected.jsonl");
  const lines = (await blob.text()).trimEnd().split("\n");
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([row, { ...row, line: 3 }]);
});
