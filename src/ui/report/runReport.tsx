/** One run, from its verdict to the digests of what it was made of. */
import type { FinishedRun, ReportInput } from "../../app/report.ts";
import { verdictsOf } from "../../domain/verdict.ts";
import { change, duration, measure, whole } from "../parts/format.ts";
import { FiguresView, LeakNote, OtherScores, queriesOf } from "../results/resultView.tsx";
import { Changes } from "./changes.tsx";
import { Decoys } from "./decoys.tsx";
import { DataFacts, Digests, EncoderFacts, MachineFacts } from "./provenance.tsx";
import { Recipe } from "./recipe.tsx";
import { Section } from "./section.tsx";
import { Training } from "./training.tsx";

export const runTitle = ({ name, encoderName, collectionName }: FinishedRun): string =>
  `${name}: ${encoderName} on ${collectionName}`;

export function RunReport({ input }: { readonly input: ReportInput & { readonly kind: "run" } }) {
  const { told, changes, madeAt } = input;
  const { run } = told;
  const { result } = run;
  return (
    <>
      <Section id="verdict" title="Verdict">
        <Verdict run={run} />
        <Headline run={run} />
        {result.notes.map((note) => (
          <p key={note} class="prose quiet">
            {note}
          </p>
        ))}
      </Section>
      <Section id="scores" title="Scores">
        <Scores run={run} />
      </Section>
      <Section id="queries" title="Query by query">
        <Changes changes={changes} />
      </Section>
      <Section id="training" title="Training">
        <Training run={run} result={result} />
      </Section>
      <Section id="decoys" title="Decoys">
        <Decoys result={result} />
      </Section>
      <Section id="data" title="Data and encoder">
        <DataFacts told={told} />
        <EncoderFacts told={told} />
      </Section>
      <Section id="recipe" title="Recipe">
        <Recipe run={run} />
      </Section>
      <Section id="machine" title="Machine and time">
        <MachineFacts told={told} />
      </Section>
      <Section id="digests" title="Digests">
        <Digests told={told} madeAt={madeAt} />
      </Section>
    </>
  );
}

/** The page's own sentences, and how far training gives the measured queries away. */
export function Verdict({ run: { result } }: { readonly run: FinishedRun }) {
  const { leak, split, clean } = result;
  return (
    <>
      {verdictsOf(result).map((verdict) => (
        <p key={verdict} class="verdict">
          {verdict}
        </p>
      ))}
      <LeakNote leak={leak} split={split} counted={clean !== undefined} />
    </>
  );
}

/** What a reader looks for first. */
function Headline({ run: { result } }: { readonly run: FinishedRun }) {
  const { systems, comparisons, seconds } = result;
  const [before, after] = [systems.before.mean["ndcg@10"], systems.after.mean["ndcg@10"]];
  const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
  if (!before || !after) return null;
  const figures = [
    ["nDCG@10 before", measure(before.value)],
    ["nDCG@10 after", measure(after.value)],
    ["Change", change(comparisons.afterBefore.difference.value)],
    ["Queries", whole(systems.after.queryIds.length)],
    ["Time", duration(total)],
  ] as const;
  return (
    <dl class="headline">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Scores({ run: { result } }: { readonly run: FinishedRun }) {
  const { split, clean } = result;
  return (
    <>
      <h3>{queriesOf(result, split)}</h3>
      <FiguresView figures={result} label="" />
      {clean?.kind === "measured" && (
        <>
          <h3>{queriesOf(clean, `clean ${split}`)}</h3>
          <FiguresView figures={clean} label=", clean queries" />
        </>
      )}
      <OtherScores result={result} />
    </>
  );
}
