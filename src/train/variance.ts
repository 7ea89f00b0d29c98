/** The variance of the gradient over batches at fixed weights. */
import { assert } from "../base/assert.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { GradientVariance } from "../domain/diagnostics.ts";
import type { StepOutcome, Trainer } from "../domain/engine.ts";
import type { Progress } from "../domain/stages.ts";
import type { ReadCorpus, TrainingSet } from "../domain/training.ts";
import { contrastiveBatch } from "./batch.ts";
import type { Reading } from "./encode.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { trainerSettings } from "./settings.ts";
import { NonFiniteLoss } from "./train.ts";

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
  /** Where only queries train: documents that need not be encoded. */
  readonly read?: ReadCorpus | undefined;
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
  { config, tokenize, batches }: VarianceInput,
  { plan, set, floats }: Prepared & { readonly floats: number },
): AsyncGenerator<Progress, GradientVariance, void> {
  const sums = welford(floats);
  for (let b = 0; b < batches; b++) {
    const rows = plan.rows(b).flatMap((row) => set.rows[row] ?? []);
    check(await trainer.step(contrastiveBatch(set, rows, config, tokenize), 0), b + 1, config);
    sums.add(await trainer.gradient());
    yield { done: b + 1, total: batches, unit: "batches" };
  }
  return sums.result();
}

/**
 * V_tr over the first `batches` batches of the plan, which goes on into further epochs where one has fewer. The gradients
 * are those before clipping, of what trains. The weights are afterwards what they were, bit for bit, also when it is stopped.
 */
export async function* gradientVariance(input: VarianceInput): AsyncGenerator<Progress, GradientVariance, void> {
  const { model, config, data, batches } = input;
  assert(batches >= 2, `the variance of ${batches} gradients`);
  assert(data.rows.length > 0, "no rows");
  const prepared = yield* prepare(input);
  const trainer = await model.createTrainer({ ...trainerSettings(config), weightDecay: 0 });
  try {
    const start = await trainer.checkpoint();
    try {
      return yield* measure(trainer, input, { ...prepared, floats: start.weights.length });
    } finally {
      // A rate of 0 leaves the values, but −0 may become 0, and a GPU may take the smallest numbers for 0.
      await trainer.restore(start);
    }
  } finally {
    trainer.dispose();
  }
}
