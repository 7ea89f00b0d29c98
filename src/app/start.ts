/** What happens when the page opens. */
import { effect } from "@preact/signals";
import { lostData, noteCounts } from "../storage/sentinel.ts";
import type { App } from "./app.ts";
import { builtInId, openCollections, selectCollection } from "./collections.ts";
import { keepKnownEncoder, storedEncoders } from "./encoders.ts";
import { attempt, tell } from "./notices.ts";
import { goTo } from "./places.ts";
import { undoCutShort } from "./project.ts";
import { offerUnfinished, saveBeforeLeaving } from "./run.ts";

/** Takes back what an import left that was cut short, lists what is stored, takes up an unfinished run, and reads the built-in collection. */
export async function openApp(app: App): Promise<void> {
  await attempt(app, () => undoCutShort(app));
  await attempt(app, () => listStored(app));
  await openCollections(app);
  await attempt(app, () => offerUnfinished(app));
  await attempt(app, () => offerUnfinishedWriting(app));
}

/** Where the collection whose decoys were being written is not the selected one, the way to it. */
async function offerUnfinishedWriting(app: App): Promise<void> {
  const { list, selected } = app.collections;
  for (const { id, name } of list.value) {
    if (id === selected.value) continue;
    const asked = await app.deps.store.readGeneration(id);
    if (asked?.status !== "unfinished") continue;
    const act = (): void => {
      app.decoys.view.value = "write";
      goTo(app, "decoys");
      void attempt(app, () => selectCollection(app, id));
    };
    tell(app, {
      kind: "done",
      text: `Writing decoys for ${name} was cut short.`,
      action: { label: "Show", act },
    });
    return;
  }
}

async function listStored(app: App): Promise<void> {
  const { store, noted } = app.deps;
  const [collections, encoders, runs] = await Promise.all([
    store.listCollections(),
    storedEncoders(app),
    store.listRuns(),
  ]);
  app.collections.list.value = collections;
  app.encoders.value = encoders;
  app.runs.value = runs;
  keepKnownEncoder(app);
  if (!noted) return;
  if (lostData({ collections: collections.length, runs: runs.length }))
    tell(app, {
      kind: "problem",
      text: "This browser lost what Decoy had stored here: there were collections or runs, and none is left. Import your files again; encoders that you downloaded can be opened.",
    });
  if (app.writable.value) effect(() => noteCounts(countsOf(app)));
}

function countsOf({ collections, runs }: App): { readonly collections: number; readonly runs: number } {
  const own = collections.list.value.filter(({ id }) => id !== builtInId);
  return { collections: own.length, runs: runs.value.length };
}

/** A hidden page may be ended without another word, on phones above all. */
export function saveWhenHidden(app: App): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void attempt(app, () => saveBeforeLeaving(app));
  });
}
