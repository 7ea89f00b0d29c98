/** Training as a stage: batches in, steps and checkpoints out. The engine does the arithmetic. */
import { present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { planBatches, type BatchPlan } from "../data/batches.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Model, StepOutcome, Trainer } from "../domain/engine.ts";
import type { TrainOutcome, TrainReport } from "../domain/stages.ts";
import type { Checkpoint, StepReport, TrainingSet } from "../domain/training.ts";
import { contrastiveBatch, type Tokenize } from "./batch.ts";
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
  /** Seconds. */
  readonly checkpointEvery: number;
  /** Steps handed to the engine before the first of them is waited for: 2 keeps a GPU busy, 1 suits a CPU. */
  readonly ahead: number;
  readonly peakBytes: () => number;
}

interface Submitted {
  readonly step: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly outcome: Promise<StepOutcome>;
}

function submit(trainer: Trainer, input: TrainInput, step: number, plan: BatchPlan): Submitted {
  const { data, config, tokenize } = input;
  const rows = plan.rows(step).flatMap((row) => data.rows[row] ?? []);
  const batch = contrastiveBatch(data, rows, config.inBatch, tokenize);
  const learningRate = learningRateAt(step, plan.steps, config);
  const outcome = trainer.step(batch, learningRate);
  // It is awaited later; until then a failure must not count as unhandled.
  outcome.catch(() => undefined);
  return { step, learningRate, tokens: batch.texts.tokenIds.length, outcome };
}

function check({ loss, gradNorm }: StepOutcome, step: number, config: TrainingConfig): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new NonFiniteLoss(
    `Step ${step} gave a loss of ${loss} and a gradient of ${gradNorm}, so it was not applied and training stopped. ` +
      `The weights before it are kept. Lower the learning rate (now ${config.learningRate}) or raise the temperature (now ${config.temperature}).`,
  );
}

interface Totals {
  /** Next step to submit, 0-based. */
  next: number;
  tokens: number;
  seconds: number;
}

/** Submits as far ahead as the engine likes, but not past a checkpoint that is due. */
function fill(waiting: Submitted[], totals: Totals, { trainer, input, plan, due }: Submission): void {
  const most = due && waiting.length > 0 ? 0 : input.ahead;
  while (waiting.length < most && totals.next < plan.steps) waiting.push(submit(trainer, input, totals.next++, plan));
}

interface Submission {
  readonly trainer: Trainer;
  readonly input: TrainInput;
  readonly plan: BatchPlan;
  /** A checkpoint waits for the steps in flight. */
  readonly due: boolean;
}

/** The steps from `totals.next` on, and a checkpoint whenever one is due and every step before it is reported. */
async function* steps(
  trainer: Trainer,
  input: TrainInput,
  plan: BatchPlan,
  totals: Totals,
): AsyncGenerator<TrainReport, void, void> {
  const waiting: Submitted[] = [];
  let [saved, mark] = [performance.now(), performance.now()];
  while (totals.next < plan.steps || waiting.length > 0) {
    const due = performance.now() - saved > 1000 * input.checkpointEvery;
    fill(waiting, totals, { trainer, input, plan, due });
    const first = present(waiting.shift(), "the step in flight");
    const outcome = await first.outcome;
    check(outcome, first.step + 1, input.config);
    const report = stepReport(first, outcome, plan.steps, (performance.now() - mark) / 1000);
    totals.tokens += report.tokens;
    totals.seconds += report.seconds;
    yield { kind: "step", step: report };
    if (due && waiting.length === 0 && totals.next < plan.steps) {
      yield { kind: "checkpoint", checkpoint: await trainer.checkpoint() };
      saved = performance.now();
    }
    // Set after the reports: the time a pause takes is not the step's.
    mark = performance.now();
  }
}

/**
 * Trains the weights of `model` over the planned batches. Yields each step, and a checkpoint every `checkpointEvery`
 * seconds once all steps before it are reported. Errors: {@link NonFiniteLoss} and what the engine throws.
 */
export async function* train(model: Model, input: TrainInput): AsyncGenerator<TrainReport, TrainOutcome, void> {
  const { config, resume, data } = input;
  const plan = planBatches(data.rows.length, config);
  const trainer = await model.createTrainer({
    temperature: config.temperature,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: config.weightDecay,
    clip: config.clip === 0 ? Infinity : config.clip,
  });
  try {
    if (resume) await trainer.restore(resume);
    const totals: Totals = { next: resume?.step ?? 0, tokens: 0, seconds: 0 };
    yield* steps(trainer, input, plan, totals);
    const checkpoint = await trainer.checkpoint();
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
