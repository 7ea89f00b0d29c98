/** Training as a stage: batches in, steps and checkpoints out. The engine does the arithmetic. */
import { present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { relay } from "../base/relay.ts";
import { planBatches, type BatchPlan } from "../data/batches.ts";
import type { TrainingConfig } from "../domain/config.ts";
import { usualLearningRates } from "../domain/encoder.ts";
import type { Model, StepOutcome, Trainer, TrainerSettings } from "../domain/engine.ts";
import type { TrainOutcome } from "../domain/stages.ts";
import type { Checkpoint, Refresh, StepReport, TrainingRow, TrainingSet, TrainReport } from "../domain/training.ts";
import { contrastiveBatch, type Tokenize } from "./batch.ts";
import { probe, probeSteps } from "./probes.ts";
import { createRefresher, type Refresher } from "./refresh.ts";
import { learningRateAt } from "./schedule.ts";

/** The loss or the gradient became NaN or infinite: the step changed nothing, and the run ends before the damage. */
export class NonFiniteLoss extends UserError {
  override readonly name = "NonFiniteLoss";
}

export interface TrainInput {
  readonly data: TrainingSet;
  readonly config: TrainingConfig;
  readonly tokenize: Tokenize;
  readonly resume?: Checkpoint | undefined;
  readonly refresh?: Refresh | undefined;
  /** Seconds. */
  readonly checkpointEvery: number;
  /** Steps handed to the engine before the first of them is waited for: 2 keeps a GPU busy, 1 suits a CPU. */
  readonly ahead: number;
  readonly peakBytes: () => number;
}

/** What the recipe asks of a trainer. */
export const trainerSettings = ({ weightDecay, clip, ...config }: TrainingConfig): TrainerSettings => ({
  loss: config.loss,
  temperature: config.temperature,
  ...(config.hardness && { hardness: config.hardness.alpha }),
  ...(config.entropy && { entropy: config.entropy }),
  ...(config.dimensions && { dimensions: config.dimensions }),
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay,
  clip: clip === 0 ? Infinity : clip,
});

/** A training that is under way. */
interface Run {
  readonly model: Model;
  readonly trainer: Trainer;
  readonly input: TrainInput;
  readonly plan: BatchPlan;
  /** The peak of the learning rate. */
  readonly learningRate: number;
  /** Steps done at which the negatives are looked at. */
  readonly probes: ReadonlySet<number>;
  readonly refresher: Refresher | undefined;
}

interface Submitted {
  readonly step: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly outcome: Promise<StepOutcome>;
}

/** The rows of a step, and the set that they point into. */
async function rowsAt(
  { input, plan, refresher }: Run,
  step: number,
): Promise<{ readonly data: TrainingSet; readonly rows: readonly TrainingRow[] }> {
  const rows = plan.rows(step);
  if (refresher) return { data: refresher.data, rows: await refresher.rowsAt(step, rows) };
  return { data: input.data, rows: rows.flatMap((row) => input.data.rows[row] ?? []) };
}

async function submit(run: Run, step: number): Promise<Submitted> {
  const { config, tokenize } = run.input;
  const { data, rows } = await rowsAt(run, step);
  const batch = contrastiveBatch(data, rows, config, tokenize);
  const learningRate = learningRateAt(step, run.plan.steps, { ...config, learningRate: run.learningRate });
  const outcome = run.trainer.step(batch, learningRate);
  // It is awaited later; until then a failure must not count as unhandled.
  outcome.catch(() => undefined);
  return { step, learningRate, tokens: batch.texts.tokenIds.length, outcome };
}

function check({ loss, gradNorm }: StepOutcome, step: number, { input, learningRate }: Run): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new NonFiniteLoss(
    `Step ${step} gave a loss of ${loss} and a gradient of ${gradNorm}, so it was not applied and training stopped. ` +
      `The weights before it are kept. Lower the learning rate (now ${learningRate}) or raise the temperature (now ${input.config.temperature}).`,
  );
}

interface Totals {
  /** Next step to submit, 0-based. */
  next: number;
  tokens: number;
  seconds: number;
}

