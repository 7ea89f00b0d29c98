/**
 * The whole run as one stage over the contracts: index, mine, mix, measure, train, measure again. The page hands it
 * workers, the headless runner hands it the modules themselves: one path, two hosts.
 *
 * What a stage makes is reported once as a product. A host that keeps products and checkpoints can hand them back and
 * the run goes on where it was; what they do not hold (the text index, the choice of splits) is made again, from the
 * same seed.
 */
import { finish } from "../base/channel.ts";
import { UserError } from "../base/errors.ts";
import { relay } from "../base/relay.ts";
import { leakReport } from "../data/split.ts";
import type { Collection } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { EncoderCard, EncoderFolder, EngineChoice, EngineInfo } from "../domain/encoder.ts";
import type { RunProduct, RunProducts, RunReport, RunResult, StageName, SystemResult } from "../domain/run.ts";
import type { EncoderStages, ModelHandle, Progress, RetrieverStages, TrainOutcome } from "../domain/stages.ts";
import type { SystemName } from "../domain/ranking.ts";
import type { Checkpoint, TrainingSet } from "../domain/training.ts";
import { verdictSentence } from "../domain/verdict.ts";
import { measureBm25, measureEncoder, type Measured } from "./measure.ts";
import { mine, prepareRows, splitsOf, trains, type Splits } from "./prepare.ts";

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
  readonly engine: EngineChoice;
  readonly config: Config;
  /** Rows to train on as they are, in place of mining and mixing. */
  readonly trainingSet?: TrainingSet;
  /** What an earlier session of this run had made. */
  readonly products?: RunProducts;
  readonly checkpoint?: Checkpoint;
  /** Seconds between checkpoints. */
  readonly checkpointEvery: number;
}

export interface RunOutcome {
  readonly result: RunResult;
  /** The trained encoder, still open: the caller closes it. */
  readonly model: ModelHandle;
}

/** What the run knows so far. */
interface State {
  readonly services: Services;
  readonly input: RunInput;
  readonly splits: Splits;
  readonly seconds: Partial<Record<StageName, number>>;
  readonly notes: string[];
}

type Reports<Output> = AsyncGenerator<RunReport, Output, void>;

const isProgress = (report: Progress | RunReport): report is Progress => "unit" in report;

/** Reports of a thread's stage as reports of the run. */
const progressOf =
  (name: StageName) =>
  (report: Progress | RunReport): RunReport =>
    isProgress(report) ? { kind: "progress", stage: name, progress: report } : report;

/** Runs one stage between its "started" and "finished" reports, on its own clock. */
async function* stage<Output>(
  state: State,
  name: StageName,
  work: AsyncGenerator<Progress | RunReport, Output, void>,
): Reports<Output> {
  yield { kind: "started", stage: name };
  const product = yield* relay(work, progressOf(name), (seconds) => {
    state.seconds[name] = (state.seconds[name] ?? 0) + seconds;
  });
  yield { kind: "finished", stage: name, seconds: state.seconds[name] ?? 0 };
  return product;
}

async function* noted(state: State, name: StageName, notes: readonly string[]): Reports<void> {
  for (const text of notes) {
    state.notes.push(text);
    yield { kind: "note", stage: name, text };
  }
}

const made = (product: RunProduct): RunReport => ({ kind: "product", product });

async function* rowsStages(state: State): Reports<TrainingSet> {
  const { input, services, splits } = state;
  const known = input.trainingSet ?? input.products?.trainingSet;
  if (known) {
    yield made({ name: "trainingSet", value: known });
    return known;
  }
  const found = yield* stage(state, "mine", mine(services, input, splits.train));
  async function* mixing(): Reports<TrainingSet> {
    const { outcome, notes } = prepareRows(input, splits.train, found);
    yield* noted(state, "mix", notes);
    return outcome.trainingSet;
  }
  const trainingSet = yield* stage(state, "mix", mixing());
  if (trainingSet.rows.length === 0) {
    throw new NothingToDo(
      'There is no row to train on: no judged training query, or no negative for any. Add judgements (qrels/train.tsv) or negatives, or set "steps" to 0 to only measure.',
    );
  }
  yield made({ name: "trainingSet", value: trainingSet });
  return trainingSet;
}

interface Systems {
  readonly bm25: SystemResult;
  readonly before: SystemResult;
}

async function* beforeStage(state: State, model: ModelHandle): Reports<Systems> {
  const { services, input, splits } = state;
  const { bm25: knownBm25, before: known, vectorsBefore } = input.products ?? {};
  const bm25 = knownBm25 ?? (yield* relay(measureBm25(services, input, splits.evaluation), progressOf("before")));
  if (!knownBm25) yield made({ name: "bm25", value: bm25 });
  if (known && vectorsBefore) return { bm25, before: known };
  const measured = yield* relay(
    measureEncoder(services, input, splits.evaluation, { model, name: "before" }),
    progressOf("before"),
  );
  yield made({ name: "vectorsBefore", value: measured.vectors });
  yield made({ name: "before", value: measured.result });
  return { bm25, before: measured.result };
}

