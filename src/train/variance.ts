/** The variance of the gradient over batches at fixed weights. */
import { assert } from "../base/assert.ts";
import { planBatches } from "../data/batches.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { GradientVariance } from "../domain/diagnostics.ts";
import type { StepOutcome, Trainer } from "../domain/engine.ts";
import type { Progress } from "../domain/stages.ts";
import type { TrainingSet } from "../domain/training.ts";
import { contrastiveBatch } from "./batch.ts";
import type { Reading } from "./encode.ts";
import { NonFiniteLoss, trainerSettings } from "./train.ts";

/**
 * Mean and summed squared distance from it in one pass (Welford, 1962), in double precision: one arena is held, however
 * many gradients come.
 */
function welford(floats: number) {
  const mean = new Float64Array(floats);
  let [count, squares] = [0, 0];
  return {
    add(gradient: Float32Array): void {
      count++;
      for (let k = 0; k < floats; k++) {
        const before = (gradient[k] ?? 0) - (mean[k] ?? 0);
        mean[k] = (mean[k] ?? 0) + before / count;
        squares += before * ((gradient[k] ?? 0) - (mean[k] ?? 0));
      }
    },
    result: (): GradientVariance => ({
      trace: squares / (count - 1),
      meanSquared: mean.reduce((sum, value) => sum + value * value, 0),
      batches: count,
    }),
  };
}

export interface VarianceInput extends Reading {
  readonly data: TrainingSet;
  readonly config: TrainingConfig;
  /** At least 2. */
  readonly batches: number;
}

function check({ loss, gradNorm }: StepOutcome, batch: number, { temperature }: TrainingConfig): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new NonFiniteLoss(
    `Batch ${batch} gave a loss of ${loss} and a gradient of ${gradNorm} before training, so their variance could not be measured. ` +
      `The weights are as they were. Raise the temperature (now ${temperature}) or choose another encoder.`,
  );
}

async function* measure(
  trainer: Trainer,
  { data, config, tokenize, batches }: VarianceInput,
  floats: number,
): AsyncGenerator<Progress, GradientVariance, void> {
  const plan = planBatches(data.rows.length, config, data.topics);
  const sums = welford(floats);
  for (let b = 0; b < batches; b++) {
    const rows = plan.rows(b).flatMap((row) => data.rows[row] ?? []);
    check(await trainer.step(contrastiveBatch(data, rows, config, tokenize), 0), b + 1, config);
    sums.add(await trainer.gradient());
    yield { done: b + 1, total: batches, unit: "batches" };
  }
  return sums.result();
}

/**
 * V_tr over the first `batches` batches of the plan, which goes on into further epochs where one has fewer. The gradients
 * are those before clipping. The weights are afterwards what they were, bit for bit, also when it is stopped.
 */
export async function* gradientVariance(input: VarianceInput): AsyncGenerator<Progress, GradientVariance, void> {
  const { model, config, data, batches } = input;
  assert(batches >= 2, `the variance of ${batches} gradients`);
  assert(data.rows.length > 0, "no rows");
  const weights = await model.weights();
  const trainer = await model.createTrainer({ ...trainerSettings(config), weightDecay: 0 });
  try {
    try {
      return yield* measure(trainer, input, weights.length);
    } finally {
      // A rate of 0 leaves the values, but −0 may become 0, and a GPU may take the smallest numbers for 0.
      const zeros = new Float32Array(weights.length);
      await trainer.restore({ step: 0, weights, firstMoment: zeros, secondMoment: zeros });
    }
  } finally {
    trainer.dispose();
  }
}
