/**
 * Searching by hand: the same query by BM25, by the encoder as it was, and by the encoder as a run left it, alone or fused
 * with BM25.
 */
import { type Signal, signal } from "@preact/signals";
import { finish } from "../base/channel.ts";
import { UserError } from "../base/errors.ts";
import { recordOf } from "../base/record.ts";
import type { Collection, Document } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { Vectors } from "../domain/encoder.ts";
import { type DocumentId, queryId } from "../domain/ids.ts";
import { type EncoderState, type Hit, type RankedBy, rankedBy } from "../domain/ranking.ts";
import type { RunRecord } from "../domain/run.ts";
import type { ModelHandle, Progress } from "../domain/stages.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { encoderFolder } from "./encoders.ts";
import { checkpointOf, productsOf } from "./runState.ts";
import { shownRun } from "./runs.ts";

/** The document vectors of a run were never stored, or are damaged. */
export class MissingVectors extends UserError {
  override readonly name = "MissingVectors";
}

export const bm25Only = "bm25";

/** Both sides are ranked this deep, so that a move can be told from where. */
const depth = 100;

/** One encoder's hits, by each way to rank them. */
export type HitsBy = Readonly<Record<RankedBy, readonly Hit[]>>;

export interface SearchResults {
  readonly query: string;
  readonly bm25: readonly Hit[];
  /** Absent where no finished run is at hand. */
  readonly encoder: Readonly<Record<EncoderState, HitsBy>> | undefined;
  readonly documents: ReadonlyMap<DocumentId, Document>;
  /** Documents judged relevant, where the query is one of the collection's own. */
  readonly answers: ReadonlySet<DocumentId>;
  readonly about: string;
}

/** What is indexed and open for searching. */
interface OpenSearch {
  readonly key: string;
  readonly about: string;
  readonly collection: Collection;
  readonly documents: ReadonlyMap<DocumentId, Document>;
  readonly encoders: { readonly before: ModelHandle; readonly after: ModelHandle; readonly config: Config } | undefined;
}

export interface SearchState {
  readonly text: Signal<string>;
  /** Id of a run, or {@link bm25Only}; undefined while nothing was chosen. */
  readonly chosen: Signal<string | undefined>;
  /** Which of the encoders' rankings are shown. */
  readonly rankedBy: Signal<RankedBy>;
  /** What is being done, in words; undefined when nothing is. */
  readonly busy: Signal<string | undefined>;
  readonly results: Signal<SearchResults | undefined>;
  open: OpenSearch | undefined;
  /** Searches wait for each other; only the last one asked for is shown. */
  queue: Promise<void>;
  asked: number;
}

export function createSearch(): SearchState {
  return {
    text: signal(""),
    chosen: signal<string | undefined>(undefined),
    rankedBy: signal<RankedBy>("alone"),
    busy: signal<string | undefined>(undefined),
    results: signal<SearchResults | undefined>(undefined),
    open: undefined,
    queue: Promise.resolve(),
    asked: 0,
  };
}

/** Runs whose encoder can be tried. */
export const finishedRuns = (app: App): RunRecord[] => app.runs.value.filter(({ result }) => result);

/**
 * The run whose encoder is tried: the chosen one, else the one shown in the results or the newest, if it is on the
 * selected collection. Undefined: the collection is searched by BM25 alone.
 */
export function searchedRun(app: App): RunRecord | undefined {
  const { chosen } = app.search;
  const runs = finishedRuns(app);
  if (chosen.value !== undefined) return runs.find(({ id }) => id === chosen.value);
  const own = runs.filter(({ collection }) => collection === app.collections.selected.value);
  return own.find(({ id }) => id === shownRun(app)?.id) ?? own[0];
}

/** Another run's encoder; `bm25Only` for none. The results of the last query are asked for anew. */
export async function chooseSearched(app: App, chosen: string): Promise<void> {
  app.search.chosen.value = chosen;
  await searchFor(app, app.search.results.value?.query ?? "");
}

export async function searchFor(app: App, text: string): Promise<void> {
  const { search } = app;
  const asked = ++search.asked;
  if (text.trim() === "") return;
  search.text.value = text;
  const before = search.queue;
  const current = (async () => {
    await before.catch(() => undefined);
    if (asked !== search.asked) return;
    try {
      const open = await openSearch(app);
      search.busy.value = "Searching";
      const results = await resultsOf(app, open, text.trim());
      if (asked === search.asked) search.results.value = results;
    } finally {
      search.busy.value = undefined;
    }
  })();
  search.queue = current;
  await current;
}

