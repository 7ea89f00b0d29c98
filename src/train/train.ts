/** Training as a stage: batches in, steps and checkpoints out. The engine does the arithmetic. */
import { UserError } from "../base/errors.ts";
import { planBatches } from "../data/batches.ts";
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

function submit(trainer: Trainer, input: TrainInput, step: number, plan: ReturnType<typeof planBatches>): Submitted {
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

/**
 * Trains the weights of `model` over the planned batches. Yields each step, and a checkpoint every `checkpointEvery`
 * seconds once all steps before it are reported. Errors: {@link NonFiniteLoss} and what the engine throws.
 */
export async function* train(model: Model, input: TrainInput): AsyncGenerator<TrainReport, TrainOutcome, void> {
  const { config } = input;
  const plan = planBatches(input.data.rows.length, config);
  const trainer = await model.createTrainer({
    temperature: config.temperature,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: config.weightDecay,
    clip: config.clip === 0 ? Infinity : config.clip,
  });
  try {
    if (input.resume) await trainer.restore(input.resume);
    let next = input.resume?.step ?? 0;
    let [tokens, seconds, saved, mark] = [0, 0, performance.now(), performance.now()];
    const waiting: Submitted[] = [];
    while (next < plan.steps || waiting.length > 0) {
      const due = performance.now() - saved > 1000 * input.checkpointEvery;
      while (waiting.length < input.ahead && next < plan.steps && !(due && waiting.length > 0)) {
        waiting.push(submit(trainer, input, next++, plan));
      }
      const first = waiting.shift();
      if (!first) break;
      const outcome = await first.outcome;
      check(outcome, first.step + 1, config);
      const report = stepReport(first, outcome, plan.steps, (performance.now() - mark) / 1000);
      tokens += report.tokens;
      seconds += report.seconds;
      yield { kind: "step", step: report };
      if (due && waiting.length === 0 && next < plan.steps) {
        yield { kind: "checkpoint", checkpoint: await trainer.checkpoint() };
        saved = performance.now();
      }
      // Set after the reports: the time a pause takes is not the step's.
      mark = performance.now();
    }
    const checkpoint = await trainer.checkpoint();
    return { steps: plan.steps, tokens, seconds, peakBytes: input.peakBytes(), checkpoint };
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
