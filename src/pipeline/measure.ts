/** Measuring a system: rankings of the evaluation queries, and the figures that come from them. */
import type { Judgement, Query } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { Vectors } from "../domain/encoder.ts";
import { headlineMetrics, type MetricName, type Ranking } from "../domain/ranking.ts";
import type { SystemResult } from "../domain/run.ts";
import type { ModelHandle, Progress } from "../domain/stages.ts";
import { indexCollection } from "./guide.ts";
import type { RunInput, Services } from "./run.ts";
import type { State, Work } from "./state.ts";

/** Rankings are kept to this depth: trec_eval's usual 100, enough for Recall@100. */
const DEPTH = 100;

export interface Evaluation {
  readonly name: string;
  readonly judgements: readonly Judgement[];
  /** The judged queries, in the collection's order. */
  readonly queries: readonly Query[];
}

export interface Measured {
  readonly result: SystemResult;
  /** Of the documents, in the collection's order. */
  readonly vectors: Vectors;
}

function metricsOf({ evaluate }: Config): readonly MetricName[] {
  const asked = evaluate.k.flatMap((k): MetricName[] => [`ndcg@${k}`, `mrr@${k}`, `recall@${k}`]);
  return [...new Set<MetricName>([...headlineMetrics, ...asked])];
}

async function* scored(
  services: Services,
  config: Config,
  evaluation: Evaluation,
  rankings: readonly Ranking[],
): AsyncGenerator<never, SystemResult, void> {
  const scores = yield* services.retriever.evaluate({
    rankings,
    judgements: evaluation.judgements,
    metrics: metricsOf(config),
    seed: config.seed,
  });
  return { scores, rankings };
}

/** BM25 on the evaluation queries; the text index must be there. */
export async function* measureBm25(
  services: Services,
  { config }: RunInput,
  evaluation: Evaluation,
): AsyncGenerator<Progress, SystemResult, void> {
  const rankings = yield* services.retriever.searchText({ queries: evaluation.queries, depth: DEPTH });
  return yield* scored(services, config, evaluation, rankings);
}

/** An encoder whose index is at the retriever under `name`: encodes the evaluation queries and searches exactly. */
async function* searched(
  services: Services,
  config: Config,
  evaluation: Evaluation,
  { model, name }: { readonly model: ModelHandle; readonly name: "before" | "after" },
): AsyncGenerator<Progress, SystemResult, void> {
  const texts = evaluation.queries.map(({ text }) => text);
  const vectors = yield* services.encoder.encode({ model, texts, kind: "query", config });
  const queryIds = evaluation.queries.map(({ id }) => id);
  const rankings = yield* services.retriever.searchVectors({ name, queryIds, vectors, depth: DEPTH });
  return yield* scored(services, config, evaluation, rankings);
}

/** The starting encoder. The collection is encoded only if nothing did so before. */
export async function* measureBefore(state: State): Work<SystemResult> {
  const { services, input, splits, model, start } = state;
  yield* indexCollection(state, start);
  return yield* searched(services, input.config, splits.evaluation, { model, name: "before" });
}

/** The encoder as it is now, and what it makes of the collection where that is not `known`; the index is left under "after". */
export async function* measureAfter(state: State, known: Vectors | undefined): Work<Measured> {
  const { services, input, splits, corpus, model } = state;
  const { config } = input;
  const vectors = known ?? (yield* services.encoder.encode({ model, texts: corpus.texts, kind: "document", config }));
  yield* services.retriever.indexVectors({ name: "after", ids: corpus.ids, vectors });
  return { result: yield* searched(services, config, splits.evaluation, { model, name: "after" }), vectors };
}
