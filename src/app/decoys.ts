/** Queries with their answer and their decoys, ready to be shown: before a run those written, afterwards the rows trained on. */
import { type Signal, signal } from "@preact/signals";
import type { Collection, Document, Judgement } from "../domain/collection.ts";
import { documentText } from "../domain/collection.ts";
import { type Draft, type FoundVerdict, standing, type Verdict } from "../domain/draft.ts";
import type { QueryId } from "../domain/ids.ts";
import type { RunRecord } from "../domain/run.ts";
import type { NegativeSource, Reasoning, WrittenNegative } from "../domain/negative.ts";
import type { TrainingSet } from "../domain/training.ts";
import type { App } from "./app.ts";
import { ownNegatives } from "./drafts.ts";
import { productsOf } from "./runState.ts";

export interface PassageView {
  /** May be empty. */
  readonly title: string;
  readonly text: string;
}

export interface DecoyView extends PassageView {
  readonly source: NegativeSource;
  readonly reasoning: Reasoning | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  /** The sampler's own, where it has them. */
  readonly score: number | undefined;
  readonly rank: number | undefined;
  /** What was decided on it, where anything was. */
  readonly verdict: Verdict | undefined;
}

export interface DecoyRow {
  readonly query: string;
  /** Undefined where the collection at hand does not know the query. */
  readonly queryId: QueryId | undefined;
  readonly positives: readonly PassageView[];
  readonly decoys: readonly DecoyView[];
}

/** What is known of decoys beyond the collection. */
export interface Judged {
  readonly drafts: readonly Draft[];
  readonly verdicts: readonly FoundVerdict[];
}

const nothingJudged: Judged = { drafts: [], verdicts: [] };

export const decoysViews = ["rows", "write", "review", "own", "queries"] as const;
export type DecoysViewName = (typeof decoysViews)[number];

export interface DecoysState {
  readonly view: Signal<DecoysViewName>;
  readonly page: Signal<number>;
  /** The rows of a run of the past; the rows of the run at hand are in its own state. */
  readonly shown: Signal<{ readonly run: RunRecord; readonly trainingSet: TrainingSet | undefined } | undefined>;
}

export const rowsPerPage = 5;

export function createDecoys(): DecoysState {
  return {
    view: signal<DecoysViewName>("rows"),
    page: signal(0),
    shown: signal<DecoysState["shown"]["value"]>(undefined),
  };
}

/** Shows the rows that `run` trained on. */
export async function showRowsOf(app: App, run: RunRecord): Promise<void> {
  const { trainingSet } = await productsOf(app, run.id);
  app.decoys.page.value = 0;
  app.decoys.view.value = "rows";
  app.decoys.shown.value = { run, trainingSet };
}

/** Back to the rows of the run at hand, or to what the selected collection brings. */
export function showOwnRows(app: App): void {
  app.decoys.page.value = 0;
  app.decoys.shown.value = undefined;
}

/** What is known of a passage, by the string that the encoder reads of it. */
type Known = ReadonlyMap<string, Document | WrittenNegative | Draft>;
const known = new WeakMap<Collection, Known>();

function knownPassages(collection: Collection): Known {
  const passages =
    known.get(collection) ??
    new Map([...collection.documents, ...collection.negatives].map((passage) => [documentText(passage), passage]));
  known.set(collection, passages);
  return passages;
}

/** What was asked of whoever wrote it: a recorded answer was asked for long before, with attributes of its own. */
export function attributesOf(draft: Draft, collection: Collection | undefined): Readonly<Record<string, string>> {
  if (draft.provider !== "recorded") return draft.attributes;
  const { title, text } = draft.review?.before ?? draft;
  const own = collection && knownPassages(collection).get(documentText({ title, text }));
  return (own && "attributes" in own && own.attributes) || {};
}

/** The person's or the judge's word on a draft; undefined where nobody looked at it. */
export function verdictOn(draft: Draft): Verdict | undefined {
  const { review, judged } = draft;
  if (!review) return judged;
  const decision = review.decision === "rejected" ? "Rejected" : review.before ? "Changed" : "Accepted";
  return { action: standing(draft), reason: `${decision} in review.`, by: "person" };
}

