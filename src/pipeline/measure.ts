/** Measuring systems: rankings of the evaluation queries, and the figures that come from them. */
import type { Judgement, Query } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import {
  headlineMetrics,
  systemsOf,
  type EncoderState,
  type MetricName,
  type Ranking,
  type SystemName,
} from "../domain/ranking.ts";
import type { RunProducts, SystemResult } from "../domain/run.ts";
import { made, type State, type Work } from "./state.ts";

/** Rankings are kept to this depth: trec_eval's usual 100, enough for Recall@100. */
const DEPTH = 100;

export interface Evaluation {
  readonly name: string;
  readonly judgements: readonly Judgement[];
  /** The judged queries, in the collection's order. */
  readonly queries: readonly Query[];
}

export type Results = ReadonlyMap<SystemName, SystemResult>;

function metricsOf({ evaluate }: Config): readonly MetricName[] {
  const asked = evaluate.k.flatMap((k): MetricName[] => [`ndcg@${k}`, `mrr@${k}`, `recall@${k}`]);
  return [...new Set<MetricName>([...headlineMetrics, ...asked])];
}

async function* scored(
  { services, input: { config }, splits }: State,
  rankings: readonly Ranking[],
): AsyncGenerator<never, SystemResult, void> {
  const scores = yield* services.retriever.evaluate({
    rankings,
    judgements: splits.evaluation.judgements,
    metrics: metricsOf(config),
    seed: config.seed,
  });
  return { scores, rankings };
}

/** BM25 on the evaluation queries; the text index must be there. */
export async function* measureBm25(state: State): Work<Results> {
  const { services, splits, input } = state;
  const known = input.products?.bm25;
  if (known) return new Map([["bm25", known]]);
  const rankings = yield* services.retriever.searchText({ queries: splits.evaluation.queries, depth: DEPTH });
  const result = yield* scored(state, rankings);
  yield made({ name: "bm25", value: result });
  return new Map([["bm25", result]]);
}

/** The results of all systems that rank by the encoder, if `products` have them all. */
export function knownResults(products: RunProducts, encoder: EncoderState): Results | undefined {
  const known = systemsOf(encoder).flatMap(({ name }) => {
    const result = products[name];
    return result ? [[name, result] as const] : [];
  });
  return known.length === systemsOf(encoder).length ? new Map(known) : undefined;
}

/**
 * The systems that rank by the encoder as it is now, alone and fused with BM25. The text index must be there, and the
 * encoder's index under its name. What `products` have is not made again.
 */
export async function* measureEncoder(state: State, encoder: EncoderState, products: RunProducts): Work<Results> {
  const { services, input, splits, model } = state;
  const { queries } = splits.evaluation;
  const texts = queries.map(({ text }) => text);
  const vectors = yield* services.encoder.encode({ model, texts, kind: "query", config: input.config });
  const rankings = yield* services.retriever.searchFused({ name: encoder, queries, vectors, depth: DEPTH });
  const results = new Map<SystemName, SystemResult>();
  for (const { name, by } of systemsOf(encoder)) {
    const result = products[name] ?? (yield* scored(state, rankings[by]));
    if (result !== products[name]) yield made({ name, value: result });
    results.set(name, result);
  }
  return results;
}
