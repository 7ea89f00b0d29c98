/** The gate as a stage: fetches the guide's scores, applies it, and says what it did. */
import { present } from "../base/assert.ts";
import type { FoundVerdict } from "../domain/draft.ts";
import type { QueryId } from "../domain/ids.ts";
import { passGate, type GateOutcome, type GuideScores } from "../negatives/gate.ts";
import type { Candidate, Pool } from "../negatives/pools.ts";
import type { Answer } from "../negatives/mix.ts";
import { collectionVectors, cosine, documentVectors, guideFor, queryVectors } from "./guide.ts";
import { positiveScores, trainingQueries } from "./mine.ts";
import { noted, type State, type Work } from "./state.ts";

export const hasGate = ({ input }: State): boolean =>
  input.config.gate !== undefined || (input.verdicts ?? []).length > 0;

const candidatesOf = (pool: Pool): Candidate[] => [
  ...pool.synthetic,
  ...pool.human,
  ...pool.given,
  ...pool.found.flat(),
];

async function* guideScores(state: State, pools: readonly Pool[]): Work<GuideScores> {
  const { corpus } = state;
  const guide = yield* guideFor(state);
  // The starting encoder has to read the whole collection anyway; another guide reads only what it is asked about.
  if (guide === state.start) yield* collectionVectors(state, guide);
  const positives = yield* positiveScores(state);
  yield* queryVectors(
    state,
    guide,
    pools.map(({ queryId }) => corpus.queryText(queryId)),
  );
  const vectorOf = yield* documentVectors(
    state,
    guide,
    pools.flatMap((pool) => candidatesOf(pool).map(({ text }) => text)),
  );
  return {
    positive: (queryId) => present(positives.get(queryId), `the positive's score of ${queryId}`),
    negative: (queryId, { text }) =>
      cosine(present(guide.queries.get(corpus.queryText(queryId)), "the query's vector"), vectorOf(text)),
  };
}

/** Every candidate through the filter and the verdicts. */
export async function* gateStage(state: State, pools: readonly Pool[]): Work<GateOutcome> {
  const { config, verdicts = [] } = state.input;
  const gate = config.gate;
  const filter = gate && { gate, scores: yield* guideScores(state, pools) };
  const outcome = passGate({ pools, filter, verdicts });
  const { considered, dropped, relabelled } = outcome.report;
  const answers = relabelled > 0 ? ` and made ${relabelled} further answers` : "";
  if (dropped + relabelled > 0)
    yield* noted(state, "gate", [`The gate left out ${dropped} of ${considered} candidates${answers}.`]);
  return outcome;
}

/** The verdicts that make a document an answer of a training query; what the collection itself judges stays as it is. */
export function relabelled(state: State): FoundVerdict[] {
  const { corpus, input } = state;
  const training = new Set(trainingQueries(state));
  const seen = new Set<string>();
  return (input.verdicts ?? []).filter(({ action, queryId, documentId }) => {
    const key = JSON.stringify([queryId, documentId]);
    if (action !== "relabel" || !training.has(queryId) || seen.has(key)) return false;
    if (corpus.placeOf(documentId) === undefined || corpus.relevant(queryId).has(documentId)) return false;
    seen.add(key);
    return true;
  });
}

/** Written passages that were judged to answer their training query after all, each text once. */
export function writtenAnswers(state: State): Answer[] {
  const training = new Set<QueryId>(trainingQueries(state));
  const seen = new Set<string>();
  return (state.input.positives ?? []).filter(({ queryId, text }) => {
    const key = JSON.stringify([queryId, text]);
    if (!training.has(queryId) || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
