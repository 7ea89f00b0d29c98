/**
 * The whole run as one stage over the contracts: index, mine, gate, mix, measure, train, measure again. The page hands it
 * workers, the headless runner hands it the modules themselves: one path, two hosts.
 *
 * What a stage makes is reported once as a product. A host that keeps products and checkpoints can hand them back and
 * the run goes on where it was; what they do not hold (the text index, the choice of splits) is made again, from the
 * same seed.
 */
import { finish } from "../base/channel.ts";
import { UserError } from "../base/errors.ts";
import { leakReport } from "../data/split.ts";
import type { Collection } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { Snapshot } from "../domain/diagnostics.ts";
import type { FoundVerdict } from "../domain/draft.ts";
import type { EncoderFolder, EngineChoice } from "../domain/encoder.ts";
import type { RunProducts, RunReport, RunResult, SystemResult } from "../domain/run.ts";
import type { EncoderStages, ModelHandle, OpenedEncoder, RetrieverStages, TrainOutcome } from "../domain/stages.ts";
import type { SystemName } from "../domain/ranking.ts";
import type { Checkpoint, RefreshReport, StepReport, TrainingSet } from "../domain/training.ts";
import { verdictSentence } from "../domain/verdict.ts";
import type { Answer } from "../negatives/mix.ts";
import { corpusOf } from "./corpus.ts";
import { relabelled } from "./gate.ts";
import { closeGuide, startingGuide } from "./guide.ts";
import { splitsOf, trains, type Splits } from "./prepare.ts";
import { rowsStages } from "./rows.ts";
import { inOrder, normVariance } from "./snapshots.ts";
import { noted, stage, type Reports, type State } from "./state.ts";
import { afterStage, beforeStage, trainStage } from "./training.ts";

/** There is nothing to train on, or nothing to measure with. */
export class NothingToDo extends UserError {
  override readonly name = "NothingToDo";
}

export interface Services {
  readonly encoder: EncoderStages;
  readonly retriever: RetrieverStages;
}

export interface RunInput {
  readonly collection: Collection;
  readonly folder: EncoderFolder;
  /** Finds dense and SimANS negatives and scores for the gate; the starting encoder where there is none. */
  readonly guide?: EncoderFolder;
  readonly engine: EngineChoice;
  readonly config: Config;
  /** A language model's word on documents as negatives: dropped, or relabelled to be a further answer of the query. */
  readonly verdicts?: readonly FoundVerdict[];
  /** Written passages that turned out to answer their query: further training pairs. */
  readonly positives?: readonly Answer[];
  /** Rows to train on as they are, in place of mining and mixing. */
  readonly trainingSet?: TrainingSet;
  /** What an earlier session of this run had made. */
  readonly products?: RunProducts;
  readonly checkpoint?: Checkpoint;
  /** What earlier sessions reported; steps and looks after the checkpoint are passed over, as they come again. */
  readonly earlier?: {
    readonly steps?: readonly StepReport[];
    readonly probes?: readonly Snapshot[];
    readonly refreshes?: readonly RefreshReport[];
    readonly notes?: readonly string[];
  };
  /** Seconds between checkpoints. */
  readonly checkpointEvery: number;
}

export interface RunOutcome {
  readonly result: RunResult;
  /** The trained encoder, still open: the caller closes it. */
  readonly model: ModelHandle;
}

interface Finished {
  readonly systems: Record<SystemName, SystemResult>;
  readonly trained: TrainOutcome | undefined;
  readonly rows: number;
}

async function* stages(state: State): Reports<Finished> {
  const { services, input, splits } = state;
  yield* stage(state, "index", services.retriever.indexText({ documents: input.collection.documents }));
  yield* noted(state, "index", splits.notes);
  const rows = trains(input) ? yield* rowsStages(state) : undefined;
  if (rows?.data.rows.length === 0) {
    const dropped = state.gate ? ` The gate left out ${state.gate.dropped} of ${state.gate.considered}.` : "";
    throw new NothingToDo(
      `There is no row to train on: no judged training query, or no negative for any.${dropped} Add judgements (qrels/train.tsv) or negatives, or set "steps" to 0 to only measure.`,
    );
  }
  const systems = yield* stage(state, "before", beforeStage(state, rows?.data));
  const trained = rows ? yield* stage(state, "train", trainStage(state, rows)) : undefined;
  const looked = rows && trained && { data: rows.data, steps: trained.steps };
  const after = yield* stage(state, "after", afterStage(state, systems.before, looked));
  return { systems: { ...systems, after }, trained, rows: rows?.data.rows.length ?? 0 };
}

