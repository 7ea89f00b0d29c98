/** What the charts over steps have in common: their frame, scales and axes. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export const frame = { width: 640, left: 44, right: 12, top: 12, bottom: 28 };

export interface Scales {
  readonly height: number;
  readonly x: (step: number) => number;
  readonly y: (value: number) => number;
  readonly low: number;
  readonly high: number;
}

interface Range {
  readonly low: number;
  readonly high: number;
  /** The steps at both ends. */
  readonly first: number;
  readonly last: number;
}

export function scalesOf({ low, high, first, last }: Range, height: number): Scales {
  const inner = { width: frame.width - frame.left - frame.right, height: height - frame.top - frame.bottom };
  return {
    height,
    low,
    high,
    x: (step) => frame.left + ((step - first) / Math.max(1, last - first)) * inner.width,
    y: (value) => frame.top + ((high - value) / (high - low)) * inner.height,
  };
}

/** About four round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

interface ChartProps {
  readonly height: number;
  /** What it is, in a few words; and what it shows, in figures. */
  readonly title: string;
  readonly words: string;
  readonly caption: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A drawing that also says what it shows. */
export function Chart({ height, title, words, caption, children }: ChartProps) {
  const id = useId();
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${frame.width} ${height}`}
        role="img"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-words`}
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-words`}>{words}</desc>
        {children}
      </svg>
      <figcaption class="quiet">{caption}</figcaption>
    </figure>
  );
}

interface AxesProps {
  readonly scales: Scales;
  readonly first: string;
  /** Undefined where it is the first. */
  readonly last: string | undefined;
}

export function Axes({ scales, first, last }: AxesProps) {
  const { y, low, high, height } = scales;
  const right = frame.width - frame.right;
  const bottom = height - frame.bottom;
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
      <text x={frame.left} y={bottom + 20}>
        {first}
      </text>
      {last !== undefined && (
        <text x={right} y={bottom + 20} text-anchor="end">
          {last}
        </text>
      )}
    </g>
  );
}
