/** What happens when the page opens. */
import type { App } from "./app.ts";
import { openCollections } from "./collections.ts";
import { openEncoders } from "./encoders.ts";
import { attempt } from "./notices.ts";
import { offerUnfinished, saveBeforeLeaving } from "./run.ts";
import { openRuns } from "./runs.ts";

/** Lists what is stored, takes up an unfinished run, and reads the built-in collection. */
export async function openApp(app: App): Promise<void> {
  await Promise.all([openRuns(app), openEncoders(app), openCollections(app)]);
  await attempt(app, () => offerUnfinished(app));
}

/** A hidden page may be ended without another word, on phones above all. */
export function saveWhenHidden(app: App): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void attempt(app, () => saveBeforeLeaving(app));
  });
}
