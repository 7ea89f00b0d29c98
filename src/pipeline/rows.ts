/** From candidates to training rows: mine, gate, mix. */
import { finish } from "../base/channel.ts";
import { needsGuide } from "../domain/config.ts";
import type { QueryId } from "../domain/ids.ts";
import type { TrainingSet } from "../domain/training.ts";
import { mix, type Answer } from "../negatives/mix.ts";
import { gatherPools, type FoundBySource, type Pool } from "../negatives/pools.ts";
import { clusterTopics, topicCount } from "../negatives/topics.ts";
import { gateStage, hasGate, relabelled, writtenAnswers } from "./gate.ts";
import { checkTeacher, closeGuide, guideFor, guideVectors, queryVectors } from "./guide.ts";
import { mine, trainingQueries } from "./mine.ts";
import { mixNotes } from "./notes.ts";
import { exclusions, refreshes } from "./refresh.ts";
import { made, noted, stage, type Reports, type State, type Work } from "./state.ts";

export interface Rows {
  /** With the guide's vectors where the recipe needs them. */
  readonly data: TrainingSet;
  /** For each row what training may not find for it; undefined where training finds nothing. */
  readonly excluded: readonly (readonly number[])[] | undefined;
}

/** The answers of the training pairs, then documents and written passages that were judged to be answers too. */
function answersOf(state: State): Answer[] {
  const { corpus, splits } = state;
  const pairs = [...splits.pairs, ...relabelled(state).map(({ queryId, documentId }) => ({ queryId, documentId }))];
  return [...pairs.map((pair) => ({ queryId: pair.queryId, text: corpus.answerText(pair) })), ...writtenAnswers(state)];
}

/** The cluster of each row's query, where the recipe's batches are by topic. */
async function* withTopics(state: State, data: TrainingSet): Work<TrainingSet> {
  const { batches, batchSize, seed, topics: asked } = state.input.config;
  if (batches !== "topics" || data.topics) return data;
  const guide = yield* guideFor(state);
  const vectors = yield* queryVectors(state, guide, data.queries);
  const clusters = topicCount(asked, data.rows.length, batchSize);
  const topics = yield* clusterTopics(vectors, { clusters, seed });
  return { ...data, topics: data.rows.map(({ query }) => topics[query] ?? 0) };
}

/** The set with what its batches need of the guide beside the rows. */
async function* guided(state: State, rows: TrainingSet): Work<TrainingSet> {
  const data = yield* withTopics(state, rows);
  if (!needsGuide(state.input.config) || data.rows.length === 0) return data;
  return { ...data, guide: yield* guideVectors(state, data, refreshes(state)) };
}

async function* mixing(state: State, pools: readonly Pool[]): Work<Rows> {
  const outcome = mix({
    answers: answersOf(state),
    pools,
    queryText: state.corpus.queryText,
    config: state.input.config,
  });
  const data = yield* guided(state, outcome.trainingSet);
  yield* noted(state, "mix", mixNotes(state.input.config, outcome));
  return { data, excluded: yield* excludedOf(state, data) };
}

async function* excludedOf(state: State, data: TrainingSet): Work<Rows["excluded"]> {
  return refreshes(state) ? yield* exclusions(state, data) : undefined;
}

function poolsOf(state: State, found: ReadonlyMap<QueryId, FoundBySource>): Pool[] {
  const { corpus, input, splits } = state;
  const queryIds = trainingQueries(state);
  const { negatives } = splits.collection;
  return gatherPools({ queryIds, negatives, found, config: input.config, textOf: corpus.textOf });
}

async function* gated(state: State, pools: readonly Pool[]): Reports<readonly Pool[]> {
  if (!hasGate(state)) return pools;
  const outcome = yield* stage(state, "gate", gateStage(state, pools));
  if (!state.input.products?.gate) yield made({ name: "gate", value: outcome.report });
  state.gate = outcome.report;
  return outcome.pools;
}

async function* fresh(state: State): Reports<Rows> {
  const found = yield* stage(state, "mine", mine(state));
  const pools = yield* gated(state, poolsOf(state, found));
  return yield* stage(state, "mix", mixing(state, pools));
}

/** Rows that are there already are taken as they are; only what stands beside them is made again. Without a gate that needs no thread. */
async function* given(state: State, known: TrainingSet): Reports<Rows> {
  const { config } = state.input;
  const lacks = (config.batches === "topics" && !known.topics) || needsGuide(config);
  const data = lacks ? yield* stage(state, "mix", guided(state, known)) : known;
  if (refreshes(state) && config.gate) return { data, excluded: yield* stage(state, "gate", exclusions(state, data)) };
  return { data, excluded: await finish(excludedOf(state, data)) };
}

/** The rows to train on; the guide is closed when they are there. Errors: NoTeacher. */
export async function* rowsStages(state: State): Reports<Rows> {
  const { input } = state;
  checkTeacher(input);
  const known = input.trainingSet ?? input.products?.trainingSet;
  const rows = known ? yield* given(state, known) : yield* fresh(state);
  await finish(closeGuide(state));
  const { guide: _vectors, ...kept } = rows.data;
  if (kept.rows.length > 0) yield made({ name: "trainingSet", value: kept });
  return rows;
}
