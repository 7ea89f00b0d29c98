/** Where the figures come from: data, encoder, machine, and the digests by which another can see that it has the same. */
import type { FinishedRun, ReportedRun } from "../../app/report.ts";
import { digestOf } from "../../base/digest.ts";
import { describeShape } from "../../domain/encoder.ts";
import { stageNames } from "../../domain/run.ts";
import { precisionOf } from "../../domain/tuning.ts";
import { type Fact, Facts } from "../parts/facts.tsx";
import { counted, duration, moment, whole } from "../parts/format.ts";
import { stageWords } from "../parts/words.ts";
import { runFacts } from "../results/resultView.tsx";
import { Ledger } from "./section.tsx";

/** Of this layout; nothing reads reports but people. */
const reportFormat = 1;

export const DataFacts = ({ told }: { readonly told: ReportedRun }) => <Facts facts={dataFacts(told)} />;

function dataFacts({ run, collection }: ReportedRun): readonly Fact[] {
  const counts: readonly Fact[] = collection
    ? [
        ["Form", collection.format],
        ["Documents", whole(collection.documents)],
        ["Queries", whole(collection.queries)],
        ["Judgements", judgementWords(collection.judgements)],
        ["Negatives that came with it", whole(collection.negatives)],
        ["Rows left out on import", whole(collection.rejected)],
      ]
    : [["Counts", "not known: the collection was removed or replaced"]];
  return [["Collection", run.collectionName], ...counts];
}

function judgementWords(judgements: Readonly<Record<string, number>>): string {
  const splits = Object.entries(judgements).map(([split, count]) => `${split} ${whole(count)}`);
  return splits.length === 0 ? "none" : splits.join(", ");
}

export function EncoderFacts({ told: { run } }: { readonly told: ReportedRun }) {
  const { encoder } = run.result;
  const facts: readonly Fact[] = [
    ["Encoder", run.encoderName],
    ["Build", `${describeShape(encoder.shape)}, ${whole(encoder.parameters)} parameters`],
    ["Pooling", run.config.pooling ?? encoder.pooling],
    ["Before a query", prefixWords(run.config.queryPrefix ?? encoder.queryPrefix)],
    ["Before a document", prefixWords(run.config.documentPrefix ?? encoder.documentPrefix)],
    ["Longest text", counted(encoder.maxTokens, "token")],
  ];
  return <Facts facts={facts} />;
}

const prefixWords = (prefix: string): string => (prefix === "" ? "nothing" : `“${prefix}”`);

export function MachineFacts({ told: { run } }: { readonly told: ReportedRun }) {
  const { result } = run;
  const facts: readonly Fact[] = [
    ...runFacts(result),
    ["Numbers", numberWords(run)],
    ...(result.engine.note === "" ? [] : [["Why this engine", result.engine.note] as const]),
  ];
  return (
    <>
      <Facts facts={facts} />
      <StageTable run={run} />
    </>
  );
}

/** In how many bits training computed, not what was asked for. */
function numberWords({ config, result: { engine, encoder } }: FinishedRun): string {
  const computing = { engine, shape: encoder.shape };
  const products = precisionOf(config, computing) === "f16" ? ["products of matrices in 16"] : [];
  const moments = config.optimizer === "adamw16" ? ["AdamW’s moments in 16"] : [];
  return ["32 bits", ...products, ...moments].join(", ");
}

function StageTable({ run: { name: runName, result } }: { readonly run: FinishedRun }) {
  const stages = stageNames.flatMap((name) => {
    const took = result.seconds[name];
    return took === undefined ? [] : [{ name, took }];
  });
  if (stages.length === 0) return null;
  return (
    <Ledger label={`Time by stage of ${runName}`}>
      <caption>Time by stage, pauses not counted</caption>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">Time</th>
        </tr>
      </thead>
      <tbody>
        {stages.map(({ name, took }) => (
          <tr key={name}>
            <th scope="row">{stageWords[name]}</th>
            <td>{duration(took)}</td>
          </tr>
        ))}
      </tbody>
    </Ledger>
  );
}

const sha = (digest: string | undefined) => (digest === undefined ? "not known" : <code>{digest}</code>);

/** Same data, encoder, recipe and machine: the same weights. */
export function Digests({
  told: { run, encoderIdentity },
  madeAt,
}: {
  readonly told: ReportedRun;
  readonly madeAt: string;
}) {
  const facts: readonly Fact[] = [
    ["Collection", sha(run.collectionDigest)],
    ["Encoder", sha(encoderIdentity)],
    ["Recipe", sha(digestOf(run.config))],
    ["Run made", <Moment iso={run.createdAt} />],
    ["Report made", <Moment iso={madeAt} />],
    ["Format of the report", whole(reportFormat)],
  ];
  return (
    <>
      <p class="prose">
        Digests are SHA-256: of the collection’s rows, of the encoder’s files (one of the hub is known by its commit),
        of the recipe’s JSON with sorted keys and no spaces. The same three on the same machine and browser give the
        same weights, bit for bit.
      </p>
      <Facts facts={facts} />
    </>
  );
}

/** With the date as machines read it. */
export const Moment = ({ iso }: { readonly iso: string }) => <time dateTime={iso}>{moment(iso)}</time>;
