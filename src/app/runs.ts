/** Runs of the past. */
import type { RunId } from "../domain/ids.ts";
import type { GateReport, RunRecord } from "../domain/run.ts";
import type { App } from "./app.ts";
import { removeWithUndo } from "./notices.ts";
import { productsOf } from "./runState.ts";

/** The one whose results are looked at: the chosen one, else the newest finished one, else the newest. */
export function shownRun(app: App): RunRecord | undefined {
  const { value: runs } = app.runs;
  return runs.find(({ id }) => id === app.shownRun.value) ?? runs.find(({ result }) => result) ?? runs[0];
}

export function showResults(app: App, run: RunRecord): void {
  app.shownRun.value = run.id;
}

/** What the gate of a run left out, with its reasons; undefined where it had none. */
export async function gateOf(app: App, id: RunId): Promise<GateReport | undefined> {
  const { gate } = await productsOf(app, id);
  return gate;
}

/** Whether `run` goes on or waits at this moment. */
export function isActive(app: App, run: RunRecord): boolean {
  return app.run.phase.value !== "idle" && app.run.record.value?.id === run.id;
}

export function removeRun(app: App, run: RunRecord): void {
  if (!app.writable.value || isActive(app, run)) return;
  removeWithUndo(app, {
    text: `Removed ${run.name} with its checkpoint and vectors.`,
    hide: () => (app.runs.value = app.runs.value.filter(({ id }) => id !== run.id)),
    bringBack: () =>
      (app.runs.value = [...app.runs.value, run].toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))),
    remove: () => app.deps.store.removeRun(run.id),
  });
}
