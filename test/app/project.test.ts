/** Saving everything and opening it, over the page's own store. */
import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import { removeRun } from "../../src/app/runs.ts";
import { appVersion, bringFiles, openProject, saveProject, stopProject } from "../../src/app/project.ts";
import { setField } from "../../src/app/recipe.ts";
import { openApp } from "../../src/app/start.ts";
import { present } from "../../src/base/assert.ts";
import { journalKey } from "../../src/export/project/store.ts";
import { fill } from "../export/project/support.ts";
import { freshName, openTestStore } from "../storage/support.ts";
import { fakeApp, type FakeOptions, until } from "./fakes.ts";

interface Visit {
  readonly app: App;
  readonly given: { readonly blob: Blob; readonly name: string }[];
  readonly settings: Map<string, string>;
}

async function visit(options: FakeOptions & { readonly filled?: boolean } = {}): Promise<Visit> {
  const store = options.store ?? (await openTestStore(freshName()));
  if (options.filled) await fill(store, { small: true });
  const given: { blob: Blob; name: string }[] = [];
  const settings = options.settings ?? new Map<string, string>();
  const app = await fakeApp({ ...options, store, settings, download: (blob, name) => void given.push({ blob, name }) });
  // The fake app has read it already; the page lists what is stored before.
  app.collections.builtIn = undefined;
  await openApp(app);
  return { app, given, settings };
}

async function saved(): Promise<Blob> {
  const { app, given } = await visit({ filled: true });
  setField(app, "steps", "77");
  await saveProject(app);
  expect(problems(app)).toEqual([]);
  expect(given.map(({ name }) => name)).toEqual(["decoy-2026-01-01.zip"]);
  return present(given[0], "the file").blob;
}

const problems = (app: App) => app.notices.value.filter(({ kind }) => kind !== "done");
const runs = (app: App) => app.runs.value.map(({ id }) => id).toSorted();

it("names the version of the package in what it saves", () => {
  expect((JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version).toBe(appVersion);
});

it("opens in an empty browser what was saved in another, with the recipe, and lists it", async () => {
  const blob = await saved();
  const { app } = await visit();
  await bringFiles(app, [{ path: "decoy.zip", blob }]);
  expect(problems(app)).toEqual([]);
  expect(app.project.opened.value).toMatchObject({
    collections: { added: 1, there: 0 },
    encoders: { added: 1, there: 0 },
    runs: { added: 2, there: 0 },
    drafts: { added: 3 },
  });
  expect(app.collections.list.value).toHaveLength(2);
  expect(app.encoders.value).toHaveLength(1);
  expect(runs(app)).toEqual(["r1", "r2"]);
  // Those on the built-in collection, which is the selected one.
  expect(app.drafts.list.value.map(({ key }) => key)).toEqual(["c"]);
  expect(app.recipe.fields.value.steps).toBe("77");
  expect(app.collections.draft.value).toBeUndefined();
  expect(app.writable.value).toBe(true);
});

it("keeps the dates of what it opens, and a recipe that is here", async () => {
  const first = await visit({ filled: true });
  const dates = first.app.encoders.value.map(({ createdAt }) => createdAt);
  await saveProject(first.app);
  const second = await visit();
  setField(second.app, "steps", "5");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await openProject(second.app, { path: "p.zip", blob: present(first.given[0], "the file").blob });
  expect(second.app.encoders.value.map(({ createdAt }) => createdAt)).toEqual(dates);
  expect(second.app.collections.list.value.at(-1)?.createdAt).toBe(first.app.collections.list.value.at(-1)?.createdAt);
  expect(second.app.recipe.fields.value.steps).toBe("5");
});

it("lets nothing else write meanwhile, and stops when it is told to, with nothing added", async () => {
  const blob = await saved();
  const { app } = await visit();
  const opening = openProject(app, { path: "p.zip", blob });
  await until(() => app.project.work.value?.progress !== undefined);
  expect(app.writable.value).toBe(false);
  expect(app.canRun.value).toBe(false);
  await saveProject(app);
  stopProject(app);
  await opening;
  expect(app.project.opened.value).toBeUndefined();
  expect(app.writable.value).toBe(true);
  expect(runs(app)).toEqual([]);
  expect(await app.deps.store.listRuns()).toEqual([]);
});

it("a saving that is stopped gives nothing out", async () => {
  const { app, given } = await visit({ filled: true });
  const saving = saveProject(app);
  await until(() => app.project.work.value?.progress !== undefined);
  stopProject(app);
  await saving;
  expect(given).toEqual([]);
});

it("a removed run that could still be brought back is not saved, and not taken for one that is there", async () => {
  const blob = await saved();
  const { app } = await visit({ filled: true });
  const waiting = app.run.record.value?.id;
  removeRun(
    app,
    present(
      app.runs.value.find(({ id }) => id !== waiting),
      "the other run",
    ),
  );
  await openProject(app, { path: "p.zip", blob });
  expect(app.project.opened.value?.runs).toMatchObject({ added: 1, there: 1 });
  expect(runs(app)).toEqual(["r1", "r2"]);
  expect(app.notices.value.filter(({ action }) => action?.label === "Undo")).toEqual([]);
});

it("what is no project goes where collections go; a damaged project is told and changes nothing", async () => {
  const blob = await saved();
  const { app } = await visit();
  await bringFiles(app, [{ path: "corpus.jsonl", blob: new Blob(["{}"]) }]);
  expect(app.collections.draft.value?.state).toBe("read");
  app.collections.draft.value = undefined;
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 255;
  await expect(openProject(app, { path: "p.zip", blob: new Blob([bytes]) })).rejects.toMatchObject({
    name: "UnreadableProject",
  });
  expect(await app.deps.store.listRuns()).toEqual([]);
  expect(app.writable.value).toBe(true);
});

it("takes back at the next visit what an import left that ended with its page, and only where it may write", async () => {
  const store = await openTestStore(freshName());
  await fill(store, { small: true });
  const left = JSON.stringify({ collections: [], encoders: [], runs: ["r2"] });
  const settings = new Map([[journalKey, left]]);
  const looking = await visit({ store, settings, noted: true, writer: false });
  expect(runs(looking.app)).toEqual(["r1", "r2"]);
  expect(settings.get(journalKey)).toBe(left);
  const { app } = await visit({ store, settings, noted: true });
  expect(runs(app)).toEqual(["r1"]);
  expect(app.notices.value.map(({ text }) => text).join()).toContain("taken back");
  expect(settings.get(journalKey)).toBe("");
});

it("is not allowed while a run goes on or an encoder is put together", async () => {
  const { app, given } = await visit({ filled: true });
  app.task.value = "Putting the encoder together";
  await saveProject(app);
  app.task.value = undefined;
  app.run.phase.value = "running";
  await saveProject(app);
  expect(given).toEqual([]);
});