/** One page of the rows that a run trains on, with titles, reasoning and verdicts where they are known. */
export function trainingRows(
  set: TrainingSet,
  collection: Collection | undefined,
  page: number,
  judged: Judged = nothingJudged,
): DecoyRow[] {
  const passages: Known = collection ? knownPassages(collection) : new Map();
  const drafts: Known = new Map(judged.drafts.map((draft) => [documentText(draft), draft]));
  const rows = set.rows.slice(page * rowsPerPage, (page + 1) * rowsPerPage);
  const texts = new Set(rows.map(({ query }) => set.queries[query]));
  const ids = new Map(collection?.queries.filter(({ text }) => texts.has(text)).map(({ id, text }) => [text, id]));
  const passage = (index: number): Document | WrittenNegative | Draft | PassageView => {
    const text = set.documents[index] ?? "";
    return drafts.get(text) ?? passages.get(text) ?? { title: "", text };
  };
  return rows.map((row) => {
    const query = set.queries[row.query] ?? "";
    const queryId = ids.get(query);
    const positives = [row.positive].map(passage);
    const decoys = row.negatives.map(({ document, source, score, rank }) => {
      const shown = passage(document);
      const verdict = verdictOf(shown, queryId, judged.verdicts);
      const attributes = "outcome" in shown ? attributesOf(shown, collection) : undefined;
      return { ...decoyView(source, shown), score, rank, verdict, ...(attributes && { attributes }) };
    });
    return { query, queryId, positives, decoys };
  });
}

function verdictOf(
  passage: Document | WrittenNegative | Draft | PassageView,
  queryId: QueryId | undefined,
  verdicts: readonly FoundVerdict[],
): Verdict | undefined {
  if ("outcome" in passage) return verdictOn(passage);
  if (!("id" in passage)) return undefined;
  return verdicts.find((verdict) => verdict.queryId === queryId && verdict.documentId === passage.id);
}

/** Those named "train"; all of a collection with only one split, which a run divides itself. */
export function trainingJudgements({ judgements }: Collection): readonly Judgement[] {
  const splits = Object.values(judgements);
  return judgements["train"] ?? (splits.length === 1 ? splits.flat() : []);
}

/** The training queries of a collection that have an answer, in its order. */
export function trainingQueries(collection: Collection): Collection["queries"] {
  const train = trainingJudgements(collection);
  const answered = new Set(train.filter(({ grade }) => grade > 0).map(({ queryId }) => queryId));
  return collection.queries.filter(({ id }) => answered.has(id));
}

/** Of each training query the first document that answers it. */
export function firstPositives(collection: Collection): ReadonlyMap<QueryId, Document> {
  const documents = new Map(collection.documents.map((document) => [document.id, document]));
  const positives = new Map<QueryId, Document>();
  for (const { queryId, documentId, grade } of trainingJudgements(collection)) {
    const document = documents.get(documentId);
    if (grade > 0 && document && !positives.has(queryId)) positives.set(queryId, document);
  }
  return positives;
}

/** One page of what came with the collection and was written since. Drafts that were left out stand there with the reason. */
export function writtenRows(collection: Collection, page: number, judged: Judged = nothingJudged): DecoyRow[] {
  const queries = trainingQueries(collection).slice(page * rowsPerPage, (page + 1) * rowsPerPage);
  const wanted = new Set(queries.map(({ id }) => id));
  const relevant = trainingJudgements(collection).filter(({ queryId, grade }) => grade > 0 && wanted.has(queryId));
  const needed = new Set(relevant.map(({ documentId }) => documentId));
  const documents = new Map<string, Document>(
    collection.documents.filter(({ id }) => needed.has(id)).map((document) => [document.id, document]),
  );
  const drafts = judged.drafts.filter(({ queryId, outcome }) => outcome !== "rejected" && wanted.has(queryId));
  const came = ownNegatives(collection, judged.drafts);
  return queries.map(({ id, text }) => ({
    query: text,
    queryId: id,
    positives: relevant
      .filter(({ queryId }) => queryId === id)
      .map(({ documentId }) => documents.get(documentId))
      .filter((document) => document !== undefined),
    decoys: [
      ...came.filter(({ queryId }) => queryId === id).map((negative) => decoyView(negative.source, negative)),
      ...drafts
        .filter(({ queryId }) => queryId === id)
        .map((draft) => ({
          ...decoyView(draft.source, draft),
          attributes: attributesOf(draft, collection),
          verdict: verdictOn(draft),
        })),
    ],
  }));
}

function decoyView(source: NegativeSource, passage: Document | WrittenNegative | Draft | PassageView): DecoyView {
  const { title, text } = passage;
  const written = "queryId" in passage ? passage : undefined;
  return {
    source,
    title,
    text,
    reasoning: written?.reasoning,
    attributes: written?.attributes ?? {},
    score: undefined,
    rank: undefined,
    verdict: undefined,
  };
}
