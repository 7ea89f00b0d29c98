/** Loss by step: each step as a thin line, their running mean as a thick one. */
import { runningMean } from "../../app/estimate.ts";
import type { StepReport } from "../../domain/training.ts";

const frame = { width: 640, height: 240, left: 44, right: 12, top: 12, bottom: 28 };
/** More points than pixels tell nothing. */
const mostPoints = 500;

/** About four round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

interface Scales {
  readonly x: (step: number) => number;
  readonly y: (loss: number) => number;
  readonly low: number;
  readonly high: number;
}

function scalesOf(losses: readonly number[], steps: number): Scales {
  const low = Math.min(0, ...losses);
  const high = Math.max(0.1, ...losses) * 1.05;
  const inner = { width: frame.width - frame.left - frame.right, height: frame.height - frame.top - frame.bottom };
  return {
    low,
    high,
    x: (step) => frame.left + ((step - 1) / Math.max(1, steps - 1)) * inner.width,
    y: (loss) => frame.top + ((high - loss) / (high - low)) * inner.height,
  };
}

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
  const scales = scalesOf(losses, last.steps);
  const words = `Loss by step. Step ${last.step} of ${last.steps}: ${last.loss.toFixed(3)}; running mean ${(means.at(-1) ?? 0).toFixed(3)}; first step ${(losses[0] ?? 0).toFixed(3)}.`;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${frame.width} ${frame.height}`} role="img" aria-label={words}>
        <Axes scales={scales} steps={last.steps} />
        <path class="thin" d={linePath(steps, losses, scales)} />
        <path class="thick" d={linePath(steps, means, scales)} />
        <circle class="now" cx={scales.x(last.step)} cy={scales.y(means.at(-1) ?? 0)} r="4" />
      </svg>
      <figcaption class="quiet">Thin: the loss of each step. Thick: its running mean.</figcaption>
    </figure>
  );
}

function Axes({ scales, steps }: { readonly scales: Scales; readonly steps: number }) {
  const { x, y, low, high } = scales;
  const right = frame.width - frame.right;
  const bottom = frame.height - frame.bottom;
  return (
    <g class="axes">
      {ticks(low, high).map((value) => (
        <g key={value}>
          <line x1={frame.left} x2={right} y1={y(value)} y2={y(value)} />
          <text x={frame.left - 8} y={y(value)} text-anchor="end" dominant-baseline="middle">
            {Number(value.toPrecision(3))}
          </text>
        </g>
      ))}
      <text x={x(1)} y={bottom + 20}>
        step 1
      </text>
      {steps > 1 && (
        <text x={right} y={bottom + 20} text-anchor="end">
          {steps}
        </text>
      )}
    </g>
  );
}
