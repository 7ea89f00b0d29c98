/** What training needs to search negatives itself (ANCE, ADORE): the collection, its vectors, and what may not be found. */
import { queryId, type QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { Refresh, TrainingSet } from "../domain/training.ts";
import { highestAllowed } from "../negatives/gate.ts";
import { refreshRequests } from "../negatives/quotas.ts";
import { collectionVectors, cosine, documentVectors, guideFor, queryVectors, vectorAt } from "./guide.ts";
import { positiveScores, searchGuide } from "./mine.ts";
import type { State, Work } from "./state.ts";

/**
 * The gate works on what training will find by ruling out beforehand whatever the guide scores too near the positive,
 * among this many of the guide's best a query. Searches go to rank 200 by default; a thousand bounds what is held for a
 * positive that the guide ranks low, where nearly the whole collection would be ruled out.
 */
const GATED_DEPTH = 1000;

export const refreshes = ({ input }: State): boolean => refreshRequests(input.config).length > 0;

/** For each query text, the ids that it has in the collection: rows know texts only. */
function idsByText({ splits }: State): ReadonlyMap<string, readonly QueryId[]> {
  const ids = new Map<string, QueryId[]>();
  for (const { id, text } of splits.collection.queries) ids.set(text, [...(ids.get(text) ?? []), id]);
  return ids;
}

/** By query text, the guide's least score of a positive: of the judged ones, or of the rows where the query is not judged. */
async function* positivesByText(state: State, data: TrainingSet): Work<ReadonlyMap<string, number>> {
  const guide = yield* guideFor(state);
  const judged = yield* positiveScores(state);
  const known = new Map([...judged].map(([id, score]) => [state.corpus.queryText(id), score] as const));
  const queries = yield* queryVectors(state, guide, data.queries);
  const positives = data.rows.map(({ positive }) => data.documents[positive] ?? "");
  const vectorOf = yield* documentVectors(state, guide, positives);
  const least = new Map<string, number>();
  data.rows.forEach(({ query }, row) => {
    const text = data.queries[query] ?? "";
    const score = known.get(text) ?? cosine(vectorAt(queries, query), vectorOf(positives[row] ?? ""));
    least.set(text, Math.min(least.get(text) ?? Infinity, score));
  });
  return least;
}

/** By query text, the places of documents that the guide's filter does not let pass. */
async function* gatedPlaces(state: State, data: TrainingSet): Work<ReadonlyMap<string, readonly number[]>> {
  const { corpus, input } = state;
  const { gate } = input.config;
  if (!gate) return new Map();
  const queries = data.queries.map((text) => ({ id: queryId(text), text }));
  const rankings: readonly Ranking[] = yield* searchGuide(state, queries, GATED_DEPTH);
  const positives = yield* positivesByText(state, data);
  return new Map(
    rankings.map(({ queryId: text, hits }) => {
      const most = highestAllowed(gate, positives.get(text) ?? Infinity);
      const above = hits.filter(({ score }) => score > most);
      return [text, above.flatMap(({ documentId }) => corpus.placeOf(documentId) ?? [])] as const;
    }),
  );
}

/** For each row: relevant documents of any split, those that were judged to answer or dropped, and what the gate rules out. */
export async function* exclusions(state: State, data: TrainingSet): Work<readonly (readonly number[])[]> {
  const { corpus, input } = state;
  const ids = idsByText(state);
  const gated = yield* gatedPlaces(state, data);
  const judged = (input.verdicts ?? []).filter(({ action }) => action !== "keep");
  const byText = new Map(
    data.queries.map((text) => {
      const own = new Set(ids.get(text) ?? []);
      const documents = [
        ...[...own].flatMap((id) => [...corpus.relevant(id)]),
        ...judged.filter((verdict) => own.has(verdict.queryId)).map(({ documentId }) => documentId),
      ];
      const places = documents.flatMap((documentId) => corpus.placeOf(documentId) ?? []);
      return [text, [...new Set([...places, ...(gated.get(text) ?? [])])].sort((a, b) => a - b)] as const;
    }),
  );
  return data.rows.map(({ query }) => byText.get(data.queries[query] ?? "") ?? []);
}

/** Undefined where the recipe searches nothing during training. */
export async function* refreshOf(
  state: State,
  excluded: readonly (readonly number[])[] | undefined,
): Work<Refresh | undefined> {
  if (!excluded) return undefined;
  const vectors = yield* collectionVectors(state, state.start);
  return { requests: refreshRequests(state.input.config), corpus: state.corpus.texts, vectors, excluded };
}
