/** How long it still takes. */
import type { RunRecord, StageName } from "../domain/run.ts";
import type { StepReport } from "../domain/training.ts";
import type { RunState, StageView } from "./runState.ts";

/** Enough steps to even out batches of unlike length, few enough to follow a machine that slows down. */
const recent = 20;

export interface TimeLeft {
  readonly seconds: number;
  /** True where more is to come that was never seen yet, so that nobody knows how long it takes. */
  readonly atLeast: boolean;
}

/**
 * Until the training is done; of another stage, until what it counts now is done. Undefined while nothing is known, and
 * for a stage that does not go on.
 */
export function timeLeft(
  { stages, steps, record }: Pick<RunState, "stages" | "steps" | "record">,
  name: StageName,
): TimeLeft | undefined {
  const view = stages.value[name];
  if (view.state !== "running" || !view.progress) return undefined;
  if (name === "train") return trainingLeft(view, steps.value, record.value);
  const seconds = countLeft(view);
  return seconds === undefined ? undefined : { seconds, atLeast: false };
}

/** Of what is counted now, from its own pace; what came before its first report was done to get ready. */
function countLeft({ progress, seconds, first }: StageView): number | undefined {
  if (!progress) return undefined;
  const { done, total } = progress;
  if (done >= total) return 0;
  return done > first.done ? ((total - done) * (seconds - first.seconds)) / (done - first.done) : undefined;
}

type Between = Pick<RunRecord, "config" | "refreshes" | "dev">;

/** The steps, what is counted between two of them, the indexes that ANCE makes later, and the looks at dev to come. */
function trainingLeft(
  view: StageView,
  steps: readonly StepReport[],
  record: Between | undefined,
): TimeLeft | undefined {
  const between = view.progress?.unit !== "steps";
  const counted = between ? countLeft(view) : 0;
  const last = steps.at(-1);
  if (!last) return counted ? { seconds: counted, atLeast: true } : undefined;
  const looking = between && owesLook(last, record);
  const later = [indexesLeft(last, between && !looking, record), looksLeft(last, looking, record)];
  const known = later.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  return {
    seconds: (last.steps - last.step) * secondsPerStep(steps) + (counted ?? 0) + known,
    atLeast: counted === undefined || later.some(({ seconds }) => seconds === undefined),
  };
}

/** Looks at dev up to the last step that was reported. */
const looksAt = ({ step }: StepReport, record: Between | undefined) =>
  (record?.dev ?? []).filter((look) => look.step <= step);

/** Whether dev is looked at with the weights of now before anything else is done. */
function owesLook(last: StepReport, record: Between | undefined): boolean {
  const every = record?.config.best?.every;
  if (every === undefined || looksAt(last, record).at(-1)?.step === last.step) return false;
  return last.step % every === 0 || last.step === last.steps;
}

/**
 * Looks at dev, without the one that is being made; seconds from what those before took. Where documents train, the first
 * one is no measure: they are not encoded for it.
 */
function looksLeft(last: StepReport, making: boolean, record: Between | undefined) {
  const { best, side } = record?.config ?? {};
  if (!best) return { seconds: 0 };
  const made = looksAt(last, record);
  const done = Math.floor((made.at(-1)?.step ?? 0) / best.every) + (making ? 1 : 0);
  const count = last.step === last.steps && !owesLook(last, record) ? 0 : Math.ceil(last.steps / best.every) - done;
  const measures = made.filter((look) => side === "queries" || look.step > 0);
  const mean = measures.reduce((sum, { seconds }) => sum + seconds, 0) / measures.length;
  return { seconds: count === 0 ? 0 : measures.length === 0 ? undefined : count * mean };
}

/**
 * ANCE's indexes of later weights, without the one that is being made; seconds from what those before took. The first
 * one, of the weights before training, is no measure: the collection is not encoded for it.
 */
function indexesLeft({ step, steps }: StepReport, making: boolean, record: Between | undefined) {
  const every = record?.config.negatives.find((request) => request.source === "ance")?.every;
  if (every === undefined) return { seconds: 0 };
  const made = (record?.refreshes ?? []).filter(({ version }) => version > 0);
  const begun = making || made.some(({ version }) => version === step);
  const first = Math.ceil(Math.max(1, begun ? step + 1 : step) / every);
  const count = Math.max(0, Math.ceil(steps / every) - first);
  const mean = made.reduce((sum, { seconds }) => sum + seconds, 0) / made.length;
  return { seconds: count === 0 ? 0 : made.length === 0 ? undefined : count * mean };
}

function secondsPerStep(steps: readonly StepReport[]): number {
  const last = steps.slice(-recent);
  return last.reduce((sum, { seconds }) => sum + seconds, 0) / last.length;
}

/** Over the last steps; undefined before the first. */
export function tokensPerSecond(steps: readonly StepReport[]): number | undefined {
  const last = steps.slice(-recent);
  const seconds = last.reduce((sum, step) => sum + step.seconds, 0);
  return seconds > 0 ? last.reduce((sum, { tokens }) => sum + tokens, 0) / seconds : undefined;
}

/** Exponential running mean with its start corrected (as Adam's), `keep` of the past a step. */
export function runningMean(values: readonly number[], keep: number): number[] {
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}
