/** The negatives of a run as the encoder saw them: how hard, by source, before and after; and what the gate left out. */
import { useId, useState } from "preact/hooks";
import { gateOf } from "../../app/runs.ts";
import { attempt } from "../../app/notices.ts";
import type { Margins, MassSource, Snapshot } from "../../domain/diagnostics.ts";
import type { GateReport, RunRecord, RunResult } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { type Fact, Facts } from "../parts/facts.tsx";
import { counted, measure, whole } from "../parts/format.ts";
import { Term } from "../parts/term.tsx";

/** Gated negatives that are listed; all are counted. */
const mostListed = 100;

export function Diagnostics({ record, result }: { readonly record: RunRecord; readonly result: RunResult }) {
  if (!looksOf(result)) return null;
  return (
    <details class="diagnostics">
      <summary>What the decoys did</summary>
      <DecoyTables result={result} />
      <Gated record={record} gate={result.gate} />
    </details>
  );
}

/** The first and the last look; a run that was stored before there were snapshots has none. */
export function looksOf({ snapshots }: RunResult): Pair | undefined {
  const stored: readonly Snapshot[] | undefined = snapshots;
  const [before, after] = [stored?.at(0), stored?.at(-1)];
  return before && after && before !== after ? { before, after } : undefined;
}

/** All but what the gate left out; nothing without snapshots. */
export function DecoyTables({ result }: { readonly result: RunResult }) {
  const looks = looksOf(result);
  if (!looks) return null;
  return (
    <>
      <p class="quiet prose">
        Seen on {counted(looks.before.rows, "training row")}, the same before and after. In-batch negatives are not
        counted.
      </p>
      <Sources {...looks} />
      {result.snapshots.length > 2 && <OverTraining snapshots={result.snapshots} />}
      <Figures result={result} {...looks} />
    </>
  );
}

const percent = (share: number | undefined): string => (share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);
const figure = (value: number | undefined): string => (value === undefined ? "–" : measure(value));

/** As tables list them. */
const order: readonly MassSource[] = [
  "positive",
  "synthetic",
  "human",
  "given",
  "bm25",
  "dense",
  "simans",
  "ance",
  "adore",
  "random",
];

export const sourcesOf = (snapshot: Snapshot): MassSource[] => order.filter((source) => snapshot.expected[source]);

interface Pair {
  readonly before: Snapshot;
  readonly after: Snapshot;
}

function Sources({ before, after }: Pair) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Decoys by source">
      <table class="diagnosis">
        <caption>
          <Term word="loss mass" label="Where the loss looks" />, and the <Term word="margin" label="margin" />: how far
          the answer scores above the decoy
        </caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Share of the candidates</th>
            <th scope="col">Mass before</th>
            <th scope="col">Mass after</th>
            <th scope="col">Margin before</th>
            <th scope="col">Margin after</th>
          </tr>
        </thead>
        <tbody>
          {sourcesOf(before).map((source) => (
            <tr key={source}>
              <th scope="row">
                <Badge source={source} />
              </th>
              <td>{percent(before.expected[source])}</td>
              <td>{percent(before.mass[source])}</td>
              <td>{percent(after.mass[source])}</td>
              <td>
                <Margin snapshot={before} source={source} />
              </td>
              <td>
                <Margin snapshot={after} source={source} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the bins left of the line hold: decoys that score above their answers. */
function fallsFor({ count, histogram }: Margins): string {
  const below = histogram.slice(0, histogram.length / 2).reduce((sum, bin) => sum + bin, 0);
  return `${percent(below / count)} below 0`;
}

/** The mean, and a histogram of 20 bins from −.5 to .5; the line stands at 0, where a decoy scores as high as the answer. */
function Margin({ snapshot, source }: { readonly snapshot: Snapshot; readonly source: MassSource }) {
  const id = useId();
  const margins = source === "positive" ? undefined : snapshot.margins[source];
  if (!margins || margins.count === 0) return <span class="quiet">–</span>;
  const most = Math.max(...margins.histogram);
  return (
    <>
      {figure(margins.mean)} <span class="quiet">{fallsFor(margins)}</span>
      <svg class={`histogram ${source}`} viewBox="0 0 100 24" width="100" height="24" role="img" aria-labelledby={id}>
        <title id={id}>
          {counted(margins.count, "margin")} from −.5 to .5, {fallsFor(margins)}
        </title>
        {margins.histogram.map((count, bin) => {
          const height = (22 * count) / most;
          return <rect key={bin} x={bin * 5 + 0.5} y={23 - height} width="4" height={height} fill="currentColor" />;
        })}
        <path d="M50 0v24" class="zero" />
      </svg>
    </>
  );
}

function OverTraining({ snapshots }: { readonly snapshots: readonly Snapshot[] }) {
  const [first] = snapshots;
  const sources = first ? sourcesOf(first) : [];
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Loss mass over training">
      <table class="diagnosis">
        <caption>Mass by source over training</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {sources.map((source) => (
              <th key={source} scope="col">
                <Badge source={source} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {snapshots.map(({ step, mass }) => (
            <tr key={step}>
              <th scope="row">{whole(step)}</th>
              {sources.map((source) => (
                <td key={source}>{percent(mass[source])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const large = (value: number | undefined): string =>
  value === undefined ? "not measured" : value.toLocaleString("en", { maximumSignificantDigits: 4 });

function Figures({ result, before, after }: Pair & { readonly result: RunResult }) {
  const facts: readonly Fact[] = [
    [
      <Term key="s" word="source shortcut" label="Source shows (AUC)" />,
      `${figure(before.shortcut)} before, ${figure(after.shortcut)} after`,
    ],
    [
      <Term key="v" word="gradient variance" label="Gradient variance, V_tr" />,
      result.variance
        ? `${large(result.variance.trace)} over ${counted(result.variance.batches, "batch", "batches")}`
        : "not measured",
    ],
    ["of its norm over the steps, V_norm", large(result.normVariance)],
    [
      "by the queries’ vectors, V_emb",
      `${large(before.embeddingVariance)} before, ${large(after.embeddingVariance)} after`,
    ],
  ];
  return <Facts facts={facts} />;
}

export const gateWords = ({
  considered,
  dropped,
  relabelled,
}: Pick<GateReport, "considered" | "dropped" | "relabelled">) =>
  `The gate looked at ${counted(considered, "passage")}, left out ${whole(dropped)} and made ${counted(relabelled, "answer")} of others.`;

function Gated({ record, gate }: { readonly record: RunRecord; readonly gate: RunResult["gate"] }) {
  const app = useApp();
  const [report, setReport] = useState<GateReport | undefined>(undefined);
  if (!gate) return null;
  const show = (): void =>
    void attempt(app, async () => {
      setReport(await gateOf(app, record.id));
    });
  return (
    <>
      <p class="prose">{gateWords(gate)}</p>
      {gate.dropped + gate.relabelled > 0 && !report && (
        <button type="button" class="plain" onClick={show}>
          Show which, and why
        </button>
      )}
      {report && (
        <ul class="gated">
          {report.negatives.slice(0, mostListed).map(({ source, text, action, reason }, index) => (
            <li key={index}>
              <Badge source={source} note={action === "drop" ? "left out" : "an answer after all"} />
              <p class="quiet">{reason}</p>
              <p class="passage">{text}</p>
            </li>
          ))}
        </ul>
      )}
      {report && report.negatives.length > mostListed && <p class="quiet">The first {whole(mostListed)} are listed.</p>}
    </>
  );
}
