/** What happens when the page opens. */
import { effect } from "@preact/signals";
import { lostData, noteCounts } from "../storage/sentinel.ts";
import type { App } from "./app.ts";
import { builtInId, openCollections } from "./collections.ts";
import { keepKnownEncoder } from "./encoders.ts";
import { attempt, tell } from "./notices.ts";
import { offerUnfinished, saveBeforeLeaving } from "./run.ts";

/** Lists what is stored, takes up an unfinished run, and reads the built-in collection. */
export async function openApp(app: App): Promise<void> {
  await attempt(app, () => listStored(app));
  await openCollections(app);
  await attempt(app, () => offerUnfinished(app));
}

async function listStored(app: App): Promise<void> {
  const { store, noted } = app.deps;
  const [collections, encoders, runs] = await Promise.all([
    store.listCollections(),
    store.listEncoders(),
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
