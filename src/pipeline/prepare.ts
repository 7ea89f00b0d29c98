/** Which judgements train and which evaluate. */
import { chooseSplits, splitJudgements } from "../data/split.ts";
import type { Collection, Judgement } from "../domain/collection.ts";
import type { Evaluation } from "./measure.ts";
import type { RunInput } from "./run.ts";

export interface Splits {
  readonly train: readonly Judgement[];
  readonly evaluation: Evaluation;
  readonly notes: readonly string[];
}

/** Whether this run takes at least one optimiser step. */
export const trains = ({ config }: RunInput): boolean =>
  config.steps !== 0 && (config.steps !== undefined || config.epochs > 0);

function evaluationOf({ queries }: Collection, name: string, judgements: readonly Judgement[]): Evaluation {
  const relevant = new Set(judgements.filter(({ grade }) => grade > 0).map(({ queryId }) => queryId));
  return { name, judgements, queries: queries.filter(({ id }) => relevant.has(id)) };
}

/** Training and evaluation judgements; a collection with only one split is divided by query when the run trains. */
export function splitsOf(input: RunInput): Splits {
  const { collection, config } = input;
  const chosen = chooseSplits(collection, config.evaluate.split);
  if (chosen.train.length > 0 || !trains(input) || input.trainingSet) {
    const evaluation = evaluationOf(collection, chosen.evaluation.name, chosen.evaluation.judgements);
    return { train: chosen.train, evaluation, notes: [] };
  }
  const { judgements, note } = splitJudgements(collection, config.seed);
  const evaluation = evaluationOf(collection, "test", judgements["test"] ?? []);
  return { train: judgements["train"] ?? [], evaluation, notes: note ? [note] : [] };
}
