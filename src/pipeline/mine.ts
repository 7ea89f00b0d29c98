/** Mining: negatives of every training query from each source of the recipe that is searched before training. */
import { present } from "../base/assert.ts";
import type { NegativeRequest, RequestOf } from "../domain/configNegatives.ts";
import type { Query } from "../domain/collection.ts";
import type { QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import { byQuery, type FoundBySource } from "../negatives/pools.ts";
import { rowSize } from "../negatives/quotas.ts";
import { sampleBm25, sampleDense, sampleRandom } from "../negatives/samplers.ts";
import { sampleSimAns } from "../negatives/simans.ts";
import { cosine, documentVectors, guideFor, indexCollection, queryVectors } from "./guide.ts";
import type { State, Work } from "./state.ts";

/** Documents drawn at random beyond those that a row takes, for what the gate leaves out. */
const SPARE = 10;

/** The training queries, each once, in the order of the pairs. */
export const trainingQueries = ({ splits }: State): QueryId[] => [
  ...new Set(splits.pairs.map(({ queryId }) => queryId)),
];

type Requests = { readonly [Source in NegativeRequest["source"]]?: RequestOf<Source> };

/** The recipe's requests by source; none where the mix takes no found negatives. */
function requestsOf({ input: { config } }: State): Requests {
  if (config.mix === "synthetic") return {};
  return Object.fromEntries(config.negatives.map((request) => [request.source, request]));
}

/** Relevant documents that any of the queries has, at most: so much deeper a search must go. */
const mostRelevant = ({ corpus }: State, queryIds: readonly QueryId[]): number =>
  queryIds.reduce((most, id) => Math.max(most, corpus.relevant(id).size), 0);

const byId = (rankings: readonly Ranking[]): ReadonlyMap<QueryId, Ranking> =>
  new Map(rankings.map((ranking) => [ranking.queryId, ranking]));

/** Best `depth` documents of each query by the guide. */
export async function* searchGuide(state: State, queries: readonly Query[], depth: number): Work<readonly Ranking[]> {
  if (queries.length === 0) return [];
  const guide = yield* guideFor(state);
  yield* indexCollection(state, guide);
  const texts = queries.map(({ text }) => text);
  const vectors = yield* queryVectors(state, guide, texts);
  const queryIds = queries.map(({ id }) => id);
  return yield* state.services.retriever.searchVectors({ name: guide.index, queryIds, vectors, depth });
}

/** For each training query the least cosine of its training positives by the guide. */
export async function* positiveScores(state: State): Work<ReadonlyMap<QueryId, number>> {
  const { corpus, splits } = state;
  const guide = yield* guideFor(state);
  const positives = byQuery(splits.pairs);
  const ids = [...positives.keys()];
  const texts = (id: QueryId) => (positives.get(id) ?? []).map(corpus.answerText);
  const vectorOf = yield* documentVectors(state, guide, ids.flatMap(texts));
  yield* queryVectors(state, guide, ids.map(corpus.queryText));
  return new Map(
    ids.map((id) => {
      const query = present(guide.queries.get(corpus.queryText(id)), "the query's vector");
      return [id, Math.min(...texts(id).map((text) => cosine(query, vectorOf(text))))] as const;
    }),
  );
}

interface Rankings {
  readonly words: ReadonlyMap<QueryId, Ranking>;
  readonly vectors: ReadonlyMap<QueryId, Ranking>;
  readonly positives: ReadonlyMap<QueryId, number>;
}

async function* searched(state: State, requests: Requests, queryIds: readonly QueryId[]): Work<Rankings> {
  const { bm25, dense, simans } = requests;
  const queries = queryIds.map((id) => ({ id, text: state.corpus.queryText(id) }));
  const more = mostRelevant(state, queryIds);
  const words = bm25 ? yield* state.services.retriever.searchText({ queries, depth: bm25.last + more }) : [];
  const depth = Math.max(dense?.last ?? 0, simans?.last ?? 0);
  const vectors = depth > 0 ? yield* searchGuide(state, queries, depth + more) : [];
  const positives = simans ? yield* positiveScores(state) : new Map<QueryId, number>();
  return { words: byId(words), vectors: byId(vectors), positives };
}

/** Candidates of every training query, by source. Only what the recipe names is searched, and only then. */
export async function* mine(state: State): Work<ReadonlyMap<QueryId, FoundBySource>> {
  const { corpus, input } = state;
  const { seed } = input.config;
  const queryIds = trainingQueries(state);
  const requests = requestsOf(state);
  const { words, vectors, positives } = yield* searched(state, requests, queryIds);
  const count = rowSize(input.config) + SPARE;
  const { bm25, dense, simans, random } = requests;
  return new Map(
    queryIds.map((queryId) => {
      const relevant = corpus.relevant(queryId);
      const [byWords, byVectors] = [words.get(queryId), vectors.get(queryId)];
      const positive = positives.get(queryId) ?? 0;
      const found: FoundBySource = {
        ...(bm25 && byWords && { bm25: sampleBm25(byWords, relevant, bm25, seed) }),
        ...(dense && byVectors && { dense: sampleDense(byVectors, relevant, dense, seed) }),
        ...(simans && byVectors && { simans: sampleSimAns(byVectors, relevant, { ...simans, positive, seed }) }),
        ...(random && { random: sampleRandom(corpus.ids, relevant, { queryId, count, seed }) }),
      };
      return [queryId, found] as const;
    }),
  );
}
