/** Loss by step: each step as a thin line, their running mean as a thick one. */
import type { StepReport } from "../../domain/training.ts";
import { StepChart } from "./stepChart.tsx";

export function LossChart({ steps }: { readonly steps: readonly StepReport[] }) {
  if (steps.length === 0) return <p class="quiet">The loss curve begins with the first training step.</p>;
  return <StepChart steps={steps} name="Loss" of={({ loss }) => loss} thin="the loss of each step" />;
}
