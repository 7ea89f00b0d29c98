/** A mean and its interval on a line: thin for before, thick for after, a square for BM25. */
import { useId } from "preact/hooks";
import type { EncoderState, Interval } from "../../domain/ranking.ts";
import { measure } from "./format.ts";

const height = 20;

export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** One scale for all intervals that are compared, with a little air, but nothing outside of what the measure can be. */
export function scaleOf(intervals: readonly Interval[], least = 0): Scale {
  const low = Math.min(...intervals.map((interval) => interval.low));
  const high = Math.max(...intervals.map((interval) => interval.high));
  const air = Math.max(0.01, (high - low) * 0.08);
  return { low: Math.max(least, low - air), high: Math.min(1, high + air) };
}

export interface IntervalPlotProps {
  readonly interval: Interval;
  readonly scale: Scale;
  readonly kind: "bm25" | EncoderState | "difference";
}

/** Positions are shares of the width, so that it may be as wide as there is room while marks keep their size. */
export function IntervalPlot({ interval, scale, kind }: IntervalPlotProps) {
  const id = useId();
  const x = (value: number): string => `${(((value - scale.low) / (scale.high - scale.low)) * 100).toFixed(2)}%`;
  const middle = height / 2;
  const thickness = kind === "after" ? 5 : 1.5;
  const label = `${measure(interval.value)}, 95 % interval ${measure(interval.low)} to ${measure(interval.high)}`;
  const zero = kind === "difference" && scale.low < 0 && scale.high > 0;
  return (
    <svg class={`interval ${kind}`} height={height} role="img" aria-labelledby={id}>
      <title id={id}>{label}</title>
      {zero && <line class="zero" x1={x(0)} x2={x(0)} y1="0" y2={height} />}
      <line class="span" x1={x(interval.low)} x2={x(interval.high)} y1={middle} y2={middle} stroke-width={thickness} />
      {kind === "bm25" ? (
        <rect class="mean" x={x(interval.value)} y={middle - 4} width="8" height="8" transform="translate(-4 0)" />
      ) : (
        <circle class="mean" cx={x(interval.value)} cy={middle} r={kind === "after" ? 5 : 4} />
      )}
    </svg>
  );
}
