/** Measuring a system: rankings of the evaluation queries, and the figures that come from them. */
import { documentText, type Judgement, type Query } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import type { Vectors } from "../domain/encoder.ts";
import { headlineMetrics, type MetricName, type Ranking } from "../domain/ranking.ts";
import type { SystemResult } from "../domain/run.ts";
import type { ModelHandle, Progress } from "../domain/stages.ts";
import type { RunInput, Services } from "./run.ts";

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

/** The encoder as it is now: encodes documents and queries, searches exactly, and leaves the index under `name`. */
export async function* measureEncoder(
  services: Services,
  { collection, config }: RunInput,
  evaluation: Evaluation,
  { model, name }: { readonly model: ModelHandle; readonly name: "before" | "after" },
): AsyncGenerator<Progress, Measured, void> {
  const { encoder, retriever } = services;
  const texts = collection.documents.map(documentText);
  const vectors = yield* encoder.encode({ model, texts, kind: "document", config });
  yield* retriever.indexVectors({ name, ids: collection.documents.map(({ id }) => id), vectors });
  const queries = yield* encoder.encode({
    model,
    texts: evaluation.queries.map(({ text }) => text),
    kind: "query",
    config,
  });
  const queryIds = evaluation.queries.map(({ id }) => id);
  const rankings = yield* retriever.searchVectors({ name, queryIds, vectors: queries, depth: DEPTH });
  return { result: yield* scored(services, config, evaluation, rankings), vectors };
}
