/** Training as a stage: batches in, steps and checkpoints out. The engine does the arithmetic. */
import { present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { relay } from "../base/relay.ts";
import type { TrainingConfig } from "../domain/config.ts";
import { usualLearningRate } from "../domain/encoder.ts";
import type { ContrastiveBatch, Model, StepOutcome, Trainer } from "../domain/engine.ts";
import type { Progress, TrainOutcome } from "../domain/stages.ts";
import type {
  Checkpoint,
  Dev,
  ReadCorpus,
  Refresh,
  StepReport,
  TrainingRow,
  TrainingSet,
  TrainReport,
} from "../domain/training.ts";
import { contrastiveBatch, type Tokenize } from "./batch.ts";
import { createSelection, type Selection } from "./dev.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { probe, probeSteps } from "./probes.ts";
import { createRefresher, type Refresher } from "./refresh.ts";
import { learningRateAt } from "./schedule.ts";
import { trainerSettings } from "./settings.ts";

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
  /** Needed for the recipe's `best`. */
  readonly dev?: Dev | undefined;
  /** Where only queries train: documents that need not be encoded. */
  readonly read?: ReadCorpus | undefined;
  /** Seconds. */
  readonly checkpointEvery: number;
  /** Steps handed to the engine before the first of them is waited for: 2 keeps a GPU busy, 1 suits a CPU. */
  readonly ahead: number;
  readonly peakBytes: () => number;
}

/** A training that is under way. */
interface Run extends Prepared {
  readonly model: Model;
  readonly trainer: Trainer;
  readonly input: TrainInput;
  /** The peak of the learning rate. */
  readonly learningRate: number;
  /** Steps done at which the negatives are looked at. */
  readonly probes: ReadonlySet<number>;
  readonly refresher: Refresher | undefined;
  readonly selection: Selection | undefined;
}

interface Submitted {
  readonly step: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly outcome: Promise<StepOutcome>;
}

const asReport = (progress: Progress): TrainReport => ({ kind: "progress", progress });

async function batchAt({ input, plan, refresher, set }: Run, step: number, batch: number): Promise<ContrastiveBatch> {
  const numbers = plan.rows(batch);
  const rows: readonly TrainingRow[] = refresher
    ? await refresher.rowsAt(step, numbers)
    : numbers.flatMap((row) => set.rows[row] ?? []);
  return contrastiveBatch(set, rows, input.config, input.tokenize);
}

async function submit(run: Run, step: number): Promise<Submitted> {
  const batches: ContrastiveBatch[] = [];
  for (const batch of run.plan.batches(step)) batches.push(await batchAt(run, step, batch));
  const learningRate = learningRateAt(step, run.plan.steps, { ...run.input.config, learningRate: run.learningRate });
  const [only, second] = batches;
  const outcome = run.trainer.step(only && !second ? only : batches, learningRate);
  // It is awaited later; until then a failure must not count as unhandled.
  outcome.catch(() => undefined);
  const tokens = batches.reduce((sum, { texts }) => sum + texts.tokenIds.length, 0);
  return { step, learningRate, tokens, outcome };
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
const needsWeights = ({ probes, refresher, selection }: Run, step: number): boolean =>
  probes.has(step) ||
  selection?.due(step) === true ||
  (refresher !== undefined && (refresher.everyStep || refresher.due(step)));

/** Submits as far ahead as the engine likes, but not past a checkpoint that is due (which waits for the steps in flight). */
async function fill(waiting: Submitted[], totals: Totals, run: Run, due: boolean): Promise<void> {
  const most = due && waiting.length > 0 ? 0 : run.input.ahead;
  while (waiting.length < most && totals.next < run.plan.steps) {
    if (waiting.length > 0 && needsWeights(run, totals.next)) return;
    waiting.push(await submit(run, totals.next++));
  }
}

/** What comes before `step`, with no step in flight; before one that is not taken only a look at dev. */
async function* between(run: Run, step: number): AsyncGenerator<TrainReport, void, void> {
  const { model, input, probes, refresher, selection, set } = run;
  if (selection?.due(step)) yield { kind: "dev", dev: yield* relay(selection.look(step), asReport) };
  if (isOver(run, step)) return;
  if (probes.has(step)) yield { kind: "probe", snapshot: await probe({ model, ...input, fixed: set.fixed }, step) };
  if (refresher?.due(step)) yield { kind: "refreshed", refreshed: yield* relay(refresher.renew(step), asReport) };
}

const isOver = ({ plan, selection }: Run, step: number): boolean => step >= plan.steps || selection?.ended() === true;

async function checkpointOf({ trainer, refresher, selection }: Run): Promise<Checkpoint> {
  const [mined, best] = [refresher?.mined(), selection?.best()];
  return { ...(await trainer.checkpoint()), ...(mined && { mined }), ...(best && { best }) };
}

/** With the best weights in the place of the last step's, in the encoder too. */
async function lastCheckpoint(run: Run): Promise<Checkpoint> {
  const last = await checkpointOf(run);
  if (!last.best || last.best.step === last.step) return last;
  const chosen = { ...last, weights: last.best.weights };
  await run.trainer.restore(chosen);
  return chosen;
}

/** The steps from `totals.next` on, and a checkpoint whenever one is due and every step before it is reported. */
async function* steps(run: Run, totals: Totals): AsyncGenerator<TrainReport, void, void> {
  const { input, plan } = run;
  const waiting: Submitted[] = [];
  let saved = performance.now();
  let mark = saved;
  for (;;) {
    if (waiting.length === 0) {
      yield* between(run, totals.next);
      if (isOver(run, totals.next)) return;
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

function runOf(model: Model, trainer: Trainer, input: TrainInput, { plan, set }: Prepared): Run {
  const { config, resume, data, refresh, dev, tokenize } = input;
  const { steps } = plan;
  const refresher = refresh && createRefresher({ model, tokenize, data, refresh, seed: config.seed }, resume?.mined);
  const { best } = config;
  return {
    model,
    trainer,
    input,
    plan,
    set: refresher ? { ...refresher.data, ...(set.fixed && { fixed: set.fixed }) } : set,
    refresher,
    learningRate: config.learningRate ?? usualLearningRate(model.shape, config.lora !== undefined),
    probes: probeSteps(steps, config.probes),
    selection:
      best && createSelection({ model, tokenize, trainer, config, steps, dev: present(dev, "dev") }, resume?.best),
  };
}

/**
 * Trains the weights of `model` over the planned batches; they must be those from before training, also where it goes on.
 * Yields each step, a checkpoint every `checkpointEvery` seconds once all steps before it are reported, each new index of ANCE
 * and the way to it, batch by batch, each look at the negatives, and each at dev. Errors: {@link NonFiniteLoss} and what the
 * engine throws.
 */
export async function* train(model: Model, input: TrainInput): AsyncGenerator<TrainReport, TrainOutcome, void> {
  const { config, resume } = input;
  const prepared = yield* relay(prepare({ model, ...input }), asReport);
  const trainer = await model.createTrainer(trainerSettings(config));
  try {
    if (resume) await trainer.restore(resume);
    const run = runOf(model, trainer, input, prepared);
    const totals: Totals = { next: resume?.step ?? 0, tokens: 0, seconds: 0 };
    yield* steps(run, totals);
    const checkpoint = await lastCheckpoint(run);
    return {
      steps: totals.next,
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
