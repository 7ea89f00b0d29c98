/**
 * What the Hugging Face hub and sentence-transformers read of a model card: YAML between two lines of dashes, with the keys of the
 * hub's model card metadata. Values are written as JSON, which YAML includes: no name from a file can end them.
 */
import type { Config } from "../domain/config.ts";
import { lossTitles } from "../domain/loss.ts";
import { headlineMetrics, type MetricName } from "../domain/ranking.ts";
import type { RunResult } from "../domain/run.ts";

/** As sentence-transformers' InformationRetrievalEvaluator calls them. */
const metricTypes = {
  "ndcg@10": "cosine_ndcg@10",
  "mrr@10": "cosine_mrr@10",
  "recall@100": "cosine_recall@100",
} as const satisfies Record<(typeof headlineMetrics)[number], string>;

const metricTitles = {
  "ndcg@10": "nDCG@10",
  "mrr@10": "MRR@10",
  "recall@100": "Recall@100",
} as const satisfies Partial<Record<MetricName, string>>;

/** "owner/name" */
const HUB_ID = /^[\w.-]{1,96}\/[\w.-]{1,96}$/u;

const tagsOf = ({ trainingRows }: RunResult, config: Config): readonly string[] => [
  "sentence-transformers",
  "sentence-similarity",
  "feature-extraction",
  "dense",
  ...(config.negatives.some(({ source }) => source === "synthetic") ? ["synthetic"] : []),
  `dataset_size:${trainingRows}`,
  `loss:${lossTitles[config.loss ?? "infonce"]}`,
];

/** The encoder after training, on the queries that it was measured on; how it was before is in the card's table. */
function modelIndex({ encoder, systems, split }: RunResult, collectionName: string) {
  const metrics = headlineMetrics.flatMap((metric) => {
    const value = systems.after.mean[metric]?.value ?? NaN;
    return Number.isFinite(value) ? [{ type: metricTypes[metric], value, name: metricTitles[metric] }] : [];
  });
  const results = [
    {
      task: { type: "information-retrieval", name: "Information Retrieval" },
      dataset: { name: collectionName, type: "unknown", split },
      metrics,
    },
  ];
  return metrics.length > 0 ? [{ name: `${encoder.name}, fine-tuned`, results }] : undefined;
}

export interface FrontMatterInput {
  readonly result: RunResult;
  readonly config: Config;
  readonly collectionName: string;
}

export function frontMatter({ result, config, collectionName }: FrontMatterInput): string {
  const { name } = result.encoder;
  const index = modelIndex(result, collectionName);
  const entries = {
    library_name: "sentence-transformers",
    pipeline_tag: "sentence-similarity",
    ...(HUB_ID.test(name) && { base_model: name }),
    tags: tagsOf(result, config),
    ...(index && { metrics: Object.values(metricTypes), "model-index": index }),
  };
  const lines = Object.entries(entries).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return ["---", ...lines, "---"].join("\n");
}
