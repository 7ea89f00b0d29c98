/** What a run knows while it goes on, and how its stages report. */
import { relay } from "../base/relay.ts";
import type { GradientVariance, Snapshot } from "../domain/diagnostics.ts";
import type { ModelHandle, Progress } from "../domain/stages.ts";
import type { GateReport, RunProduct, RunReport, StageName } from "../domain/run.ts";
import type { DevReport, RefreshReport, StepReport } from "../domain/training.ts";
import type { Corpus } from "./corpus.ts";
import type { Guide } from "./guide.ts";
import type { Evaluation } from "./measure.ts";
import type { Splits } from "./prepare.ts";
import type { RunInput, Services } from "./run.ts";

export interface State {
  readonly services: Services;
  readonly input: RunInput;
  readonly splits: Splits;
  readonly corpus: Corpus;
  /** What the best weights are told by; undefined where the recipe keeps the last ones. */
  readonly dev: Evaluation | undefined;
  /** The starting encoder, which training changes. */
  readonly model: ModelHandle;
  /** What it was before training: it reads the collection once, whoever asks first. */
  readonly start: Guide;
  /** The encoder that judges and finds negatives: `start` itself, or another, open while it is needed. */
  guide: Guide | undefined;
  gate: GateReport | undefined;
  variance: GradientVariance | undefined;
  readonly seconds: Partial<Record<StageName, number>>;
  readonly notes: string[];
  /** Of this session and of those before it, up to the checkpoint. */
  readonly steps: StepReport[];
  readonly probes: Snapshot[];
  readonly refreshes: RefreshReport[];
  /** At dev. */
  readonly looks: DevReport[];
}

/** Reports of the run. */
export type Reports<Output> = AsyncGenerator<RunReport, Output, void>;
/** Work inside a stage: progress of a thread, or reports of the run. */
export type Work<Output> = AsyncGenerator<Progress | RunReport, Output, void>;

const isProgress = (report: Progress | RunReport): report is Progress => "unit" in report;

/** Runs one stage between its "started" and "finished" reports, on its own clock. */
export async function* stage<Output>(
  state: Pick<State, "seconds">,
  name: StageName,
  work: Work<Output>,
): Reports<Output> {
  yield { kind: "started", stage: name };
  const reported = (report: Progress | RunReport): RunReport =>
    isProgress(report) ? { kind: "progress", stage: name, progress: report } : report;
  const product = yield* relay(work, reported, (seconds) => {
    state.seconds[name] = (state.seconds[name] ?? 0) + seconds;
  });
  yield { kind: "finished", stage: name, seconds: state.seconds[name] ?? 0 };
  return product;
}

export async function* noted(state: State, name: StageName, notes: readonly string[]): Reports<void> {
  for (const text of notes) {
    state.notes.push(text);
    yield { kind: "note", stage: name, text };
  }
}

export const made = (product: RunProduct): RunReport => ({ kind: "product", product });
