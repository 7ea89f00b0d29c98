/** Which queries tell the best weights of a training, and what they told. */
import { UserError } from "../base/errors.ts";
import { count, countOf, listOf, quoted } from "../data/wording.ts";
import type { DevResult } from "../domain/run.ts";
import type { TrainOutcome } from "../domain/stages.ts";
import { bestLook, type Dev, type DevReport } from "../domain/training.ts";
import { collectionVectors } from "./guide.ts";
import type { Evaluation } from "./measure.ts";
import { evaluationOf, trains } from "./prepare.ts";
import type { RunInput } from "./run.ts";
import type { State, Work } from "./state.ts";

/** The recipe keeps the weights that are best on dev, and there is no split for that. */
export class NoDevSplit extends UserError {
  override readonly name = "NoDevSplit";
}

/** As chooseSplits knows them. */
const usualNames = ["dev", "validation", "val"];

function checkSplit(name: string | undefined, names: readonly string[], measured: string): asserts name is string {
  if (name === undefined || names.length < 2) {
    const divided = names.length === 1 ? ", which is divided to train on and to measure" : "";
    throw new NoDevSplit(
      `The recipe keeps the weights that are best on dev ("best"), and this collection has no split for that: ${names.length > 0 ? `only ${listOf(names)}${divided}` : "nothing is judged"}. ` +
        'Add judgements of queries that are neither trained on nor measured with (qrels/dev.tsv), or leave "best" out.',
    );
  }
  if (name === measured) {
    throw new NoDevSplit(
      `The recipe keeps the weights that are best on ${quoted(name)} ("best"), and the run is measured with that very split: its result would be too good. ` +
        'Measure with another one ("evaluate.split"), or leave "best" out.',
    );
  }
}

/** Undefined where the recipe does not ask. `measured`: the name of the evaluation split. Errors: {@link NoDevSplit}. */
export function devSplit(input: RunInput, measured: string): Evaluation | undefined {
  const { collection, config } = input;
  if (!config.best || !trains(input)) return undefined;
  const splits = new Map(Object.entries(collection.judgements));
  const name = usualNames.find((usual) => splits.has(usual));
  checkSplit(name, [...splits.keys()], measured);
  const dev = evaluationOf(collection, name, splits.get(name) ?? []);
  if (dev.queries.length > 0) return dev;
  throw new NoDevSplit(
    `No query of the split ${quoted(name)} has a relevant document, so the weights that are best on it ("best") cannot be told. ` +
      'Add judgements to it, or leave "best" out.',
  );
}

/** What the training needs to look at dev. */
export async function* devOf(state: State): Work<Dev | undefined> {
  const { corpus, dev } = state;
  if (!dev) return undefined;
  const { queries, judgements } = dev;
  const vectors = yield* collectionVectors(state, state.start);
  return { ids: corpus.ids, corpus: corpus.texts, vectors, queries, judgements };
}

/** Undefined where dev was not looked at. */
export function devResult({ dev, looks }: Pick<State, "dev" | "looks">): DevResult | undefined {
  const kept = bestLook(looks);
  return dev && kept && { split: dev.name, queries: dev.queries.length, looks, kept: kept.step };
}

const figure = ({ score }: DevReport): string => score.toFixed(4).replace(/^0/u, "");

/** Which weights were kept, and whether training ended for it. */
export function devNotes(state: State, { steps }: TrainOutcome): string[] {
  const [kept, first] = [bestLook(state.looks), state.looks[0]];
  const planned = state.steps.at(-1)?.steps ?? steps;
  if (!state.dev || !kept || !first) return [];
  const queries = `${countOf(state.dev.queries.length, "query", "queries")} of the split ${quoted(state.dev.name)}`;
  const chosen =
    kept.step === 0
      ? `No weights did better on ${queries} than those from before training (nDCG@10 ${figure(kept)}): these were kept, so after is before.`
      : `The weights after step ${count(kept.step)} were kept: the best on ${queries}, nDCG@10 ${figure(kept)} (before training ${figure(first)}).`;
  const ended =
    steps < planned ? [`Training ended after step ${count(steps)} of ${count(planned)}, as dev got no better.`] : [];
  return [chosen, ...ended];
}
