/** What a run trains on and what it measures with. */
import { chooseSplits, splitJudgements } from "../data/split.ts";
import type { Collection, Judgement } from "../domain/collection.ts";
import type { DocumentId } from "../domain/ids.ts";
import { trainingPairs, type TrainingPair } from "../negatives/pools.ts";
import type { Evaluation } from "./measure.ts";
import type { RunInput } from "./run.ts";

export interface Splits {
  /** As it is searched and trained on: with the queries of the training pairs, and what is known to answer them. */
  readonly collection: Collection;
  readonly pairs: readonly TrainingPair[];
  /** Near-copies of documents: where one may not be a negative, neither may they. */
  readonly copies: ReadonlyMap<DocumentId, readonly DocumentId[]>;
  /** Judgements that are trained on; none where the pairs were made of the documents. */
  readonly train: readonly Judgement[];
  readonly evaluation: Evaluation;
  readonly notes: readonly string[];
}

/** Whether this run takes at least one optimiser step. */
export const trains = ({ config }: Pick<RunInput, "config">): boolean =>
  config.steps !== 0 && (config.steps !== undefined || config.epochs > 0);

/** Whether anything is known to answer a query. */
export const isJudged = ({ judgements }: Pick<Collection, "judgements">): boolean =>
  Object.values(judgements).some((split) => split.some(({ grade }) => grade > 0));

/** The queries of a split that have a relevant document. */
export function evaluationOf({ queries }: Collection, name: string, judgements: readonly Judgement[]): Evaluation {
  const relevant = new Set(judgements.filter(({ grade }) => grade > 0).map(({ queryId }) => queryId));
  return { name, judgements, queries: queries.filter(({ id }) => relevant.has(id)) };
}

export interface JudgedSplits extends Pick<Splits, "train" | "evaluation" | "notes"> {
  /** Whether the collection's only split was divided by query. */
  readonly divided: boolean;
}

/** Training and evaluation judgements; a collection with only one split is divided by query when the run trains. */
export function judgedSplits(input: RunInput): JudgedSplits {
  const { collection, config } = input;
  const [only, second] = Object.keys(collection.judgements);
  const { split } = config.evaluate;
  // The only split is the one to measure with even where it is called "train", as those of written queries are.
  const wanted = split === "auto" && second === undefined ? (only ?? split) : split;
  const chosen = chooseSplits(collection, wanted);
  if (chosen.train.length > 0 || !trains(input) || input.trainingSet) {
    const evaluation = evaluationOf(collection, chosen.evaluation.name, chosen.evaluation.judgements);
    return { train: chosen.train, evaluation, notes: [], divided: false };
  }
  const { judgements, note } = splitJudgements(collection, config.seed);
  const evaluation = evaluationOf(collection, "test", judgements["test"] ?? []);
  return { train: judgements["train"] ?? [], evaluation, notes: note ? [note] : [], divided: note !== "" };
}

/** Where the judged queries are trained on. */
export function splitsOf(input: RunInput): Splits {
  const { train, evaluation, notes } = judgedSplits(input);
  return { collection: input.collection, pairs: trainingPairs(train), copies: new Map(), train, evaluation, notes };
}
