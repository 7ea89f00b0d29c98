/** Which judgements are trained on and which are measured, and how far the two overlap. */
import { UserError } from "../base/errors.ts";
import { random, shuffled } from "../base/random.ts";
import type { Collection, Judgement, Judgements, LeakReport } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import { nearCopies } from "./nearcopies.ts";
import { count, countOf, listOf, quoted } from "./wording.ts";

/** A split was asked for by a name that the collection does not have, or must be named. */
export class UnknownSplit extends UserError {
  override readonly name = "UnknownSplit";
}

/** Share of the queries that a made test split gets. */
const testShare = 0.2;

interface SplitResult {
  readonly judgements: Judgements;
  /** What was done, in words for the person; "" where nothing was. */
  readonly note: string;
}

const isRelevant = ({ grade }: Judgement): boolean => grade > 0;
const queriesOf = (judgements: readonly Judgement[]): QueryId[] => [
  ...new Set(judgements.map(({ queryId }) => queryId)),
];

/** Queries that share a relevant document, directly or through others: connected components, by union and find. */
function componentsOf(judgements: readonly Judgement[]): QueryId[][] {
  const parents = new Map<QueryId, QueryId>(judgements.map(({ queryId }) => [queryId, queryId]));
  function rootOf(query: QueryId): QueryId {
    let at = query;
    for (let up = parents.get(at) ?? at; up !== at; up = parents.get(at) ?? at) {
      // Path halving: every other step skips a level.
      const above = parents.get(up) ?? up;
      parents.set(at, above);
      at = above;
    }
    return at;
  }
  const firstBy = new Map<string, QueryId>();
  for (const { queryId, documentId } of judgements.filter(isRelevant)) {
    const first = firstBy.get(documentId);
    if (first === undefined) firstBy.set(documentId, queryId);
    else parents.set(rootOf(queryId), rootOf(first));
  }
  const components = new Map<QueryId, QueryId[]>();
  for (const query of parents.keys()) {
    const root = rootOf(query);
    const members = components.get(root);
    if (members) members.push(query);
    else components.set(root, [query]);
  }
  return [...components.values()];
}

/**
 * Components drawn in random order into the test side as long as they fit its share. Big ones tend to the training side.
 * Where none fits, the smallest is the test side.
 */
function drawTest(components: readonly QueryId[][], seed: number, share: number): Set<QueryId> {
  const total = components.reduce((sum, { length }) => sum + length, 0);
  const test: QueryId[] = [];
  for (const component of shuffled(components, random(seed, "split"))) {
    if (test.length + component.length <= total * share) test.push(...component);
  }
  const smallest = components.toSorted((a, b) => a.length - b.length)[0] ?? [];
  return new Set(test.length > 0 ? test : smallest);
}

/**
 * About this share of the queries, such that no relevant document of theirs is one of the others'; undefined where all of
 * them hang together.
 */
export function drawHeldOut(
  judgements: readonly Judgement[],
  share: number,
  seed: number,
): ReadonlySet<QueryId> | undefined {
  const components = componentsOf(judgements);
  return components.length < 2 ? undefined : drawTest(components, seed, share);
}

/**
 * Train and test (80 : 20 by query) for a collection that has only one split; any other collection's judgements as they
 * are. Queries that share a relevant document, directly or through others, stay on one side, so that no gold document of
 * the test side was trained on. A collection whose queries all hang together has nothing to hold out: all of it is test.
 */
export function splitJudgements(collection: Pick<Collection, "judgements">, seed: number): SplitResult {
  const [only, second] = Object.entries(collection.judgements);
  if (!only || second) return { judgements: collection.judgements, note: "" };
  const [name, all] = only;
  const held = drawHeldOut(all, testShare, seed);
  const queries = countOf(queriesOf(all).length, "query", "queries");
  if (!held) {
    const note = `The only split, ${quoted(name)}, has ${queries} that all hang together by shared relevant documents: none can be held out, so all are measured and none trained on.`;
    return { judgements: { train: [], test: all }, note };
  }
  const train = all.filter(({ queryId }) => !held.has(queryId));
  const test = all.filter(({ queryId }) => held.has(queryId));
  const note =
    `The only split, ${quoted(name)}, was divided by query: ${count(queriesOf(train).length)} to train on and ${count(held.size)} to measure, ` +
    `of ${queries}. Queries that share a relevant document are on the same side.`;
  return { judgements: { train, test }, note };
}

