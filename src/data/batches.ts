/** Which rows each optimiser step sees: a pure function of the recipe, so that a resumed run goes on with the same rows. */
import { random, shuffled } from "../base/random.ts";
import type { TrainingConfig } from "../domain/config.ts";

export interface BatchPlan {
  readonly steps: number;
  /** Row indices of a step (0-based). The last batch of an epoch may be smaller. */
  rows(step: number): readonly number[];
}

/** Steps are `config.steps`, or as many as `config.epochs` passes take. No rows, no steps. */
export function planBatches(
  rows: number,
  config: Pick<TrainingConfig, "batchSize" | "epochs" | "steps" | "seed" | "shuffle">,
): BatchPlan {
  const perEpoch = Math.ceil(rows / config.batchSize);
  const steps = perEpoch === 0 ? 0 : (config.steps ?? Math.ceil(config.epochs * perEpoch));
  let current: { readonly epoch: number; readonly order: readonly number[] } | undefined;
  function order(epoch: number): readonly number[] {
    if (current?.epoch !== epoch) {
      const all = Array.from({ length: rows }, (_, i) => i);
      current = { epoch, order: config.shuffle ? shuffled(all, random(config.seed, `epoch ${epoch}`)) : all };
    }
    return current.order;
  }
  return {
    steps,
    rows(step) {
      const start = (step % perEpoch) * config.batchSize;
      return order(Math.floor(step / perEpoch)).slice(start, start + config.batchSize);
    },
  };
}