/** Whether all steps before `step` must be done before it is put together: something needs the weights in between. */
const needsWeights = ({ probes, refresher }: Run, step: number): boolean =>
  probes.has(step) || (refresher !== undefined && (refresher.everyStep || refresher.due(step)));

/** Submits as far ahead as the engine likes, but not past a checkpoint that is due (which waits for the steps in flight). */
async function fill(waiting: Submitted[], totals: Totals, run: Run, due: boolean): Promise<void> {
  const most = due && waiting.length > 0 ? 0 : run.input.ahead;
  while (waiting.length < most && totals.next < run.plan.steps) {
    if (waiting.length > 0 && needsWeights(run, totals.next)) return;
    waiting.push(await submit(run, totals.next++));
  }
}

/** What comes before `step`, with no step in flight. */
async function* between(
  { model, input, probes, refresher }: Run,
  step: number,
): AsyncGenerator<TrainReport, void, void> {
  if (probes.has(step)) yield { kind: "probe", snapshot: await probe({ model, ...input }, step) };
  if (!refresher?.due(step)) return;
  const refreshed = yield* relay(refresher.renew(step), (progress) => ({ kind: "progress" as const, progress }));
  yield { kind: "refreshed", refreshed };
}

async function checkpointOf({ trainer, refresher }: Run): Promise<Checkpoint> {
  const mined = refresher?.mined();
  return { ...(await trainer.checkpoint()), ...(mined && { mined }) };
}

/** The steps from `totals.next` on, and a checkpoint whenever one is due and every step before it is reported. */
async function* steps(run: Run, totals: Totals): AsyncGenerator<TrainReport, void, void> {
  const { input, plan } = run;
  const waiting: Submitted[] = [];
  let saved = performance.now();
  let mark = saved;
  while (totals.next < plan.steps || waiting.length > 0) {
    if (waiting.length === 0) {
      yield* between(run, totals.next);
      mark = performance.now();
    }
    const due = performance.now() - saved > 1000 * input.checkpointEvery;
    await fill(waiting, totals, run, due);
    const first = present(waiting.shift(), "the step in flight");
    const outcome = await first.outcome;
    check(outcome, first.step + 1, run);
    const report = stepReport(first, outcome, plan.steps, (performance.now() - mark) / 1000);
    totals.tokens += report.tokens;
    totals.seconds += report.seconds;
    yield { kind: "step", step: report };
    if (due && waiting.length === 0 && totals.next < plan.steps) {
      yield { kind: "checkpoint", checkpoint: await checkpointOf(run) };
      saved = performance.now();
    }
    // Set after the reports: the time a pause takes is not the step's.
    mark = performance.now();
  }
}

/**
 * Trains the weights of `model` over the planned batches. Yields each step, a checkpoint every `checkpointEvery` seconds
 * once all steps before it are reported, each new index of ANCE and the way to it, batch by batch, and each look at the
 * negatives. Errors: {@link NonFiniteLoss} and what the engine throws.
 */
export async function* train(model: Model, input: TrainInput): AsyncGenerator<TrainReport, TrainOutcome, void> {
  const { config, resume, data, refresh, tokenize } = input;
  const plan = planBatches(data.rows.length, config, data.topics);
  const trainer = await model.createTrainer(trainerSettings(config));
  try {
    if (resume) await trainer.restore(resume);
    const refresher = refresh && createRefresher({ model, tokenize, data, refresh, seed: config.seed }, resume?.mined);
    const learningRate = config.learningRate ?? usualLearningRates[model.shape.family];
    const probes = probeSteps(plan.steps, config.probes);
    const run: Run = { model, trainer, input, plan, refresher, learningRate, probes };
    const totals: Totals = { next: resume?.step ?? 0, tokens: 0, seconds: 0 };
    yield* steps(run, totals);
    const checkpoint = await checkpointOf(run);
    return {
      steps: plan.steps,
      tokens: totals.tokens,
      seconds: totals.seconds,
      peakBytes: input.peakBytes(),
      checkpoint,
    };
  } finally {
    trainer.dispose();
  }
}

function stepReport(
  { step, learningRate, tokens }: Submitted,
  outcome: StepOutcome,
  steps: number,
  seconds: number,
): StepReport {
  return { step: step + 1, steps, ...outcome, tokens, seconds, learningRate };
}