/** Judgements that were trained on: the split's, and those that verdicts added. */
const trainedOn = (state: State) => [
  ...state.splits.train,
  ...relabelled(state).map(({ queryId, documentId }) => ({ queryId, documentId, grade: 1 })),
];

const total = (steps: readonly StepReport[], key: "tokens" | "seconds"): number =>
  steps.reduce((sum, step) => sum + step[key], 0);

async function* comparisonsOf(
  { services, input }: State,
  { bm25, before, after }: Finished["systems"],
): AsyncGenerator<never, RunResult["comparisons"], void> {
  const compare = { metric: "ndcg@10", seed: input.config.seed } as const;
  const afterBefore = yield* services.retriever.compare({ a: before.scores, b: after.scores, ...compare });
  const afterBm25 = yield* services.retriever.compare({ a: bm25.scores, b: after.scores, ...compare });
  return { afterBefore, afterBm25 };
}

/** What the diagnostics gave. */
function diagnosed({ gate, probes, variance, steps, refreshes }: State) {
  return {
    gate: gate && { considered: gate.considered, dropped: gate.dropped, relabelled: gate.relabelled },
    snapshots: inOrder(probes),
    variance,
    normVariance: normVariance(steps),
    refreshes,
  };
}

async function* resultOf(
  state: State,
  { systems, trained, rows }: Finished,
  opened: OpenedEncoder,
): AsyncGenerator<never, RunResult, void> {
  const { input, splits, steps } = state;
  const { bm25, before, after } = systems;
  const comparisons = yield* comparisonsOf(state, systems);
  const [tokens, seconds] = [total(steps, "tokens"), total(steps, "seconds")];
  return {
    split: splits.evaluation.name,
    systems: { bm25: bm25.scores, before: before.scores, after: after.scores },
    comparisons,
    verdict: trained
      ? verdictSentence(comparisons.afterBefore, splits.evaluation.name, after.scores.queryIds.length)
      : "Nothing was trained: the encoder was only measured.",
    leak:
      splits.train.length > 0
        ? leakReport(input.collection, trainedOn(state), splits.evaluation.judgements)
        : undefined,
    trainingRows: rows,
    steps: trained?.steps ?? 0,
    tokens,
    tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
    seconds: state.seconds,
    peakBytes: trained?.peakBytes ?? 0,
    engine: opened.engine,
    encoder: opened.card,
    notes: [...new Set([...(input.earlier?.notes ?? []), ...state.notes])],
    ...diagnosed(state),
  };
}

/** What earlier sessions reported up to the checkpoint that this one goes on from. */
function earlierReports({ earlier, checkpoint }: RunInput): Pick<State, "steps" | "probes" | "refreshes"> {
  const done = checkpoint?.step ?? 0;
  return {
    steps: (earlier?.steps ?? []).filter(({ step }) => step <= done),
    probes: (earlier?.probes ?? []).filter(({ step }) => step > 0 && step <= done),
    // The checkpoint holds what the index of this version gave: it is not made again.
    refreshes: (earlier?.refreshes ?? []).filter(({ version }) => version <= (checkpoint?.mined?.version ?? -1)),
  };
}

function stateOf(services: Services, input: RunInput, splits: Splits, model: ModelHandle): State {
  return {
    services,
    input,
    splits,
    corpus: corpusOf(input.collection),
    model,
    start: startingGuide(model, input),
    guide: undefined,
    gate: input.products?.gate,
    variance: undefined,
    seconds: {},
    notes: [],
    ...earlierReports(input),
  };
}

/** Errors: NothingToDo, InvalidConfig, and what the stages throw. Stopping it (`return`) closes the encoders. */
export async function* run(services: Services, input: RunInput): AsyncGenerator<RunReport, RunOutcome, void> {
  const splits = splitsOf(input);
  if (splits.evaluation.queries.length === 0) {
    throw new NothingToDo(
      `No query of the split "${splits.evaluation.name}" has a relevant document, so nothing can be measured. Add judgements or choose another split.`,
    );
  }
  const opened = await finish(services.encoder.open({ folder: input.folder, engine: input.engine }));
  const state = stateOf(services, input, splits, opened.model);
  let completed = false;
  try {
    yield { kind: "opened", ...opened };
    const result = yield* resultOf(state, yield* stages(state), opened);
    completed = true;
    return { result, model: opened.model };
  } finally {
    await finish(closeGuide(state));
    if (!completed) await finish(services.encoder.close({ model: opened.model }));
  }
}
