/**
 * A run on pairs made of the documents. No judgement has a part in its rows: a collection's judged queries serve to
 * measure with, and where it has none, some documents are held out for that.
 */
import { breathing } from "../base/breath.ts";
import { UserError } from "../base/errors.ts";
import { makePairs, type Lack, type MadePairs, type PairKind } from "../data/documentPairs.ts";
import { holdOut, type HeldOut } from "../data/heldOut.ts";
import { copiesAmong } from "../data/nearcopies.ts";
import { count, countOf, listOf } from "../data/wording.ts";
import { documentText, type Document } from "../domain/collection.ts";
import type { DocumentId } from "../domain/ids.ts";
import { heldOutSplit } from "../domain/run.ts";
import type { Progress } from "../domain/stages.ts";
import { isJudged, judgedSplits, trains, type Splits } from "./prepare.ts";
import type { RunInput } from "./run.ts";

/** No document gives a training pair of the kind that the recipe asks for. */
export class NoPairs extends UserError {
  override readonly name = "NoPairs";
}

type Work<Output> = AsyncGenerator<Progress, Output, void>;

const lackWords: Readonly<Record<Lack, string>> = {
  noTitle: "have no title",
  fewSentences: "have fewer than two sentences, or only very short ones",
  shortRest: "have too little text beside it",
};

const kindWords: Readonly<Record<PairKind, string>> = { title: "a title", sentence: "a sentence" };

function lackNotes({ lacking }: MadePairs, documents: number): string[] {
  return [...lacking].map(([kind, reasons]) => {
    const total = [...reasons.values()].reduce((sum, some) => sum + some, 0);
    const why = listOf([...reasons].map(([lack, some]) => `${count(some)} ${lackWords[lack]}`));
    return `${count(total)} of ${countOf(documents, "document")} gave no pair of ${kindWords[kind]} and its answer: ${why}.`;
  });
}

function pairNotes(made: MadePairs, documents: number): string[] {
  const kinds = [...made.made].map(([kind, some]) => `${count(some)} of ${kindWords[kind]} and its answer`);
  return [
    `The training pairs are made of the documents: ${listOf(kinds)}. No judgement was used for them.`,
    ...lackNotes(made, documents),
  ];
}

/** Pairs of the documents that are not held out. Errors: {@link NoPairs}. */
async function* pairsOf({ collection, config }: RunInput, held: HeldOut | undefined): Work<MadePairs> {
  const documents = held ? collection.documents.filter(({ id }) => !held.ids.has(id)) : collection.documents;
  const made = yield* breathing(makePairs(documents, config.pairs, config.seed));
  if (made.pairs.length > 0) return made;
  throw new NoPairs(
    `No training pair can be made of the documents with "pairs" set to "${config.pairs}". ${lackNotes(made, documents.length).join(" ")} ` +
      'Set "pairs" to "titles", "cloze" or "documents" (both), whichever the documents have, or train on judged queries.',
  );
}

function copiesById(documents: readonly Document[], copies: ReadonlyMap<number, readonly number[]>): Splits["copies"] {
  const idAt = (place: number): DocumentId[] => documents.slice(place, place + 1).map(({ id }) => id);
  return new Map(
    [...copies].flatMap(([place, others]) => idAt(place).map((id) => [id, others.flatMap(idAt)] as const)),
  );
}

interface Measuring extends Pick<Splits, "evaluation" | "notes"> {
  /** Undefined where judged queries are measured with. */
  readonly held: HeldOut | undefined;
}

/** The judged queries: those that a run on judged queries is measured with too. */
function judgedEvaluation(input: RunInput): Measuring {
  const { evaluation, divided } = judgedSplits(input);
  const note = `Measured with ${countOf(evaluation.queries.length, "query", "queries")}: those that a run on the judged queries holds out too, so that both compare.`;
  return { evaluation, notes: divided ? [note] : [], held: undefined };
}

function heldOutEvaluation(held: HeldOut): Measuring {
  const { judgements, queries } = held;
  const note =
    `Measured with ${count(queries.length)} documents that are not trained on. Each is searched by its title or one of its ` +
    "sentences, which is taken out of the text that all systems search. Nobody asked these queries: with real ones search may gain more or less.";
  return { evaluation: { name: heldOutSplit, judgements, queries }, notes: [note], held };
}

/** Near-copies, then what is measured with, then the pairs. Errors: TooFewDocuments, UnknownSplit, {@link NoPairs}. */
export async function* documentSplits(input: RunInput): Work<Splits> {
  const { collection, config } = input;
  const { name, documents } = collection;
  const judged = isJudged(collection) || config.evaluate.split !== "auto";
  const copies = yield* breathing(copiesAmong(documents.map(documentText)));
  const { evaluation, notes, held } = judged
    ? judgedEvaluation(input)
    : heldOutEvaluation(yield* breathing(holdOut(documents, copies, config.seed)));
  const made = trains(input) && !input.trainingSet ? yield* pairsOf(input, held) : undefined;
  const { queries, pairs } = made ?? { queries: [], pairs: [] };
  const judgements = pairs.map(({ queryId, documentId }) => ({ queryId, documentId, grade: 1 }));
  return {
    collection: {
      name,
      documents: held?.documents ?? documents,
      queries,
      judgements: { train: judgements },
      negatives: [],
    },
    pairs,
    copies: copiesById(documents, copies),
    train: [],
    evaluation,
    notes: [...notes, ...(made ? pairNotes(made, documents.length - (held?.ids.size ?? 0)) : [])],
  };
}
