/**
 * Driving a run. It is an async generator: pausing is not asking for the next report, a single step is asking until one
 * more step has been reported, stopping is `return()`, which frees whatever the run held in its threads.
 */
import { present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import { isUserError, messageOf } from "../base/errors.ts";
import { parseConfig } from "../domain/config.ts";
import { runId } from "../domain/ids.ts";
import type { RunRecord, RunStatus } from "../domain/run.ts";
import { verdictsOf } from "../domain/verdict.ts";
import type { RunInput, RunOutcome } from "../pipeline/run.ts";
import type { App } from "./app.ts";
import { readCollection, selectedCollection } from "./collections.ts";
import { showOwnRows } from "./decoys.ts";
import { positivesOf, writtenNegatives } from "./drafts.ts";
import { encoderFolder, encoderName } from "./encoders.ts";
import { stopWork } from "./modelWork.ts";
import { attempt, tell, tellError } from "./notices.ts";
import { goTo } from "./places.ts";
import { receive } from "./runReports.ts";
import { saveRecord } from "./runSaves.ts";
import { checkpointOf, currentStage, productsOf, showRun } from "./runState.ts";

/** Seconds between checkpoints. */
const checkpointEvery = 20;

/** Starts a new run with the selected collection and the recipe as it stands. */
export async function startRun(app: App): Promise<void> {
  if (!app.canRun.value) return;
  app.deps.askToKeep();
  showRun(app.run, newRecord(app));
  showOwnRows(app);
  goTo(app, "train");
  await goOn(app, "run");
}

function newRecord(app: App): RunRecord {
  const collection = selectedCollection(app);
  const { encoder, engine, guide } = app.recipe.fields.value;
  const now = app.deps.now().toISOString();
  const numbers = app.runs.value.map(({ name }) => Number(name.replace("Run ", "")) || 0);
  return {
    id: runId(app.deps.newId()),
    name: `Run ${Math.max(0, ...numbers) + 1}`,
    collection: collection.id,
    collectionName: collection.name,
    collectionDigest: collection.digest,
    encoder,
    encoderName: encoderName(app, encoder),
    engine,
    config: present(app.recipe.config.value, "the recipe"),
    createdAt: now,
    updatedAt: now,
    status: "running",
    stage: "index",
    steps: [],
    ...(guide !== "" && guide !== encoder && { guide }),
  };
}

export function pauseRun(app: App): void {
  const { phase, session } = app.run;
  if (phase.value !== "running" && phase.value !== "preparing") return;
  session.wish = "pause";
  phase.value = "pausing";
}

/** Goes on with what waits: where it stopped, or, after a reload, from its last checkpoint. */
export async function resumeRun(app: App): Promise<void> {
  await goOn(app, "run");
}

/** One optimiser step more, then waits. Stages before training run through. */
export async function stepRun(app: App): Promise<void> {
  await goOn(app, "step");
}

export async function stopRun(app: App): Promise<void> {
  const { phase, session } = app.run;
  if (phase.value === "idle") return;
  session.wish = "stop";
  const waits = session.generator === undefined && phase.value === "paused";
  phase.value = "stopping";
  if (waits) await end(app, "stopped");
  else wake(app);
}

/** Goes on although nothing more can be stored: the run is lost when the page closes. */
export async function resumeUnsaved(app: App): Promise<void> {
  app.run.session.saving = false;
  app.run.session.saves = [];
  await resumeRun(app);
}

async function goOn(app: App, wish: "run" | "step"): Promise<void> {
  const { phase, session } = app.run;
  if (!app.writable.value || app.run.record.value === undefined || phase.value === "stopping") return;
  session.wish = wish;
  if (session.generator) {
    phase.value = "running";
    await stopWork(app);
    wake(app);
  } else if (phase.value !== "preparing" && phase.value !== "pausing") await begin(app);
}

function wake(app: App): void {
  const { session } = app.run;
  session.reportedAt = app.deps.now().getTime();
  session.wake?.();
  session.wake = undefined;
}

/** Fetches what the run needs and drives it to its end. Resolves when it has ended, however it did. */
async function begin(app: App): Promise<void> {
  const { run, deps } = app;
  run.phase.value = "preparing";
  try {
    // The graphics card is the run's now.
    await stopWork(app);
    const input = await inputOf(app);
    await setStatus(app, "running");
    run.session.generator = deps.pipeline(deps.services, input);
    if (run.session.wish !== "pause" && run.session.wish !== "stop") run.phase.value = "running";
    wake(app);
    await drive(app);
  } catch (error) {
    await fail(app, error);
  }
}

async function inputOf(app: App): Promise<RunInput> {
  const record = present(app.run.record.value, "the run");
  const { id, engine, guide: guideKey } = record;
  // A recipe that was stored by an older version of the page lacks the keys that came since.
  const config = parseConfig(record.config);
  const { store } = app.deps;
  const [stored, folder, guide, drafts, verdicts] = await Promise.all([
    readCollection(app, record.collection),
    encoderFolder(app, record.encoder),
    guideKey === undefined ? undefined : encoderFolder(app, guideKey),
    store.listDrafts(record.collection),
    store.listVerdicts(record.collection),
  ]);
  const [products, checkpoint] = await Promise.all([productsOf(app, id), checkpointOf(app, id)]);
  app.run.session.products = products;
  app.run.trainingSet.value = products.trainingSet;
  return {
    collection: { ...stored, negatives: writtenNegatives(stored, drafts) },
    folder,
    engine,
    config,
    positives: positivesOf(drafts),
    verdicts,
    ...(guide && { guide }),
    products,
    ...(checkpoint && { checkpoint }),
    earlier: earlierOf(record),
    checkpointEvery,
  };
}

/** What earlier visits reported; the run passes over what its checkpoint does not hold. */
function earlierOf({ steps, probes, refreshes, dev, notes }: RunRecord): NonNullable<RunInput["earlier"]> {
  return { steps, probes: probes ?? [], refreshes: refreshes ?? [], dev: dev ?? [], notes: notes ?? [] };
}

async function drive(app: App): Promise<void> {
  const generator = present(app.run.session.generator, "the run's generator");
  for (;;) {
    await waitWhilePaused(app);
    if (app.run.session.wish === "stop") {
      await generator.return(undefined);
      return end(app, "stopped");
    }
    const result = await generator.next();
    if (result.done) return result.value ? complete(app, result.value) : end(app, "stopped");
    await receive(app, result.value);
  }
}

async function waitWhilePaused(app: App): Promise<void> {
  const { phase, session } = app.run;
  // Read through a function: while a save is awaited, the wish may become another one.
  const waits = (): boolean => session.wish === "pause";
  const goesOn = (): boolean => session.wish === "run" || session.wish === "step";
  while (waits()) {
    phase.value = "paused";
    await setStatus(app, "paused");
    if (waits()) await new Promise<void>((resolve) => (session.wake = resolve));
    if (goesOn()) await setStatus(app, "running");
  }
}

async function setStatus(app: App, status: RunStatus): Promise<void> {
  const record = present(app.run.record.value, "the run");
  app.run.record.value = { ...record, status, stage: currentStage(app.run) ?? record.stage };
  await saveRecord(app);
}

async function complete(app: App, { result, model }: RunOutcome): Promise<void> {
  const record = present(app.run.record.value, "the run");
  app.run.record.value = { ...record, result };
  await end(app, "finished");
  await attempt(app, () => finish(app.deps.services.encoder.close({ model })));
  app.shownRun.value = record.id;
  if (app.place.value === "train") goTo(app, "results");
  else
    tell(app, {
      kind: "done",
      text: [`${record.name} is finished.`, ...verdictsOf(result)].join(" "),
      action: { label: "See the results", act: () => goTo(app, "results") },
    });
}

async function end(app: App, status: RunStatus): Promise<void> {
  const { run } = app;
  run.session.generator = undefined;
  await setStatus(app, status);
  run.phase.value = "idle";
}

async function fail(app: App, error: unknown): Promise<void> {
  const record = present(app.run.record.value, "the run");
  const failure = isUserError(error) ? error.message : `Something in Decoy broke: ${messageOf(error)}`;
  app.run.record.value = { ...record, failure };
  tellError(app, error);
  await end(app, "failed");
}

/** Takes up the newest run that an earlier visit left unfinished, without going on with it. */
export async function offerUnfinished(app: App): Promise<void> {
  const record = app.runs.value.find(({ status }) => status === "running" || status === "paused");
  if (record) await takeUp(app, record);
}

/** Makes a stored run the one that waits: Resume goes on from its last checkpoint. */
export async function takeUp(app: App, record: RunRecord): Promise<void> {
  if (app.run.phase.value !== "idle" || !app.writable.value) return;
  const { failure: _, ...kept } = record;
  showRun(app.run, { ...kept, status: "paused" });
  const checkpoint = await checkpointOf(app, record.id);
  app.run.session.checkpoint = checkpoint;
  app.run.steps.value = record.steps.filter(({ step }) => step <= (checkpoint?.step ?? 0));
  const looks = record.dev?.filter(({ step }) => step <= (checkpoint?.best?.looked ?? -1));
  if (looks) app.run.record.value = { ...present(app.run.record.value, "the run"), dev: looks };
  app.run.notes.value = record.notes ?? [];
  app.run.phase.value = "paused";
  await saveRecord(app);
}

/** Stores what there is, because the page may be about to go: a hidden page can be ended without another word. */
export async function saveBeforeLeaving(app: App): Promise<void> {
  if (app.run.phase.value === "idle" || app.run.phase.value === "paused") return;
  await saveRecord(app);
}
