/** Storing a run while it goes on. What cannot be stored waits in order, and so does the run. */
import { present } from "../base/assert.ts";
import { isUserError, messageOf } from "../base/errors.ts";
import type { App } from "./app.ts";

/** Stores after everything that still waits. On failure the run pauses and says why; nothing in memory is lost. */
export async function save(app: App, write: () => Promise<void>): Promise<void> {
  const { session } = app.run;
  if (!session.saving) return;
  session.saves.push(write);
  await saveWaiting(app);
}

/** Stores what waits, in order. Calls that come meanwhile wait for the same writes, so that none is done twice. */
export async function saveWaiting(app: App): Promise<void> {
  const { session } = app.run;
  while (session.saves.length > 0) {
    session.writing ??= writeNext(app).finally(() => (session.writing = undefined));
    if (!(await session.writing)) return;
  }
}

/** Whether it could be stored. */
async function writeNext(app: App): Promise<boolean> {
  const { run } = app;
  const { saves } = run.session;
  try {
    await saves[0]?.();
    saves.shift();
    run.unsaved.value = undefined;
    return true;
  } catch (error) {
    run.unsaved.value = isUserError(error) ? error.message : `Saving failed: ${messageOf(error)}`;
    if (run.session.wish === "stop" || run.phase.value === "idle") return false;
    run.session.wish = "pause";
    run.phase.value = run.phase.value === "paused" ? "paused" : "pausing";
    return false;
  }
}

/** Stores the record as it stands now and shows it in the list of runs. */
export async function saveRecord(app: App): Promise<void> {
  const { run, deps } = app;
  const record = {
    ...present(run.record.value, "the run"),
    steps: run.steps.value,
    notes: run.notes.value,
    updatedAt: deps.now().toISOString(),
  };
  run.record.value = record;
  app.runs.value = [record, ...app.runs.value.filter(({ id }) => id !== record.id)];
  await save(app, () => deps.store.putRun(record));
}