async function* trainStage({ services, input }: State, model: ModelHandle, data: TrainingSet): Reports<TrainOutcome> {
  const { config, checkpoint: resume, checkpointEvery } = input;
  const outcome = yield* services.encoder.train({ model, data, config, checkpointEvery, ...(resume && { resume }) });
  yield { kind: "checkpoint", checkpoint: outcome.checkpoint };
  return outcome;
}

async function* afterStage(
  state: State,
  model: ModelHandle,
  systems: Systems,
  trained: boolean,
): Reports<SystemResult> {
  const { services, input, splits } = state;
  const { after: known, vectorsAfter } = input.products ?? {};
  if (known && vectorsAfter) return known;
  if (!trained) {
    yield made({ name: "after", value: systems.before });
    return systems.before;
  }
  const work = measureEncoder(services, input, splits.evaluation, { model, name: "after" });
  const measured: Measured = yield* relay(work, progressOf("after"));
  yield made({ name: "vectorsAfter", value: measured.vectors });
  yield made({ name: "after", value: measured.result });
  return measured.result;
}

interface Opened {
  readonly model: ModelHandle;
  readonly card: EncoderCard;
  readonly engine: EngineInfo;
}

const NO_ROWS: TrainingSet = { queries: [], documents: [], rows: [] };

interface Finished {
  readonly systems: Record<SystemName, SystemResult>;
  readonly trained: TrainOutcome | undefined;
  readonly rows: number;
}

async function* stages(state: State, model: ModelHandle): Reports<Finished> {
  const { services, input, splits } = state;
  const trained = trains(input);
  yield* stage(state, "index", services.retriever.indexText({ documents: input.collection.documents }));
  yield* noted(state, "index", splits.notes);
  const data = trained ? yield* rowsStages(state) : NO_ROWS;
  const systems = yield* stage(state, "before", beforeStage(state, model));
  const training = trained ? yield* stage(state, "train", trainStage(state, model, data)) : undefined;
  const after = yield* stage(state, "after", afterStage(state, model, systems, trained));
  return { systems: { ...systems, after }, trained: training, rows: data.rows.length };
}

async function* resultOf(
  state: State,
  { systems, trained, rows }: Finished,
  opened: Opened,
): AsyncGenerator<never, RunResult, void> {
  const { input, splits, services } = state;
  const { bm25, before, after } = systems;
  const compare = { metric: "ndcg@10", seed: input.config.seed } as const;
  const afterBefore = yield* services.retriever.compare({ a: before.scores, b: after.scores, ...compare });
  const afterBm25 = yield* services.retriever.compare({ a: bm25.scores, b: after.scores, ...compare });
  const { tokens = 0, seconds = 0 } = trained ?? {};
  return {
    split: splits.evaluation.name,
    systems: { bm25: bm25.scores, before: before.scores, after: after.scores },
    comparisons: { afterBefore, afterBm25 },
    verdict: trained
      ? verdictSentence(afterBefore, splits.evaluation.name, after.scores.queryIds.length)
      : "Nothing was trained: the encoder was only measured.",
    leak:
      splits.train.length > 0 ? leakReport(input.collection, splits.train, splits.evaluation.judgements) : undefined,
    trainingRows: rows,
    steps: trained?.steps ?? 0,
    tokens,
    tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
    seconds: state.seconds,
    peakBytes: trained?.peakBytes ?? 0,
    engine: opened.engine,
    encoder: opened.card,
    notes: state.notes,
  };
}

/** Errors: NothingToDo, InvalidConfig, and what the stages throw. Stopping it (`return`) closes the encoder. */
export async function* run(services: Services, input: RunInput): AsyncGenerator<RunReport, RunOutcome, void> {
  const splits = splitsOf(input);
  if (splits.evaluation.queries.length === 0) {
    throw new NothingToDo(
      `No query of the split "${splits.evaluation.name}" has a relevant document, so nothing can be measured. Add judgements or choose another split.`,
    );
  }
  const opened = await finish(services.encoder.open({ folder: input.folder, engine: input.engine }));
  let completed = false;
  try {
    yield { kind: "opened", ...opened };
    const state: State = { services, input, splits, seconds: {}, notes: [] };
    const result = yield* resultOf(state, yield* stages(state, opened.model), opened);
    completed = true;
    return { result, model: opened.model };
  } finally {
    if (!completed) await finish(services.encoder.close({ model: opened.model }));
  }
}
