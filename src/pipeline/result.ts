/** From what a run measured to what it says: figures on all queries and on the clean ones, verdicts, and how it went. */
import { present } from "../base/assert.ts";
import { recordOf } from "../base/record.ts";
import { findLeaks, leakReport, trainedBy, type Leaks, type Trained } from "../data/split.ts";
import {
  comparisons,
  systemNames,
  type Comparison,
  type ComparisonName,
  type Scores,
  type SystemName,
} from "../domain/ranking.ts";
import { fewestClean, type CleanFigures, type Figures, type RunResult } from "../domain/run.ts";
import type { OpenedEncoder, TrainOutcome } from "../domain/stages.ts";
import type { StepReport, TrainingSet } from "../domain/training.ts";
import { tooFewSentence, verdictSentence } from "../domain/verdict.ts";
import { devResult } from "./dev.ts";
import { relabelled } from "./gate.ts";
import type { Results } from "./measure.ts";
import { inOrder, normVariance } from "./snapshots.ts";
import type { State } from "./state.ts";

export interface Finished {
  readonly results: Results;
  readonly trained: TrainOutcome | undefined;
  readonly rows: number;
}

type SystemScores = Readonly<Record<SystemName, Scores>>;
type Asking<Output> = AsyncGenerator<never, Output, void>;

/** Rows that were given: their queries, and the documents that read as their answers do. */
function trainedByRows({ corpus }: State, { queries, documents, rows }: TrainingSet): Trained {
  const answers = new Set(rows.map(({ positive }) => present(documents[positive], "the row's answer")));
  const places = [...answers].flatMap((text) => corpus.placesOf(text));
  return { texts: queries, documents: new Set(places.map((place) => present(corpus.ids[place], "the document"))) };
}

const madeOfDocuments = ({ input, splits }: State): boolean =>
  input.config.pairs !== "queries" && splits.pairs.length > 0;

/** What the evaluation queries are held against: the training split's judgements with those that verdicts added, or given rows. */
function trainedOn(state: State): Trained | undefined {
  const { input, splits } = state;
  if (input.trainingSet) return trainedByRows(state, input.trainingSet);
  if (madeOfDocuments(state)) return { texts: splits.collection.queries.map(({ text }) => text), documents: new Set() };
  if (splits.train.length === 0) return undefined;
  const added = relabelled(state).map(({ queryId, documentId }) => ({ queryId, documentId, grade: 1 }));
  return trainedBy(input.collection, [...splits.train, ...added]);
}

async function* compared(
  { services, input }: State,
  systems: SystemScores,
): Asking<Record<ComparisonName, Comparison>> {
  const found = new Map<ComparisonName, Comparison>();
  for (const { name, system, against } of comparisons) {
    const pair = { a: systems[against], b: systems[system], metric: "ndcg@10", seed: input.config.seed } as const;
    found.set(name, yield* services.retriever.compare(pair));
  }
  return recordOf(
    comparisons.map(({ name }) => name),
    (name) => present(found.get(name), name),
  );
}

interface Measured {
  readonly systems: SystemScores;
  /** What the queries are called: "test", "clean test". */
  readonly split: string;
  readonly trained: boolean;
}

async function* figuresOf(state: State, { systems, split, trained }: Measured): Asking<Figures> {
  const found = yield* compared(state, systems);
  const verdict = trained
    ? verdictSentence(found.afterBefore, split, systems.after.queryIds.length)
    : "Nothing was trained: the encoder was only measured.";
  return { systems, comparisons: found, verdict };
}

/** The same on clean queries; undefined where all are clean. */
async function* cleanFigures(state: State, measured: Measured, leaks: Leaks): Asking<CleanFigures | undefined> {
  const { clean: queryIds, queries } = leaks;
  if (queryIds.length === queries.length) return undefined;
  if (queryIds.length < fewestClean)
    return { kind: "tooFew", queries: queryIds.length, verdict: tooFewSentence(queryIds.length, measured.split) };
  const { seed } = state.input.config;
  const restricted = new Map<SystemName, Scores>();
  for (const name of systemNames)
    restricted.set(name, yield* state.services.retriever.restrict({ scores: measured.systems[name], queryIds, seed }));
  const systems = recordOf(systemNames, (name) => present(restricted.get(name), name));
  return { kind: "measured", ...(yield* figuresOf(state, { ...measured, systems, split: `clean ${measured.split}` })) };
}

const total = (steps: readonly StepReport[], key: "tokens" | "seconds"): number =>
  steps.reduce((sum, step) => sum + step[key], 0);

/** What the diagnostics gave. */
function diagnosed(state: State) {
  const { gate, probes, variance, steps, refreshes } = state;
  const dev = devResult(state);
  return {
    gate: gate && { considered: gate.considered, dropped: gate.dropped, relabelled: gate.relabelled },
    snapshots: inOrder(probes),
    variance,
    normVariance: normVariance(steps),
    refreshes,
    ...(dev && { dev }),
  };
}

/** What the training was and took. */
function spent({ steps, seconds }: State, { trained, rows }: Finished) {
  const [tokens, inSteps] = [total(steps, "tokens"), total(steps, "seconds")];
  return {
    trainingRows: rows,
    steps: trained?.steps ?? 0,
    tokens,
    tokensPerSecond: inSteps > 0 ? tokens / inSteps : 0,
    seconds,
    peakBytes: trained?.peakBytes ?? 0,
  };
}

export async function* resultOf(state: State, finished: Finished, opened: OpenedEncoder): Asking<RunResult> {
  const { input, splits } = state;
  const { name: split, judgements } = splits.evaluation;
  const measured = {
    systems: recordOf(systemNames, (name) => present(finished.results.get(name), name).scores),
    split,
    trained: finished.trained !== undefined,
  };
  const trained = trainedOn(state);
  const leaks = trained && findLeaks(splits.evaluation, trained, judgements);
  const clean = leaks && (yield* cleanFigures(state, measured, leaks));
  return {
    ...(yield* figuresOf(state, measured)),
    split,
    leak: leaks && { ...leakReport(leaks), ...(madeOfDocuments(state) && { madeOfDocuments: true as const }) },
    ...(clean && { clean }),
    ...spent(state, finished),
    engine: opened.engine,
    encoder: opened.card,
    notes: [...new Set([...(input.earlier?.notes ?? []), ...state.notes])],
    ...diagnosed(state),
  };
}
