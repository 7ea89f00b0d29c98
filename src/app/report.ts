/** What a report says, gathered from what is stored. Loaded with the first report: the page starts without it. */
import { finish } from "../base/channel.ts";
import type { Collection, Document } from "../domain/collection.ts";
import { encoderDigest } from "../domain/encoder.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import { type QueryChange, queryChanges, type QueryChanges } from "../domain/queryChanges.ts";
import type { Comparison, MetricName, Ranking } from "../domain/ranking.ts";
import type { CollectionRecord, RunProducts, RunRecord, RunResult } from "../domain/run.ts";
import { measuredJudgements } from "../export/files/results.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { encoderFolder } from "./encoders.ts";
import { productsOf } from "./runState.ts";
import { builtIn, shippedEncoder } from "./shipped.ts";

/** What queries are told apart by, and runs compared on. */
const metric = "ndcg@10" satisfies MetricName;
/** Queries that are listed each way. */
const most = 10;

/** A run that came to its end. */
export type FinishedRun = RunRecord & { readonly result: RunResult };

export interface ReportedRun {
  readonly run: FinishedRun;
  /** Undefined where it was removed or is another one now. */
  readonly collection: CollectionRecord | undefined;
  /**
   * SHA-256 of the files of an encoder that comes with the page; of another the key that it is stored by, which follows from
   * its files or names a commit of the hub. Undefined where it cannot be read.
   */
  readonly encoderIdentity: string | undefined;
}

export type Passage = Pick<Document, "title" | "text">;

/** What stood first. */
export interface Shown extends Passage {
  readonly isAnswer: boolean;
}

export interface ToldQuery extends QueryChange {
  /** Undefined where the collection was removed, and of queries that were made of documents. */
  readonly text: string | undefined;
  /** The answer that stands highest in either ranking, with its ranks (1-based); undefined where it is not among the hundred best. */
  readonly answer: (Passage & { readonly before: number | undefined; readonly after: number | undefined }) | undefined;
  /** What stood first before and after. */
  readonly firstBefore: Shown | undefined;
  readonly firstAfter: Shown | undefined;
}

export interface ToldChanges extends Pick<QueryChanges, "better" | "worse" | "same"> {
  readonly gained: readonly ToldQuery[];
  readonly lost: readonly ToldQuery[];
}

/** Runs that were measured on the same queries: the earliest, and each later one against it. */
export interface ComparedRuns {
  readonly first: RunRecord["id"];
  readonly others: readonly { readonly run: RunRecord["id"]; readonly comparison: Comparison }[];
}

export type ReportInput = {
  /** ISO 8601. */
  readonly madeAt: string;
} & (
  | { readonly kind: "run"; readonly told: ReportedRun; readonly changes: ToldChanges }
  /** Earliest first. */
  | { readonly kind: "comparison"; readonly told: readonly ReportedRun[]; readonly compared: readonly ComparedRuns[] }
);

async function encoderIdentityOf(app: App, { encoder }: RunRecord): Promise<string | undefined> {
  // What came with a page of before is not told by its name.
  if (encoder === builtIn) return undefined;
  if (!shippedEncoder(encoder)) return encoder;
  try {
    return await encoderDigest(await encoderFolder(app, encoder));
  } catch {
    // Offline, and not kept by the browser: the report says that it is not known.
    return undefined;
  }
}

async function reportedRun(app: App, run: FinishedRun): Promise<ReportedRun> {
  const collection = app.collections.list.value.find(
    ({ id, digest }) => id === run.collection && digest === run.collectionDigest,
  );
  return { run, collection, encoderIdentity: await encoderIdentityOf(app, run) };
}

interface Texts {
  readonly queries: ReadonlyMap<QueryId, string>;
  readonly documents: ReadonlyMap<DocumentId, Passage>;
  readonly answers: ReadonlyMap<QueryId, ReadonlySet<DocumentId>>;
}

function textsOf(collection: Collection | undefined, result: RunResult): Texts {
  const { queries = [], documents = [], judgements = {} } = collection ?? {};
  const answers = new Map<QueryId, Set<DocumentId>>();
  for (const { queryId, documentId, grade } of measuredJudgements(judgements, result)) {
    if (grade <= 0) continue;
    const own = answers.get(queryId) ?? new Set();
    answers.set(queryId, own.add(documentId));
  }
  return {
    queries: new Map(queries.map(({ id, text }) => [id, text])),
    documents: new Map(documents.map(({ id, title, text }) => [id, { title, text }])),
    answers,
  };
}

