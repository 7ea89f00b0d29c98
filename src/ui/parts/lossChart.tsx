/** Loss by step: each step as a thin line, their running mean as a thick one. */
import { runningMean } from "../../app/estimate.ts";
import type { StepReport } from "../../domain/training.ts";
import { Axes, frame, scalesOf, type Scales } from "./chart.tsx";

const height = 240;
/** More points than pixels tell nothing. */
const mostPoints = 500;

function linePath(steps: readonly StepReport[], values: readonly number[], { x, y }: Scales): string {
  const every = Math.max(1, Math.ceil(steps.length / mostPoints));
  const points = steps.flatMap(({ step }, index) => {
    const value = values[index];
    const kept = index % every === 0 || index === steps.length - 1;
    return kept && value !== undefined ? [`${x(step).toFixed(1)} ${y(value).toFixed(1)}`] : [];
  });
  return points.length === 0 ? "" : `M${points.join("L")}`;
}

export function LossChart({ steps }: { readonly steps: readonly StepReport[] }) {
  const last = steps.at(-1);
  if (!last) return <p class="quiet">The loss curve begins with the first training step.</p>;
  const losses = steps.map(({ loss }) => loss);
  const means = runningMean(losses, 0.9);
  const range = { low: Math.min(0, ...losses), high: Math.max(0.1, ...losses) * 1.05, first: 1, last: last.steps };
  const scales = scalesOf(range, height);
  const words = `Loss by step. Step ${last.step} of ${last.steps}: ${last.loss.toFixed(3)}; running mean ${(means.at(-1) ?? 0).toFixed(3)}; first step ${(losses[0] ?? 0).toFixed(3)}.`;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${frame.width} ${height}`} role="img" aria-label={words}>
        <Axes scales={scales} first="step 1" last={last.steps > 1 ? String(last.steps) : undefined} />
        <path class="thin" d={linePath(steps, losses, scales)} />
        <path class="thick" d={linePath(steps, means, scales)} />
        <circle class="now" cx={scales.x(last.step)} cy={scales.y(means.at(-1) ?? 0)} r="4" />
      </svg>
      <figcaption class="quiet">Thin: the loss of each step. Thick: its running mean.</figcaption>
    </figure>
  );
}