interface ChosenSplits {
  /** Empty where there is no training split beside the evaluation split. */
  readonly train: readonly Judgement[];
  readonly evaluation: { readonly name: string; readonly judgements: readonly Judgement[] };
}

function evaluationName(names: readonly string[], wanted: string): string {
  const there =
    names.length > 0 ? `There ${names.length === 1 ? "is" : "are"}: ${listOf(names)}` : "It has no judgements";
  if (wanted !== "auto") {
    if (names.includes(wanted)) return wanted;
    throw new UnknownSplit(`The collection has no split ${quoted(wanted)}. ${there}. Choose one of these, or "auto".`);
  }
  const usual = ["test", "dev", "validation", "val"].find((name) => names.includes(name));
  if (usual !== undefined) return usual;
  const [only, second] = names.filter((name) => name !== "train");
  if (only !== undefined && second === undefined) return only;
  throw new UnknownSplit(`It is not clear which split to measure on. ${there}. Name one of them in "evaluate.split".`);
}

/**
 * The training split ("train") and the evaluation split: `wanted`, or for "auto" test, dev, validation, val, or the only
 * one that is not train. Errors: {@link UnknownSplit}.
 */
export function chooseSplits(collection: Pick<Collection, "judgements">, wanted: string): ChosenSplits {
  // A map: a split asked for as "constructor" must not find the object's own.
  const splits = new Map(Object.entries(collection.judgements));
  const name = evaluationName([...splits.keys()], wanted);
  return {
    train: name === "train" ? [] : (splits.get("train") ?? []),
    evaluation: { name, judgements: splits.get(name) ?? [] },
  };
}

/** What a query may have been given away by. */
export interface Trained {
  /** Of the queries. */
  readonly texts: readonly string[];
  /** Their relevant documents. */
  readonly documents: ReadonlySet<DocumentId>;
}

type Texts = Pick<Collection, "queries">;

function textsOf({ queries }: Texts, ids: readonly QueryId[]): string[] {
  const texts = new Map(queries.map(({ id, text }) => [id, text]));
  return ids.map((id) => texts.get(id) ?? "");
}

/** By judgements; only those with a grade above 0 count. */
export function trainedBy(collection: Texts, train: readonly Judgement[]): Trained {
  const trained = train.filter(isRelevant);
  return {
    texts: textsOf(collection, queriesOf(trained)),
    documents: new Set(trained.map(({ documentId }) => documentId)),
  };
}

/** Evaluation queries with a relevant document, in the order of the judgements, and which of them training gives away. */
export interface Leaks {
  readonly queries: readonly QueryId[];
  /** Share a relevant document with a training query. */
  readonly sharedDocument: readonly QueryId[];
  /** Nearly repeat a training query: word Jaccard ≥ .7 (see nearcopies.ts). */
  readonly nearCopy: readonly QueryId[];
  /** Neither. */
  readonly clean: readonly QueryId[];
}

/** Only judgements with a grade above 0 count. */
export function findLeaks(collection: Texts, trained: Trained, evaluation: readonly Judgement[]): Leaks {
  const measured = evaluation.filter(isRelevant);
  const queries = queriesOf(measured);
  const sharedDocument = queriesOf(measured.filter(({ documentId }) => trained.documents.has(documentId)));
  const copies = nearCopies(textsOf(collection, queries), trained.texts);
  const nearCopy = queries.filter((_, place) => copies.has(place));
  const given = new Set([...sharedDocument, ...nearCopy]);
  return { queries, sharedDocument, nearCopy, clean: queries.filter((id) => !given.has(id)) };
}

export const leakReport = ({ queries, sharedDocument, nearCopy, clean }: Leaks): LeakReport => ({
  queries: queries.length,
  sharedDocument: sharedDocument.length,
  nearCopy: nearCopy.length,
  clean: clean.length,
});

/** Of every split with a relevant document that is not "train"; undefined where there is none, or nothing to train on. */
export function leaksBySplit(
  collection: Texts & Pick<Collection, "judgements">,
): Readonly<Record<string, LeakReport>> | undefined {
  const { train, ...others } = collection.judgements;
  const trained = trainedBy(collection, train ?? []);
  const reports = Object.entries(others)
    .map(([split, judgements]) => [split, leakReport(findLeaks(collection, trained, judgements))] as const)
    .filter(([, { queries }]) => queries > 0);
  return trained.texts.length > 0 && reports.length > 0 ? Object.fromEntries(reports) : undefined;
}
