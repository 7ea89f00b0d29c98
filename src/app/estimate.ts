/** How long it still takes. */
import type { StepReport } from "../domain/training.ts";
import type { StageView } from "./runState.ts";

/** Enough steps to even out batches of unlike length, few enough to follow a machine that slows down. */
const recent = 20;

/** Seconds left of a stage, from its pace so far; undefined while nothing is known. */
export function secondsLeft(stage: StageView, steps: readonly StepReport[]): number | undefined {
  const { progress, seconds } = stage;
  if (!progress || progress.done <= 0) return undefined;
  if (progress.unit === "steps") return (progress.total - progress.done) * secondsPerStep(steps);
  return ((progress.total - progress.done) * seconds) / progress.done;
}

function secondsPerStep(steps: readonly StepReport[]): number {
  const last = steps.slice(-recent);
  return last.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, last.length);
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
