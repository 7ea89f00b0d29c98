/** The verdict, the table with its intervals, the paired tests, and what has to be said with them. */
import type { Comparison, MetricName } from "../../domain/ranking.ts";
import { headlineMetrics } from "../../domain/ranking.ts";
import type { LeakReport, RunRecord, RunResult } from "../../domain/run.ts";
import { counted, duration, size, whole } from "../parts/format.ts";
import { Diagnostics } from "./diagnostics.tsx";
import { ComparisonRow, ScoreTable } from "./scoreTable.tsx";

export function ResultView({ record, result }: { readonly record: RunRecord; readonly result: RunResult }) {
  const { comparisons } = result;
  return (
    <>
      <p class="verdict" role="status" data-testid="verdict">
        {result.verdict}
      </p>
      <ScoreTable result={result} metrics={headlineMetrics} label="Scores" />
      <Comparisons afterBefore={comparisons.afterBefore} afterBm25={comparisons.afterBm25} />
      <Leak leak={result.leak} />
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

interface ComparisonsProps {
  readonly afterBefore: Comparison;
  readonly afterBm25: Comparison;
}

function Comparisons({ afterBefore, afterBm25 }: ComparisonsProps) {
  const rows = [
    ["After against before", afterBefore],
    ["After against BM25", afterBm25],
  ] as const satisfies readonly (readonly [string, Comparison])[];
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Paired tests">
      <table class="scores">
        <caption>Differences in nDCG@10, query by query</caption>
        <tbody>
          {rows.map(([name, comparison]) => (
            <ComparisonRow key={name} name={name} comparison={comparison} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Leak({ leak }: { readonly leak: LeakReport | undefined }) {
  if (!leak || (leak.sharedDocument === 0 && leak.nearCopy === 0)) return null;
  return (
    <p class="notice">
      Of {counted(leak.queries, "query", "queries")} measured on, {whole(leak.sharedDocument)} share a relevant document
      with a training query and {whole(leak.nearCopy)} nearly repeat one. The encoder may remember these instead of
      having learned.
    </p>
  );
}

function More({ result }: { readonly result: RunResult }) {
  const others = metricsBeside(result);
  const total = Object.values(result.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const facts: readonly (readonly [string, string])[] = [
    ["Measured on", `${result.split}, ${counted(result.systems.after.queryIds.length, "query", "queries")}`],
    ["Training rows", whole(result.trainingRows)],
    ["Steps", whole(result.steps)],
    ["Tokens", `${whole(result.tokens)}, ${whole(result.tokensPerSecond)} a second`],
    ["Time", duration(total)],
    ["Engine", `${result.engine.kind === "webgpu" ? "WebGPU" : "CPU"}, ${result.engine.device}`],
    ["Most memory", result.peakBytes > 0 ? size(result.peakBytes) : "not known"],
    [
      "Encoder",
      `${result.encoder.shape.layers} layers, ${result.encoder.shape.hidden} wide, ${whole(result.encoder.parameters)} parameters`,
    ],
  ];
  return (
    <details>
      <summary>All figures of this run</summary>
      {others.length > 0 && <ScoreTable result={result} metrics={others} label="Other scores" />}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

const isMetric = (name: string): name is MetricName => /^(ndcg|mrr|recall)@\d+$/.test(name);

function metricsBeside({ systems }: RunResult): MetricName[] {
  const headline = new Set<string>(headlineMetrics);
  return Object.keys(systems.after.mean)
    .filter((name) => !headline.has(name))
    .filter(isMetric);
}
