/** What the page knows of the run that goes on, waits, or has just ended. */
import { type Signal, signal } from "@preact/signals";
import type { EncoderCard, EngineInfo } from "../domain/encoder.ts";
import type { MemoryUse } from "../domain/engine.ts";
import type { RunId } from "../domain/ids.ts";
import { type RunProducts, type RunRecord, type RunReport, type StageName, stageNames } from "../domain/run.ts";
import type { Progress } from "../domain/stages.ts";
import type { Checkpoint, StepReport, TrainingSet } from "../domain/training.ts";
import type { RunOutcome } from "../pipeline/run.ts";
import type { App } from "./app.ts";
import { tellError } from "./notices.ts";

/**
 * "preparing": collection and encoder are being fetched. "pausing" and "stopping": what was asked for happens when the
 * piece of work at hand is done. "paused" also stands for a run of an earlier visit that waits to be gone on with.
 */
export type RunPhase = "idle" | "preparing" | "running" | "pausing" | "paused" | "stopping";

export interface StageView {
  readonly state: "waiting" | "running" | "done";
  readonly progress: Progress | undefined;
  /** Spent on it so far, pauses not counted. */
  readonly seconds: number;
  /** The first report of what `progress` counts now, since a stage counts one thing after another. */
  readonly first: { readonly done: number; readonly seconds: number };
}

export type StageViews = Readonly<Record<StageName, StageView>>;

export interface RunState {
  readonly phase: Signal<RunPhase>;
  /** Steps live in their own signal; those of the record are the stored ones. */
  readonly record: Signal<RunRecord | undefined>;
  readonly stages: Signal<StageViews>;
  readonly steps: Signal<readonly StepReport[]>;
  readonly engine: Signal<EngineInfo | undefined>;
  readonly card: Signal<EncoderCard | undefined>;
  /** What training will hold at most, once the encoder is open. */
  readonly memory: Signal<MemoryUse | undefined>;
  readonly notes: Signal<readonly string[]>;
  readonly trainingSet: Signal<TrainingSet | undefined>;
  /** Why saving failed; the run waits. */
  readonly unsaved: Signal<string | undefined>;
  readonly session: RunSession;
}

export type RunGenerator = AsyncGenerator<RunReport, RunOutcome | undefined, void>;

/** The part of a run that no view shows. */
export interface RunSession {
  wish: "run" | "step" | "pause" | "stop";
  /** Lets a waiting run look at the wish again. */
  wake: (() => void) | undefined;
  generator: RunGenerator | undefined;
  /** Saves that failed or wait for one that did. */
  saves: (() => Promise<void>)[];
  writing: Promise<boolean> | undefined;
  /** False once the person chose to go on without saving. */
  saving: boolean;
  checkpoint: Checkpoint | undefined;
  products: RunProducts;
  /** Milliseconds; when the last report came or the run was woken. */
  reportedAt: number;
}

const nothing: StageView["first"] = { done: 0, seconds: 0 };
const waiting: StageView = { state: "waiting", progress: undefined, seconds: 0, first: nothing };
export const begun: StageView = { ...waiting, state: "running" };

export function waitingStages(): StageViews {
  return {
    index: waiting,
    mine: waiting,
    gate: waiting,
    mix: waiting,
    before: waiting,
    train: waiting,
    after: waiting,
  };
}

export function createRunState(): RunState {
  return {
    phase: signal<RunPhase>("idle"),
    record: signal<RunRecord | undefined>(undefined),
    stages: signal(waitingStages()),
    steps: signal<readonly StepReport[]>([]),
    engine: signal<EngineInfo | undefined>(undefined),
    card: signal<EncoderCard | undefined>(undefined),
    memory: signal<MemoryUse | undefined>(undefined),
    notes: signal<readonly string[]>([]),
    trainingSet: signal<TrainingSet | undefined>(undefined),
    unsaved: signal<string | undefined>(undefined),
    session: newSession(),
  };
}

function newSession(): RunSession {
  return {
    wish: "run",
    wake: undefined,
    generator: undefined,
    saves: [],
    writing: undefined,
    saving: true,
    checkpoint: undefined,
    products: {},
    reportedAt: 0,
  };
}

/** Puts `record` in the place of whatever run was shown before. */
export function showRun(run: RunState, record: RunRecord): void {
  run.record.value = record;
  run.stages.value = waitingStages();
  run.steps.value = record.steps;
  run.engine.value = undefined;
  run.card.value = undefined;
  run.memory.value = undefined;
  run.notes.value = [];
  run.trainingSet.value = undefined;
  run.unsaved.value = undefined;
  Object.assign(run.session, newSession());
}

export function patchStage(run: RunState, stage: StageName, patch: Partial<StageView>): void {
  run.stages.value = { ...run.stages.value, [stage]: { ...run.stages.value[stage], ...patch } };
}

export function showProgress(run: RunState, stage: StageName, progress: Progress): void {
  const { progress: last, seconds, first } = run.stages.value[stage];
  const same = last?.unit === progress.unit && last.total === progress.total && last.done <= progress.done;
  patchStage(run, stage, { progress, first: same ? first : { done: progress.done, seconds } });
}

export const currentStage = (run: RunState): StageName | undefined =>
  stageNames.find((name) => run.stages.value[name].state === "running");

/** What this visit still holds in memory counts before what is stored: a save may have failed. */
export async function checkpointOf(app: App, id: RunId): Promise<Checkpoint | undefined> {
  const { record, session } = app.run;
  if (record.value?.id === id && session.checkpoint) return session.checkpoint;
  return app.deps.store.loadCheckpoint(id, (error) => tellError(app, error));
}

export async function productsOf(app: App, id: RunId): Promise<RunProducts> {
  const { record, session } = app.run;
  const stored = await app.deps.store.readProducts(id, (error) => tellError(app, error));
  return record.value?.id === id ? { ...stored, ...session.products } : stored;
}
