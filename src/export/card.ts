/** The model card of a fine-tuned encoder: what it was trained on, how, and what that did, in the model's own README. */
import type { Config } from "../domain/config.ts";
import { describeShape } from "../domain/encoder.ts";
import { headlineMetrics, type Interval } from "../domain/ranking.ts";
import type { RunResult } from "../domain/run.ts";

export interface CardInput {
  readonly result: RunResult;
  readonly config: Config;
  readonly collectionName: string;
  readonly collectionDigest: string;
}

const figure = ({ value, low, high }: Interval): string =>
  `${value.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`;

function metricsTable({ systems, split }: RunResult): string {
  const rows = [
    ["BM25", systems.bm25],
    ["before", systems.before],
    ["after", systems.after],
  ] as const;
  const lines = rows.map(
    ([name, scores]) =>
      `| ${name} | ${headlineMetrics.map((metric) => figure(scores.mean[metric] ?? { value: NaN, low: NaN, high: NaN })).join(" | ")} |`,
  );
  return [
    `| ${split}, ${systems.after.queryIds.length} queries | nDCG@10 | MRR@10 | Recall@100 |`,
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** Names come from files: nothing in them may end the front matter or start a table. */
const plain = (text: string): string => text.replace(/[\r\n|`]+/gu, " ").slice(0, 200);

/** README.md with the front matter that sentence-transformers and the Hugging Face hub read. */
export function modelCard({ result, config, collectionName, collectionDigest }: CardInput): string {
  const { encoder } = result;
  return `---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, sentence-similarity, feature-extraction, dense, "dataset_size:${result.trainingRows}", "loss:InfoNCE"]
---

# ${plain(encoder.name)}, fine-tuned

A retrieval encoder (${describeShape(encoder.shape)}, ${encoder.parameters.toLocaleString("en")} parameters), fine-tuned by Decoy
with hard negatives, starting from ${plain(encoder.name)}.

${result.verdict}

${metricsTable(result)}

Means with 95 % bootstrap intervals, as trec_eval computes them.${leakSentence(result)}

## Use

\`\`\`python
from sentence_transformers import SentenceTransformer
model = SentenceTransformer("path/to/this/folder")
queries = model.encode(["a question"], prompt_name="query")
documents = model.encode(["a passage"], prompt_name="document")
print(queries @ documents.T)
\`\`\`

## Training

- Collection: ${plain(collectionName)} (SHA-256 ${collectionDigest})
- ${result.trainingRows} rows, ${result.steps} steps, ${result.tokens.toLocaleString("en")} tokens, on the ${result.engine.kind} engine
- Loss: InfoNCE, cosine / ${config.temperature}${config.inBatch ? ", with in-batch negatives" : ""}

\`\`\`json
${JSON.stringify(config, undefined, 2)}
\`\`\`
`;
}

function leakSentence({ leak }: RunResult): string {
  if (!leak || (leak.sharedDocument === 0 && leak.nearCopy === 0)) return "";
  return ` Of the ${leak.queries} queries, ${leak.sharedDocument} share a relevant document with a training query and ${leak.nearCopy} nearly repeat one, so the gain on new queries may be smaller.`;
}
