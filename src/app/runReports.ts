/** From a report of the run to what the page shows and stores. */
import { present } from "../base/assert.ts";
import type { RunProduct, RunReport, StageName } from "../domain/run.ts";
import { stageNames } from "../domain/run.ts";
import type { Snapshot } from "../domain/diagnostics.ts";
import type { DevReport, RefreshReport, StepReport } from "../domain/training.ts";
import type { App } from "./app.ts";
import { save, saveRecord } from "./runSaves.ts";
import { begun, currentStage, patchStage, showProgress } from "./runState.ts";

export async function receive(app: App, report: RunReport): Promise<void> {
  const { run } = app;
  countSeconds(app);
  switch (report.kind) {
    case "opened":
      run.engine.value = report.engine;
      run.card.value = report.card;
      run.memory.value = report.memory;
      return;
    case "started":
      return startStage(app, report.stage);
    case "progress":
      return showProgress(run, report.stage, report.progress);
    case "finished":
      patchStage(run, report.stage, { state: "done", seconds: report.seconds });
      return saveRecord(app);
    case "note":
      // After a reload the stages that are run again say it again.
      run.notes.value = [...new Set([...run.notes.value, report.text])];
      return;
    case "step":
      return addStep(app, report.step);
    case "checkpoint":
      return keepCheckpoint(app, report);
    case "refreshed":
      return noteRefresh(app, report.refreshed);
    case "dev":
      return addLook(app, report.dev);
    case "probe":
      return addProbe(app, report.snapshot);
    case "product":
      return keepProduct(app, report.product);
    default:
      return report satisfies never;
  }
}

/** Adds the time since the last report to the stage that runs. */
function countSeconds(app: App): void {
  const { session, stages } = app.run;
  const now = app.deps.now().getTime();
  const stage = currentStage(app.run);
  if (stage) patchStage(app.run, stage, { seconds: stages.value[stage].seconds + (now - session.reportedAt) / 1000 });
  session.reportedAt = now;
}

/** Stages before it that were skipped, because an earlier visit had made their products, are done too. */
function startStage(app: App, stage: StageName): void {
  for (const earlier of stageNames.slice(0, stageNames.indexOf(stage))) patchStage(app.run, earlier, { state: "done" });
  patchStage(app.run, stage, begun);
  app.run.record.value = { ...present(app.run.record.value, "the run"), stage };
}

/** A step may come a second time: after a reload, those since the last checkpoint are done again. */
function addStep(app: App, step: StepReport): void {
  const { run } = app;
  run.steps.value = [...run.steps.value.filter((other) => other.step < step.step), step];
  showProgress(run, "train", { done: step.step, total: step.steps, unit: "steps" });
  if (run.session.wish !== "step") return;
  run.session.wish = "pause";
  run.phase.value = "pausing";
}

/** One line for all of them: a long run has many. */
function noteRefresh(app: App, refreshed: RefreshReport): void {
  const { version, documents, seconds } = refreshed;
  const { notes } = app.run;
  const record = present(app.run.record.value, "the run");
  const earlier = (record.refreshes ?? []).filter((other) => other.version < version);
  app.run.record.value = { ...record, refreshes: [...earlier, refreshed] };
  const start = "ANCE searched with";
  const took = `${Math.max(1, Math.round(seconds))} s`;
  const words =
    version === 0
      ? `${start} the weights from before training, in ${took}.`
      : `${start} new weights after step ${version}: ${documents.toLocaleString("en")} documents were encoded anew in ${took}.`;
  notes.value = [...notes.value.filter((note) => !note.startsWith(start)), words];
}

/** As with steps, one may come a second time. Stored with the next checkpoint. */
function addProbe(app: App, snapshot: Snapshot): void {
  const record = present(app.run.record.value, "the run");
  const earlier = (record.probes ?? []).filter(({ step }) => step < snapshot.step);
  app.run.record.value = { ...record, probes: [...earlier, snapshot] };
}

/** Of dev; stored as the probes are. */
function addLook(app: App, look: DevReport): void {
  const record = present(app.run.record.value, "the run");
  const earlier = (record.dev ?? []).filter(({ step }) => step < look.step);
  app.run.record.value = { ...record, dev: [...earlier, look] };
}

async function keepCheckpoint(app: App, { checkpoint }: RunReport & { kind: "checkpoint" }): Promise<void> {
  const { run, deps } = app;
  const { id } = present(run.record.value, "the run");
  run.session.checkpoint = checkpoint;
  await save(app, () => deps.store.saveCheckpoint(id, checkpoint));
  await saveRecord(app);
}

async function keepProduct(app: App, product: RunProduct): Promise<void> {
  const { run, deps } = app;
  const { id } = present(run.record.value, "the run");
  run.session.products = { ...run.session.products, [product.name]: product.value };
  if (product.name === "trainingSet") run.trainingSet.value = product.value;
  await save(app, () => deps.store.putProduct(id, product));
}
