/** Several runs side by side: what differs, what they came to, and whether the difference is one. */
import type { ComparedRuns, FinishedRun, ReportedRun, ReportInput } from "../../app/report.ts";
import { type ConfigDifference, configDifferences } from "../../domain/configDifferences.ts";
import { holm } from "../../domain/holm.ts";
import type { EncoderState, MetricName } from "../../domain/ranking.ts";
import { counted, duration, whole } from "../parts/format.ts";
import { scaleOf } from "../parts/intervalPlot.tsx";
import { LossChart } from "../parts/lossChart.tsx";
import { Term } from "../parts/term.tsx";
import { queriesOf } from "../results/resultView.tsx";
import { ComparisonRow, metricWords, ScaleEnds, ScoreCell } from "../results/scoreTable.tsx";
import { DataFacts, Digests, MachineFacts } from "./provenance.tsx";
import { Differences, RecipeText } from "./recipe.tsx";
import { runTitle, Verdict } from "./runReport.tsx";
import { Section } from "./section.tsx";
import { StepTable } from "./training.tsx";

type Comparison = ReportInput & { readonly kind: "comparison" };

export function ComparisonReport({ input }: { readonly input: Comparison }) {
  const { told, compared, madeAt } = input;
  const runs = told.map(({ run }) => run);
  return (
    <>
      <Section id="differences" title="What differs">
        <WhatDiffers runs={runs} />
      </Section>
      <Section id="scores" title="Scores">
        <Scores runs={runs} />
      </Section>
      <Section id="tests" title="Paired tests">
        <Tests runs={runs} compared={compared} />
      </Section>
      {told.map((each, i) => (
        <Section key={each.run.id} id={`run-${i + 1}`} title={runTitle(each.run)}>
          <OneRun told={each} madeAt={madeAt} />
        </Section>
      ))}
    </>
  );
}

/** Beside the recipe: what a run was made with, and what it took. */
function otherDifferences(runs: readonly FinishedRun[]): readonly ConfigDifference[] {
  const rows: readonly (readonly [key: string, of: (run: FinishedRun) => string])[] = [
    ["collection", (run) => run.collectionName],
    ["collection, digest", (run) => run.collectionDigest.slice(0, 12)],
    ["measured on", ({ result }) => queriesOf(result, result.split)],
    ["encoder", (run) => run.encoderName],
    ["guide", (run) => run.guide ?? "the encoder itself"],
    ["engine", ({ result }) => `${result.engine.kind}, ${result.engine.device}`],
    ["training rows", ({ result }) => whole(result.trainingRows)],
    ["steps done", ({ result }) => whole(result.steps)],
    ["time", ({ result }) => duration(Object.values(result.seconds).reduce((sum, each) => sum + each, 0))],
  ];
  return rows.map(([key, of]) => ({ key, values: runs.map(of) })).filter(({ values }) => new Set(values).size > 1);
}

function WhatDiffers({ runs }: { readonly runs: readonly FinishedRun[] }) {
  const differences = [...configDifferences(runs.map(({ config }) => config)), ...otherDifferences(runs)];
  if (differences.length === 0) return <p class="prose">Nothing: the same recipe on the same data.</p>;
  return (
    <Differences
      caption="Keys of the recipe first. What is not listed is the same in all runs"
      columns={runs.map(({ name }) => name)}
      differences={differences}
    />
  );
}

interface Column {
  readonly metric: MetricName;
  readonly state: EncoderState;
}

const columns: readonly Column[] = [
  { metric: "ndcg@10", state: "before" },
  { metric: "ndcg@10", state: "after" },
  { metric: "mrr@10", state: "after" },
  { metric: "recall@100", state: "after" },
];

/** One scale for each metric, before and after, so that lines can be compared down and across. */
function Scores({ runs }: { readonly runs: readonly FinishedRun[] }) {
  const means = (metric: MetricName) =>
    runs
      .flatMap(({ result: { systems } }) => [systems.before.mean[metric], systems.after.mean[metric]])
      .filter((interval) => interval !== undefined);
  const scaled = columns.map((column) => ({ ...column, scale: scaleOf(means(column.metric)) }));
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Scores">
      <table class="scores">
        <caption>
          The encoder alone: means with their <Term word="interval" label="95 % intervals" />
        </caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            {scaled.map(({ metric, state, scale }) => (
              <th key={metric + state} scope="col">
                {metricWords(metric)} {state}
                <ScaleEnds scale={scale} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map(({ id, name, result }) => (
            <tr key={id}>
              <th scope="row">
                {name}
                <br />
                <span class="quiet">{queriesOf(result, result.split)}</span>
              </th>
              {scaled.map(({ metric, state, scale }) => (
                <ScoreCell
                  key={metric + state}
                  interval={result.systems[state].mean[metric]}
                  scale={scale}
                  kind={state}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TestsProps {
  readonly runs: readonly FinishedRun[];
  readonly compared: readonly ComparedRuns[];
}

function Tests({ runs, compared }: TestsProps) {
  const nameOf = (id: FinishedRun["id"]): string => runs.find((run) => run.id === id)?.name ?? "";
  const corrected = holm(compared.flatMap(({ others }) => others.map(({ comparison }) => comparison.pValue)));
  const tests = compared.filter(({ others }) => others.length > 0);
  return (
    <>
      {tests.map(({ first, others }, group) => {
        const earlier = tests.slice(0, group).reduce((sum, each) => sum + each.others.length, 0);
        const label = `Against ${nameOf(first)}`;
        return (
          <div key={first} class="scroll" tabindex={0} role="region" aria-label={label}>
            <table class="scores">
              <caption>
                {label}, the earliest: differences in nDCG@10 after training, query by query
                {corrected.length > 1 && (
                  <>
                    ; <Term word="Holm" /> counts all {corrected.length} tests
                  </>
                )}
              </caption>
              <tbody>
                {others.map(({ run, comparison }, i) => (
                  <ComparisonRow
                    key={run}
                    name={nameOf(run)}
                    comparison={comparison}
                    corrected={corrected.length > 1 ? corrected[earlier + i] : undefined}
                  />
                ))}
              </tbody>
            </table>
          </div>
        );
      })}
      {compared.length > 1 && (
        <p class="prose">
          Not all were measured on the same queries, and only those that were are compared:{" "}
          {compared
            .map(({ first, others }) => [first, ...others.map(({ run }) => run)].map(nameOf).join(", "))
            .join("; ")}
          . Differences from one group to another say nothing about the recipes.
        </p>
      )}
      <p class="prose quiet">
        {counted(runs.length, "run")}, {counted(corrected.length, "test")}. All queries count, clean or not: what each
        run says of its clean queries stands below.
      </p>
    </>
  );
}

function OneRun({ told, madeAt }: { readonly told: ReportedRun; readonly madeAt: string }) {
  const { run } = told;
  return (
    <>
      <Verdict run={run} />
      {run.steps.length > 0 && (
        <>
          <LossChart steps={run.steps} />
          <StepTable run={run} />
        </>
      )}
      <DataFacts told={told} />
      <MachineFacts told={told} />
      <Digests told={told} madeAt={madeAt} />
      <h3>The whole recipe</h3>
      <RecipeText run={run} />
    </>
  );
}