async function resultsOf(app: App, open: OpenSearch, text: string): Promise<SearchResults> {
  const { retriever } = app.deps.searcher;
  const id = queryId("typed");
  const [ranking] = await finish(retriever.searchText({ queries: [{ id, text }], depth }));
  const own = open.collection.queries.filter((query) => query.text === text).map((query) => query.id);
  const judged = Object.values(open.collection.judgements).flat();
  return {
    query: text,
    bm25: ranking?.hits ?? [],
    encoder: await encoderHits(app, open, text),
    documents: open.documents,
    answers: new Set(
      judged
        .filter(({ queryId: asked, grade }) => grade > 0 && own.includes(asked))
        .map(({ documentId }) => documentId),
    ),
    about: open.about,
  };
}

async function encoderHits(app: App, { encoders }: OpenSearch, text: string): Promise<SearchResults["encoder"]> {
  if (!encoders) return undefined;
  const { config } = encoders;
  const hits = async (name: EncoderState): Promise<HitsBy> => {
    const { encoder, retriever } = app.deps.searcher;
    const queries = [{ id: queryId("typed"), text }];
    const vectors = await finish(encoder.encode({ model: encoders[name], texts: [text], kind: "query", config }));
    const found = await finish(retriever.searchFused({ name, queries, vectors, depth }));
    return recordOf(rankedBy, (by) => found[by][0]?.hits ?? []);
  };
  return { before: await hits("before"), after: await hits("after") };
}

/** Indexes and opens what the next search needs, unless it is open already. */
async function openSearch(app: App): Promise<OpenSearch> {
  const { search } = app;
  const run = searchedRun(app);
  const id = run?.collection ?? app.collections.selected.value;
  const key = run?.id ?? id;
  if (search.open?.key === key) return search.open;
  await closeSearch(app);
  const collection = await readCollection(app, id);
  await indexText(app, collection);
  search.open = {
    key,
    about: run ? `${run.collectionName}, with the encoder of ${run.name}` : collection.name,
    collection,
    documents: new Map(collection.documents.map((document) => [document.id, document])),
    encoders: run && (await openEncoders(app, run, collection)),
  };
  return search.open;
}

async function indexText(app: App, { documents }: Collection): Promise<void> {
  const say = ({ done, total }: Progress): void => {
    app.search.busy.value = `Indexing ${done} of ${total} documents`;
  };
  say({ done: 0, total: documents.length, unit: "documents" });
  await finish(app.deps.searcher.retriever.indexText({ documents }), say);
}

async function openEncoders(app: App, run: RunRecord, collection: Collection): Promise<OpenSearch["encoders"]> {
  const { encoder } = app.deps.searcher;
  const { config, engine } = run;
  app.search.busy.value = "Opening both encoders";
  const [products, checkpoint] = await Promise.all([productsOf(app, run.id), checkpointOf(app, run.id)]);
  const { vectorsBefore } = products;
  // Documents that do not train have one index, before and after.
  const vectorsAfter = config.side === "queries" ? vectorsBefore : products.vectorsAfter;
  if (!vectorsBefore || !vectorsAfter)
    throw new MissingVectors(`The document vectors of ${run.name} are not stored. Run it again to search with it.`);
  const folder = await encoderFolder(app, run.encoder);
  const before = await finish(encoder.open({ folder, engine }));
  const after = await finish(encoder.open({ folder, engine }));
  // Zero steps leave no checkpoint: then after is before.
  if (checkpoint) await finish(encoder.restore({ model: after.model, checkpoint }));
  await indexVectors(app, collection, "before", vectorsBefore);
  await indexVectors(app, collection, "after", vectorsAfter);
  return { before: before.model, after: after.model, config };
}

async function indexVectors(app: App, { documents }: Collection, name: string, vectors: Vectors): Promise<void> {
  const ids = documents.map(({ id }) => id);
  await finish(app.deps.searcher.retriever.indexVectors({ name, ids, vectors }));
}

async function closeSearch(app: App): Promise<void> {
  const { search, deps } = app;
  const encoders = search.open?.encoders;
  search.open = undefined;
  if (!encoders) return;
  await finish(deps.searcher.encoder.close({ model: encoders.before }));
  await finish(deps.searcher.encoder.close({ model: encoders.after }));
}

/** Queries of the collection to try, from those held out from training where there are any. */
export function exampleQueries(collection: Collection | undefined, count: number): string[] {
  if (!collection) return [];
  const { judgements, queries } = collection;
  const split = ["test", "dev", ...Object.keys(judgements)].find((name) => judgements[name]) ?? "";
  const held = new Set((judgements[split] ?? []).map((judgement) => judgement.queryId));
  return queries
    .filter(({ id }) => held.has(id))
    .slice(0, count)
    .map(({ text }) => text);
}
