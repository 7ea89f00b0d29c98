/** Systems by metrics, an interval beside every number. */
import { significant } from "../../domain/holm.ts";
import { systems, type Comparison, type EncoderState, type Interval, type MetricName } from "../../domain/ranking.ts";
import type { Figures } from "../../domain/run.ts";
import { change, measure, pValue } from "../parts/format.ts";
import { glossary } from "../parts/glossary.ts";
import type { GlossaryWord } from "../parts/glossary.ts";
import { IntervalPlot, type Scale, scaleOf } from "../parts/intervalPlot.tsx";
import { Explain, Term } from "../parts/term.tsx";

/** "ndcg@10" as people write it. */
export const metricWords = (metric: MetricName): string =>
  metric.replace("ndcg", "nDCG").replace("mrr", "MRR").replace("recall", "Recall");

const isExplained = (word: string): word is GlossaryWord => word in glossary;

export interface ScoreTableProps {
  readonly figures: Figures;
  readonly metrics: readonly MetricName[];
  readonly label: string;
}

/** How it is drawn. */
const kindOf = ({ ranks }: (typeof systems)[number]): "bm25" | EncoderState =>
  ranks.kind === "bm25" ? "bm25" : ranks.encoder;

export function ScoreTable({ figures, metrics, label }: ScoreTableProps) {
  // A run that was stored before there was fusion has none.
  const measured = systems.flatMap((system) => {
    const scores = figures.systems[system.name];
    return scores ? [{ ...system, kind: kindOf(system), mean: scores.mean }] : [];
  });
  const columns = metrics.map((metric) => ({
    metric,
    scale: scaleOf(measured.map(({ mean }) => mean[metric]).filter((interval) => interval !== undefined)),
  }));
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={label}>
      <table class="scores">
        <caption>
          Means with their <Term word="interval" label="95 % intervals" />
          {measured.length > 3 && (
            <>
              ; fused with BM25 by <Term word="RRF" /> and by <Term word="z-scores" />
            </>
          )}
        </caption>
        <thead>
          <tr>
            <th scope="col">System</th>
            {columns.map(({ metric, scale }) => (
              <th key={metric} scope="col">
                <MetricHead metric={metric} scale={scale} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {measured.map(({ name, words, kind, mean }) => (
            <tr key={name} class={kind}>
              <th scope="row">{words}</th>
              {columns.map(({ metric, scale }) => (
                <ScoreCell key={metric} interval={mean[metric]} scale={scale} kind={kind} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MetricHead({ metric, scale }: { readonly metric: MetricName; readonly scale: Scale }) {
  const words = metricWords(metric);
  return (
    <>
      {isExplained(words) ? <Term word={words} /> : words}
      <ScaleEnds scale={scale} />
    </>
  );
}

/** What the two ends of the drawn lines stand for. */
export function ScaleEnds({ scale }: { readonly scale: Scale }) {
  return (
    <span class="scale quiet" aria-hidden="true">
      <span>{measure(scale.low)}</span>
      <span>{measure(scale.high)}</span>
    </span>
  );
}

interface ScoreCellProps {
  readonly interval: Interval | undefined;
  readonly scale: Scale;
  readonly kind: "bm25" | EncoderState;
}

export function ScoreCell({ interval, scale, kind }: ScoreCellProps) {
  if (!interval) return <td>–</td>;
  return (
    <td>
      <span class="score">{measure(interval.value)}</span>{" "}
      <span class="quiet">
        {measure(interval.low)}–{measure(interval.high)}
      </span>
      <IntervalPlot interval={interval} scale={scale} kind={kind} />
    </td>
  );
}

interface ComparisonRowProps {
  readonly name: string;
  readonly comparison: Comparison;
  /** Its p-value by Holm, where the table has several. */
  readonly corrected: number | undefined;
}

export function ComparisonRow({ name, comparison, corrected }: ComparisonRowProps) {
  const { difference, verdict } = comparison;
  // Zero is always in sight: it is what the interval is about.
  const scale = scaleOf([difference, { value: 0, low: 0, high: 0 }], -1);
  const lost = verdict !== "no reliable difference" && corrected !== undefined && corrected >= significant;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <span class="score">{change(difference.value)}</span>{" "}
        <span class="quiet">
          {change(difference.low)} to {change(difference.high)}
        </span>
        <IntervalPlot interval={difference} scale={scale} kind="difference" />
        <ScaleEnds scale={scale} />
      </td>
      <td>
        {verdict}
        {lost && <span class="quiet"> (not by Holm)</span>}
        <br />
        <span class="quiet">
          {pValue(comparison.pValue)}
          {corrected !== undefined && `, by Holm ${pValue(corrected)}`}
        </span>{" "}
        <Explain word="p-value" />
      </td>
    </tr>
  );
}
