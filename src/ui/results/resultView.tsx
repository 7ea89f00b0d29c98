/** The verdict, the table with its intervals, the paired tests, and what has to be said with them. */
import { describeShape } from "../../domain/encoder.ts";
import type { LeakReport } from "../../domain/collection.ts";
import { holm } from "../../domain/holm.ts";
import { comparisons, headlineMetrics, metricsOf } from "../../domain/ranking.ts";
import type { Figures, RunRecord, RunResult } from "../../domain/run.ts";
import { leakSentence, queriesOn, verdictsOf } from "../../domain/verdict.ts";
import { type Fact, Facts } from "../parts/facts.tsx";
import { duration, size, whole } from "../parts/format.ts";
import { Term } from "../parts/term.tsx";
import { Diagnostics } from "./diagnostics.tsx";
import { ComparisonRow, ScoreTable } from "./scoreTable.tsx";

export function ResultView({ record, result }: { readonly record: RunRecord; readonly result: RunResult }) {
  const { split, leak, clean } = result;
  const [verdict, onClean] = verdictsOf(result);
  return (
    <>
      <div role="status">
        <p class="verdict" data-testid="verdict">
          {verdict}
        </p>
        {onClean !== undefined && (
          <p class="verdict" data-testid="clean-verdict">
            {onClean}
          </p>
        )}
      </div>
      <LeakNote leak={leak} split={split} counted={clean !== undefined} />
      {clean && <h3>{queriesOf(result, split)}</h3>}
      <FiguresView figures={result} label="" />
      {clean?.kind === "measured" && (
        <>
          <h3>{queriesOf(clean, `clean ${split}`)}</h3>
          <FiguresView figures={clean} label=", clean queries" />
        </>
      )}
      {result.notes.map((note) => (
        <p key={note} class="prose">
          {note}
        </p>
      ))}
      <Diagnostics record={record} result={result} />
      <More result={result} />
    </>
  );
}

/** "103 clean test queries". */
export const queriesOf = ({ systems }: Figures, split: string): string =>
  queriesOn(systems.after.queryIds.length, split);

/** `label`: what tells these figures from others of the same run. */
export function FiguresView({ figures, label }: { readonly figures: Figures; readonly label: string }) {
  return (
    <>
      <ScoreTable figures={figures} metrics={headlineMetrics} label={`Scores${label}`} />
      <ComparisonTable figures={figures} label={`Paired tests${label}`} />
    </>
  );
}

function ComparisonTable({ figures, label }: { readonly figures: Figures; readonly label: string }) {
  const made = comparisons.flatMap(({ name, words }) => {
    const comparison = figures.comparisons[name];
    return comparison ? [{ name, words, comparison }] : [];
  });
  const corrected = holm(made.map(({ comparison }) => comparison.pValue));
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={label}>
      <table class="scores">
        <caption>
          Differences in nDCG@10, query by query. The verdict rests on the first line alone; <Term word="Holm" /> counts
          all {made.length}
        </caption>
        <tbody>
          {made.map(({ name, words, comparison }, i) => (
            <ComparisonRow key={name} name={words} comparison={comparison} corrected={corrected[i]} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface LeakNoteProps {
  readonly leak: LeakReport | undefined;
  readonly split: string;
  /** Whether there is a word on the clean queries. */
  readonly counted: boolean;
}

/** How far training gives the measured queries away: said also where it does not. */
export function LeakNote({ leak, split, counted }: LeakNoteProps) {
  if (!leak) return <p class="quiet prose">Nothing is known of the queries that were trained on.</p>;
  if (leak.sharedDocument === 0 && leak.nearCopy === 0) return <p class="quiet prose">{leakSentence(leak, split)}</p>;
  return (
    <p class="notice">
      <span class="notice-text">
        {leakSentence(leak, split)} The encoder may remember these instead of having learned: go by the{" "}
        <Term word="clean queries" />.
        {!counted && " This run was stored before there were figures on clean queries: run it again to have them."}
      </span>
    </p>
  );
}

const headline = new Set<string>(headlineMetrics);

function More({ result }: { readonly result: RunResult }) {
  return (
    <details>
      <summary>All figures of this run</summary>
      <OtherScores result={result} />
      <Facts facts={runFacts(result)} />
    </details>
  );
}

/** The metrics that the first table leaves out. */
export function OtherScores({ result }: { readonly result: RunResult }) {
  const { clean } = result;
  const others = metricsOf(result.systems.after).filter((metric) => !headline.has(metric));
  if (others.length === 0) return null;
  return (
    <>
      <h3>Other scores: {queriesOf(result, result.split)}</h3>
      <ScoreTable figures={result} metrics={others} label="Other scores" />
      {clean?.kind === "measured" && (
        <>
          <h3>Other scores: {queriesOf(clean, `clean ${result.split}`)}</h3>
          <ScoreTable figures={clean} metrics={others} label="Other scores, clean queries" />
        </>
      )}
    </>
  );
}

/** What a run took, in words. */
export function runFacts(result: RunResult): readonly Fact[] {
  const total = Object.values(result.seconds).reduce((sum, seconds) => sum + seconds, 0);
  return [
    ["Measured on", queriesOf(result, result.split)],
    ["Training rows", whole(result.trainingRows)],
    ["Steps", whole(result.steps)],
    ["Tokens", `${whole(result.tokens)}, ${whole(result.tokensPerSecond)} a second`],
    ["Time", duration(total)],
    ["Engine", `${result.engine.kind === "webgpu" ? "WebGPU" : "CPU"}, ${result.engine.device}`],
    ["Most memory", result.peakBytes > 0 ? size(result.peakBytes) : "not known"],
    ["Encoder", `${describeShape(result.encoder.shape)}, ${whole(result.encoder.parameters)} parameters`],
  ];
}
