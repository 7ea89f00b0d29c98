import type { TrainingConfig } from "../domain/config.ts";

/**
 * The learning rate of a step (0-based), as transformers' get_{constant,linear,cosine}_schedule_with_warmup: 0 at the
 * first step of a warmup, the peak right after it, and 0 one step after the last. The warmup is rounded down to whole
 * steps, so that a run of a few steps does not spend one on a rate of 0.
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, warmup, schedule }: { readonly learningRate: number } & Pick<TrainingConfig, "warmup" | "schedule">,
): number {
  const rising = Math.floor(steps * warmup);
  if (step < rising) return (learningRate * step) / Math.max(1, rising);
  const progress = (step - rising) / Math.max(1, steps - rising);
  switch (schedule) {
    case "constant":
      return learningRate;
    case "linear":
      return learningRate * (1 - progress);
    case "cosine":
      return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
    default:
      return schedule satisfies never;
  }
}
