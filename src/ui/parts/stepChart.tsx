/** A figure of every step as a thin line, its running mean as a thick one. */
import { runningMean } from "../../app/estimate.ts";
import type { StepReport } from "../../domain/training.ts";
import { Axes, Chart, scalesOf, type Scales } from "./chart.tsx";

const height = 240;
/** More points than pixels tell nothing. */
const mostPoints = 500;
/** Of the running mean, what a step keeps of those before it. */
export const keep = 0.9;

interface Point {
  readonly step: number;
  readonly value: number;
}

function linePath(points: readonly Point[], { x, y }: Scales): string {
  const every = Math.max(1, Math.ceil(points.length / mostPoints));
  const drawn = points.filter((_, index) => index % every === 0 || index === points.length - 1);
  return drawn.length === 0
    ? ""
    : `M${drawn.map(({ step, value }) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
}

interface StepChartProps {
  readonly steps: readonly StepReport[];
  /** "Loss", "Gradient norm". */
  readonly name: string;
  readonly of: (step: StepReport) => number;
  /** "the loss of each step". */
  readonly thin: string;
}

/** A step that was left out for not being finite has no point. Nothing where there is no point at all. */
export function StepChart({ steps, name, of, thin }: StepChartProps) {
  const points = steps
    .map((step) => ({ step: step.step, value: of(step) }))
    .filter(({ value }) => Number.isFinite(value));
  const [first, last, end] = [points[0], points.at(-1), steps.at(-1)];
  if (!first || !last || !end) return null;
  const values = points.map(({ value }) => value);
  const means = runningMean(values, keep).map((value, i) => ({ step: points[i]?.step ?? 0, value }));
  const mean = means.at(-1)?.value ?? 0;
  const range = { low: Math.min(0, ...values), high: Math.max(0.1, ...values) * 1.05, first: 1, last: end.steps };
  const scales = scalesOf(range, height);
  return (
    <Chart
      height={height}
      title={`${name} by step`}
      words={`Step ${last.step} of ${end.steps}: ${last.value.toFixed(3)}; running mean ${mean.toFixed(3)}; first step ${first.value.toFixed(3)}.`}
      caption={`Thin: ${thin}. Thick: its running mean.`}
    >
      <Axes scales={scales} first="step 1" last={end.steps > 1 ? String(end.steps) : undefined} />
      <path class="thin" d={linePath(points, scales)} />
      <path class="thick" d={linePath(means, scales)} />
      <circle class="now" cx={scales.x(last.step)} cy={scales.y(mean)} r="4" />
    </Chart>
  );
}
