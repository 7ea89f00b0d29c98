/**
 * The one language model at work: writing decoys, judging them, naming domains, writing queries. It is opened for a piece
 * of work and closed with it, because it fills the graphics card that a run needs. Pausing is not asking for the next
 * report; stopping aborts the answer under way.
 */
import { type Signal, signal } from "@preact/signals";
import type { LanguageModel, LanguageModelInfo, ProviderSettings } from "../domain/languageModel.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { App } from "./app.ts";
import { attempt, tellError } from "./notices.ts";

export type WorkKind = "generate" | "judge" | "domains" | "queries";
export type WorkPhase = "idle" | "opening" | "running" | "pausing" | "paused" | "stopping";

export interface Opening {
  readonly done: number;
  readonly total: number;
  readonly words: string;
}

export interface WorkState {
  readonly phase: Signal<WorkPhase>;
  readonly kind: Signal<WorkKind | undefined>;
  /** What is done before the first answer: downloading a model, indexing the collection. */
  readonly opening: Signal<Opening | undefined>;
  readonly model: Signal<LanguageModelInfo | undefined>;
  /** Why it waits without having been asked to. */
  readonly problem: Signal<string | undefined>;
  readonly session: WorkSession;
}

interface WorkSession {
  wish: "run" | "pause" | "stop";
  /** Lets waiting work look at the wish again. */
  wake: (() => void) | undefined;
  abort: AbortController;
  /** Resolves when the work at hand has ended and its model is closed. */
  ended: Promise<unknown>;
}

export function createWork(): WorkState {
  return {
    phase: signal<WorkPhase>("idle"),
    kind: signal<WorkKind | undefined>(undefined),
    opening: signal<Opening | undefined>(undefined),
    model: signal<LanguageModelInfo | undefined>(undefined),
    problem: signal<string | undefined>(undefined),
    session: { wish: "run", wake: undefined, abort: new AbortController(), ended: Promise.resolve() },
  };
}

export interface Work<Report> {
  readonly kind: WorkKind;
  readonly provider: ProviderSettings;
  readonly recorded: readonly WrittenNegative[];
  readonly start: (model: LanguageModel, signal: AbortSignal) => AsyncGenerator<Report, unknown, void>;
  readonly receive: (report: Report) => Promise<void>;
  /** After a pause, before more is asked for. It may ask to wait again. */
  readonly goOn?: () => Promise<void>;
}

export type WorkEnd = "finished" | "stopped" | "failed";

/** Whether a model may be opened now. While a run computes, the graphics card is the run's. */
export function canWork(app: App): boolean {
  const run = app.run.phase.value;
  return app.writable.value && app.work.phase.value === "idle" && (run === "idle" || run === "paused");
}

/** Opens the model, works to the end, closes the model. What went wrong is told. */
export async function work<Report>(app: App, task: Work<Report>): Promise<WorkEnd> {
  const { phase, kind, session } = app.work;
  session.wish = "run";
  session.abort = new AbortController();
  kind.value = task.kind;
  phase.value = "opening";
  const ended = worked(app, task);
  session.ended = ended;
  return ended;
}

async function worked<Report>(app: App, task: Work<Report>): Promise<WorkEnd> {
  const { phase, kind, session, opening, model: info, problem } = app.work;
  let model: LanguageModel | undefined;
  try {
    model = await openModel(app, task);
    info.value = model.info;
    return await drive(app, task, task.start(model, session.abort.signal));
  } catch (error) {
    if (stops(app)) return "stopped";
    tellError(app, error);
    return "failed";
  } finally {
    await attempt(app, async () => model?.close());
    [opening.value, info.value, problem.value, kind.value] = [undefined, undefined, undefined, undefined];
    phase.value = "idle";
  }
}

/** Through a function: while something is awaited the wish may become another one. */
const stops = ({ work }: App): boolean => work.session.wish === "stop";
const waits = ({ work }: App): boolean => work.session.wish === "pause";

async function openModel<Report>(app: App, { provider, recorded }: Work<Report>): Promise<LanguageModel> {
  const { opening, session } = app.work;
  const synthesis = await app.deps.synthesis();
  session.abort.signal.throwIfAborted();
  return synthesis.open(provider, recorded, {
    signal: session.abort.signal,
    progress: (report) => (opening.value = report),
  });
}

async function drive<Report>(
  app: App,
  task: Work<Report>,
  reports: AsyncGenerator<Report, unknown, void>,
): Promise<WorkEnd> {
  const { phase, opening } = app.work;
  if (phase.value === "opening") phase.value = "running";
  for (;;) {
    await waitWhilePaused(app, task);
    if (stops(app)) {
      await reports.return(undefined);
      return "stopped";
    }
    const result = await reports.next();
    opening.value = undefined;
    if (result.done) return "finished";
    await task.receive(result.value);
  }
}

async function waitWhilePaused<Report>(app: App, task: Work<Report>): Promise<void> {
  const { phase, session } = app.work;
  while (waits(app)) {
    phase.value = "paused";
    await new Promise<void>((resolve) => (session.wake = resolve));
    if (!waits(app) && !stops(app)) {
      phase.value = "running";
      await task.goOn?.();
    }
  }
}

/** Takes effect with the next report; while a model is opened, once it is open. */
export function pauseWork(app: App): void {
  const { phase, session } = app.work;
  if (phase.value !== "running" && phase.value !== "opening") return;
  session.wish = "pause";
  phase.value = "pausing";
}

/** Makes the work wait for the person, and says why. */
export function waitFor(app: App, why: string): void {
  if (stops(app)) return;
  app.work.problem.value = why;
  app.work.session.wish = "pause";
  app.work.phase.value = "pausing";
}

export function resumeWork(app: App): void {
  const { phase, session } = app.work;
  if (phase.value !== "paused" && phase.value !== "pausing") return;
  session.wish = "run";
  if (phase.value === "pausing") phase.value = "running";
  wake(app);
}

/** Resolves when the work has ended and its model is closed. */
export async function stopWork(app: App): Promise<void> {
  const { phase, session } = app.work;
  if (phase.value === "idle") return;
  session.wish = "stop";
  phase.value = "stopping";
  session.abort.abort();
  wake(app);
  await session.ended;
}

function wake({ work }: App): void {
  work.session.wake?.();
  work.session.wake = undefined;
}
