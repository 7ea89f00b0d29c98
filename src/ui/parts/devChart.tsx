/** nDCG@10 on dev by step: every look, and the one whose weights are kept. */
import { bestLook, type DevReport } from "../../domain/training.ts";
import { Axes, Chart, scalesOf } from "./chart.tsx";
import { measure } from "./format.ts";
import { Explain } from "./term.tsx";

const height = 170;

interface DevChartProps {
  readonly looks: readonly DevReport[];
  /** Planned, as far as is known. */
  readonly steps: number;
  /** Whether more looks may come. */
  readonly ended: boolean;
}

const place = ({ step }: DevReport): string => (step === 0 ? "before training" : `after step ${step}`);

export function DevChart({ looks, steps, ended }: DevChartProps) {
  const [best, last] = [bestLook(looks), looks.at(-1)];
  if (!best || !last) return null;
  const values = looks.map(({ score }) => score);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // Differences of less than .02 are not drawn as large ones.
  const air = Math.max(0.01, (high - low) * 0.15);
  const range = {
    low: Math.max(0, low - air),
    high: Math.min(1, high + air),
    first: 0,
    last: Math.max(steps, last.step),
  };
  const scales = scalesOf(range, height);
  const at = ({ step, score }: DevReport) => ({ cx: scales.x(step).toFixed(1), cy: scales.y(score).toFixed(1) });
  const path = looks.map((look) => `${at(look).cx} ${at(look).cy}`).join("L");
  const kept = `${ended ? "Kept" : "Best so far"}: the weights ${best.step === 0 ? "from " : ""}${place(best)}, ${measure(best.score)}.`;
  return (
    <Chart
      height={height}
      title="nDCG@10 on dev by step"
      words={`${kept} Last look, ${place(last)}: ${measure(last.score)}.`}
      caption={
        <>
          nDCG@10 on dev. {kept} {last === best ? "" : `Last look: ${measure(last.score)}.`}{" "}
          <Explain word="best on dev" />
        </>
      }
    >
      <Axes scales={scales} first="before" last={range.last > 0 ? String(range.last) : undefined} />
      <path class="look-line" d={`M${path}`} />
      {looks.map((look) => (
        <circle key={look.step} class={look === best ? "now" : "look"} {...at(look)} r={look === best ? 6 : 4} />
      ))}
    </Chart>
  );
}
