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
import type { Collection } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { Snapshot } from "../domain/diagnostics.ts";
import type { FoundVerdict } from "../domain/draft.ts";
import type { EncoderFiles, EngineChoice } from "../domain/encoder.ts";
import type { MemoryUse } from "../domain/engine.ts";
import type { RunProducts, RunReport, RunResult } from "../domain/run.ts";
import type { EncoderStages, ModelHandle, OpenedEncoder, RetrieverStages } from "../domain/stages.ts";
import { describePrecision } from "../domain/tuning.ts";
import type { Checkpoint, DevReport, RefreshReport, StepReport, TrainingSet } from "../domain/training.ts";
import type { Answer } from "../negatives/mix.ts";
import { corpusOf } from "./corpus.ts";
import { devNotes, devSplit } from "./dev.ts";
import { closeGuide, startingGuide } from "./guide.ts";
import { documentSplits } from "./documents.ts";
import { isJudged, splitsOf, trains } from "./prepare.ts";
import { resultOf, type Finished } from "./result.ts";
import { rowsStages } from "./rows.ts";
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
  readonly folder: EncoderFiles;
  /** Finds dense and SimANS negatives and scores for the gate; the starting encoder where there is none. */
  readonly guide?: EncoderFiles;
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
    readonly dev?: readonly DevReport[];
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

async function* stages(state: State): Reports<Finished> {
  const { services, input, splits } = state;
  yield* stage(state, "index", services.retriever.indexText({ documents: splits.collection.documents }));
  yield* noted(state, "index", splits.notes);
  const rows = trains(input) ? yield* rowsStages(state) : undefined;
  if (rows?.data.rows.length === 0) {
    const dropped = state.gate ? ` The gate left out ${state.gate.dropped} of ${state.gate.considered}.` : "";
    throw new NothingToDo(
      `There is no row to train on: no judged training query, or no negative for any.${dropped} Add judgements (qrels/train.tsv) or negatives, or set "steps" to 0 to only measure.`,
    );
  }
  const before = yield* stage(state, "before", beforeStage(state, rows?.data));
  const trained = rows ? yield* stage(state, "train", trainStage(state, rows)) : undefined;
  if (trained) yield* noted(state, "train", devNotes(state, trained));
  const looked = rows && trained && { data: rows.data, steps: trained.steps };
  const after = yield* stage(state, "after", afterStage(state, before, looked));
  return { results: new Map([...before, ...after]), trained, rows: rows?.data.rows.length ?? 0 };
}

/** What earlier sessions reported up to the checkpoint that this one goes on from. */
function earlierReports({ earlier, checkpoint }: RunInput): Pick<State, "steps" | "probes" | "refreshes" | "looks"> {
  const done = checkpoint?.step ?? 0;
  return {
    steps: (earlier?.steps ?? []).filter(({ step }) => step <= done),
    probes: (earlier?.probes ?? []).filter(({ step }) => step > 0 && step <= done),
    // The checkpoint holds what the index of this version gave: it is not made again.
    refreshes: (earlier?.refreshes ?? []).filter(({ version }) => version <= (checkpoint?.mined?.version ?? -1)),
    looks: (earlier?.dev ?? []).filter(({ step }) => step <= (checkpoint?.best?.looked ?? -1)),
  };
}

type Prepared = Pick<State, "splits" | "seconds" | "dev">;

function stateOf(services: Services, input: RunInput, prepared: Prepared, model: ModelHandle): State {
  return {
    ...prepared,
    services,
    input,
    corpus: corpusOf(prepared.splits),
    model,
    start: startingGuide(model, input),
    guide: undefined,
    gate: input.products?.gate,
    variance: undefined,
    notes: [],
    ...earlierReports(input),
  };
}

/** What is trained on and measured with, before anything is opened: whatever is wrong with it is said at once. */
async function* prepared(input: RunInput): Reports<Prepared> {
  const { collection, config } = input;
  if (config.pairs === "queries" && !isJudged(collection) && config.evaluate.split === "auto") {
    throw new NothingToDo(
      'No query of the collection is judged, so there is nothing to train on or to measure with. Set "pairs" to "documents": titles and sentences of the documents are then the queries. Or add judgements (qrels/train.tsv, qrels/test.tsv).',
    );
  }
  const seconds: State["seconds"] = {};
  // Making pairs of documents takes seconds, which count as part of the index stage.
  const made = config.pairs !== "queries";
  const splits = made ? yield* stage({ seconds }, "index", documentSplits(input)) : splitsOf(input);
  if (splits.evaluation.queries.length === 0) {
    throw new NothingToDo(
      `No query of the split "${splits.evaluation.name}" has a relevant document, so nothing can be measured. Add judgements or choose another split.`,
    );
  }
  return { splits, seconds, dev: devSplit(input, splits.evaluation.name) };
}

/** Before anything is computed: what does not fit is refused here. */
async function* predicted({ services, input }: State, { card }: OpenedEncoder): Reports<MemoryUse | undefined> {
  const { config, engine } = input;
  if (config.steps === 0) return undefined;
  const { memory } = yield* services.encoder.predict({ card, engine, config });
  return memory;
}

/** What comes of a recipe that asks for f16. */
function precisionNotes({ config }: RunInput, { engine, card }: OpenedEncoder): string[] {
  const words = describePrecision(config, { engine, shape: card.shape });
  return words === "" ? [] : [words];
}

/** Errors: NothingToDo, NoDevSplit, InvalidConfig, and what the stages throw. Stopping it (`return`) closes the encoders. */
export async function* run(services: Services, input: RunInput): AsyncGenerator<RunReport, RunOutcome, void> {
  const preparation = yield* prepared(input);
  const opened = await finish(services.encoder.open({ folder: input.folder, engine: input.engine }));
  const state = stateOf(services, input, preparation, opened.model);
  let completed = false;
  try {
    const memory = yield* predicted(state, opened);
    yield { kind: "opened", ...opened, ...(memory && { memory }) };
    if (trains(input)) yield* noted(state, "train", precisionNotes(input, opened));
    const result = yield* resultOf(state, yield* stages(state), opened);
    completed = true;
    return { result, model: opened.model };
  } finally {
    await finish(closeGuide(state));
    if (!completed) await finish(services.encoder.close({ model: opened.model }));
  }
}
