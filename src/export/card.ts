/** The model card of a fine-tuned encoder: what it was trained on, how, and what that did, in the model's own README. */
import type { Config } from "../domain/config.ts";
import { describeShape } from "../domain/encoder.ts";
import { describeLoss } from "../domain/loss.ts";
import { describeBest, describeMemory, describeTuning, precisionOf } from "../domain/tuning.ts";
import { headlineMetrics, systems, type Interval } from "../domain/ranking.ts";
import { heldOutSplit, type Figures, type RunResult } from "../domain/run.ts";
import { leakSentence, queriesOn, verdictsOf } from "../domain/verdict.ts";
import { frontMatter } from "./frontMatter.ts";

export interface CardInput {
  readonly result: RunResult;
  readonly config: Config;
  readonly collectionName: string;
  readonly collectionDigest: string;
}

const figure = ({ value, low, high }: Interval): string =>
  `${value.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`;

function metricsTable(figures: Figures, split: string): string {
  const lines = systems.flatMap(({ name, words }) => {
    const scores = figures.systems[name];
    if (!scores) return [];
    const cells = headlineMetrics.map((metric) => figure(scores.mean[metric] ?? { value: NaN, low: NaN, high: NaN }));
    return [`| ${words} | ${cells.join(" | ")} |`];
  });
  return [
    `| ${queriesOn(figures.systems.after.queryIds.length, split)} | nDCG@10 | MRR@10 | Recall@100 |`,
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** On all queries, and again on the clean ones where there are others. */
function metricsTables(result: RunResult): string {
  const { split, clean } = result;
  const tables = [metricsTable(result, split)];
  if (clean?.kind === "measured") tables.push(metricsTable(clean, `clean ${split}`));
  return tables.join("\n\n");
}

/** Names come from files: nothing in them may end the front matter or start a table. */
const plain = (text: string): string => text.replace(/[\r\n|`]+/gu, " ").slice(0, 200);

/** README.md with the front matter that sentence-transformers and the Hugging Face hub read. */
export function modelCard({ result, config, collectionName, collectionDigest }: CardInput): string {
  const { encoder } = result;
  return `${frontMatter({ result, config, collectionName: plain(collectionName) })}

# ${plain(encoder.name)}, fine-tuned

A retrieval encoder (${describeShape(encoder.shape)}, ${encoder.parameters.toLocaleString("en")} parameters), fine-tuned by Decoy
with hard negatives, starting from ${plain(encoder.name)}.

${verdictsOf(result).join("\n\n")}

${metricsTables(result)}

Means with 95 % bootstrap intervals, as trec_eval computes them.${aboutQueries(result)}

## Use

${useWords(config)}

## Training

- Collection: ${plain(collectionName)} (SHA-256 ${collectionDigest})
- Pairs: ${pairWords[config.pairs]}
- Negatives: ${negativesWords(config)}
- ${result.trainingRows} rows, ${result.steps} steps, ${result.tokens.toLocaleString("en")} tokens, on the ${result.engine.kind} engine${precisionWords(config, result)}
- Trained: ${describeTuning(config)}${withWords(describeMemory(config))}
- Loss: ${describeLoss(config)}${keptWords(result, config)}

\`\`\`json
${JSON.stringify(config, undefined, 2)}
\`\`\`
`;
}

const python = (lines: readonly string[]): string =>
  [
    "```python",
    "from sentence_transformers import SentenceTransformer",
    ...lines,
    "print(queries @ documents.T)",
    "```",
  ].join("\n");

const oneEncoder = python([
  'model = SentenceTransformer("path/to/this/folder")',
  'queries = model.encode(["a question"], prompt_name="query")',
  'documents = model.encode(["a passage"], prompt_name="document")',
]);

const twoEncoders = python([
  'queries = SentenceTransformer("path/to/this/folder/queries").encode(["a question"], prompt_name="query")',
  'documents = SentenceTransformer("path/to/this/folder/documents").encode(["a passage"], prompt_name="document")',
]);

/** Where only queries were trained there are two encoders. */
function useWords({ side }: Config): string {
  if (side !== "queries") return oneEncoder;
  return `Only queries were trained: \`queries\` has the encoder for them, \`documents\` the one for documents, as it was before
training. An index that it made stays as it is.

${twoEncoders}`;
}

/** By the recipe's own names. */
const negativesWords = ({ negatives }: Config): string =>
  `${negatives.map(({ source, count }) => `${count} ${source}`).join(", ")} asked for each query`;

/** The precision, where the recipe asks for another than the usual one. */
function precisionWords(config: Config, { engine, encoder }: RunResult): string {
  if (config.precision !== "f16") return "";
  const computed = precisionOf(config, { engine, shape: encoder.shape });
  return computed === "f16"
    ? ", matrix products in f16"
    : ", in f32 (the recipe asks for f16, which was not to be had)";
}

const withWords = (memory: string): string => (memory === "" ? "" : `; ${memory}`);

/** What the weights were chosen by: the figures above are of other queries. */
function keptWords({ dev }: RunResult, config: Config): string {
  if (!dev) return "";
  const from = dev.kept === 0 ? "those from before training" : `those after step ${dev.kept}`;
  return `\n- Kept: ${describeBest(config)}: ${from} (${dev.queries} queries of the split ${plain(dev.split)})`;
}

const pairWords = {
  queries: "judged queries and their answers",
  titles: "titles of the documents and their texts; no judgement was used",
  cloze: "sentences of the documents and the rest of each (inverse cloze task); no judgement was used",
  documents: "titles and sentences of the documents, and the rest of each; no judgement was used",
} as const satisfies Record<Config["pairs"], string>;

/** What has to be known of the queries to read their figures. */
function aboutQueries({ leak, split }: RunResult): string {
  const madeUp =
    " Nobody asked these queries: each is the title or a sentence of a document that was not trained on, and was taken out of it. With real ones search may gain more or less.";
  const leaks = leak && (leak.sharedDocument > 0 || leak.nearCopy > 0);
  const smaller = leaks ? ` ${leakSentence(leak, split)} The gain on new queries may be smaller.` : "";
  return `${split === heldOutSplit ? madeUp : ""}${smaller}`;
}