type Hits = ReadonlyMap<QueryId, Ranking["hits"]>;
const hitsOf = (rankings: readonly Ranking[] = []): Hits =>
  new Map(rankings.map(({ queryId, hits }) => [queryId, hits]));

interface Material {
  readonly texts: Texts;
  readonly before: Hits;
  readonly after: Hits;
}

function told(change: QueryChange, { texts, before, after }: Material): ToldQuery {
  const { queryId } = change;
  const answers = texts.answers.get(queryId) ?? new Set<DocumentId>();
  const [first, last] = [before.get(queryId) ?? [], after.get(queryId) ?? []];
  const shown = (id: DocumentId | undefined): Shown | undefined => {
    const passage = id === undefined ? undefined : texts.documents.get(id);
    return id === undefined || !passage ? undefined : { ...passage, isAnswer: answers.has(id) };
  };
  return {
    ...change,
    text: texts.queries.get(queryId),
    answer: highest([...answers], first, last).flatMap(({ id, ...ranks }) => {
      const passage = texts.documents.get(id);
      return passage ? [{ ...passage, ...ranks }] : [];
    })[0],
    firstBefore: shown(first[0]?.documentId),
    firstAfter: shown(last[0]?.documentId),
  };
}

function highest(answers: readonly DocumentId[], before: Ranking["hits"], after: Ranking["hits"]) {
  const rank = (hits: Ranking["hits"], id: DocumentId): number | undefined =>
    hits.findIndex(({ documentId }) => documentId === id) + 1 || undefined;
  const best = (ranks: { before: number | undefined; after: number | undefined }): number =>
    Math.min(ranks.before ?? Infinity, ranks.after ?? Infinity);
  return answers
    .map((id) => ({ id, before: rank(before, id), after: rank(after, id) }))
    .sort((a, b) => (best(a) === best(b) ? 0 : best(a) - best(b)))
    .slice(0, 1);
}

function changesOf(result: RunResult, products: RunProducts, collection: Collection | undefined): ToldChanges {
  const { before, after } = result.systems;
  const changes = queryChanges(before, after, { metric, most });
  const material: Material = {
    texts: textsOf(collection, result),
    before: hitsOf(products.before?.rankings),
    after: hitsOf(products.after?.rankings),
  };
  const tell = (list: readonly QueryChange[]): ToldQuery[] => list.map((change) => told(change, material));
  return { ...changes, gained: tell(changes.gained), lost: tell(changes.lost) };
}

/** Of one run: with the queries that changed most. */
async function runInput(app: App, run: FinishedRun): Promise<Omit<ReportInput & { kind: "run" }, "madeAt">> {
  const reported = await reportedRun(app, run);
  const [products, collection] = await Promise.all([
    productsOf(app, run.id),
    reported.collection && readCollection(app, reported.collection.id),
  ]);
  return { kind: "run", told: reported, changes: changesOf(run.result, products, collection) };
}

/** Whether both were measured on the same queries of the same collection. */
function sameQueries(a: FinishedRun, b: FinishedRun): boolean {
  const [first, second] = [a.result.systems.after.queryIds, b.result.systems.after.queryIds];
  return (
    a.collectionDigest === b.collectionDigest &&
    a.result.split === b.result.split &&
    first.length > 0 &&
    first.length === second.length &&
    first.every((id, i) => id === second[i])
  );
}

/** `runs`: earliest first. */
async function comparedRuns(app: App, runs: readonly FinishedRun[]): Promise<ComparedRuns[]> {
  const firsts = runs.filter((run, i) => !runs.slice(0, i).some((earlier) => sameQueries(earlier, run)));
  const groups: ComparedRuns[] = [];
  for (const first of firsts) {
    const others: ComparedRuns["others"][number][] = [];
    for (const run of runs) {
      if (run === first || !sameQueries(first, run)) continue;
      const [a, b] = [first.result.systems.after, run.result.systems.after];
      const { compare } = app.deps.searcher.retriever;
      const comparison = await finish(compare({ a, b, metric, seed: first.config.seed }));
      others.push({ run: run.id, comparison });
    }
    groups.push({ first: first.id, others });
  }
  return groups;
}

/** Several runs are set side by side, the earliest first. */
export async function gatherReport(app: App, chosen: readonly FinishedRun[]): Promise<ReportInput> {
  const madeAt = app.deps.now().toISOString();
  const [only, second] = chosen;
  if (only && !second) return { madeAt, ...(await runInput(app, only)) };
  const runs = chosen.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  const reported: ReportedRun[] = [];
  for (const run of runs) reported.push(await reportedRun(app, run));
  return { madeAt, kind: "comparison", told: reported, compared: await comparedRuns(app, runs) };
}
