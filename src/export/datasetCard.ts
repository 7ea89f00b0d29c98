/** The card of training rows: what the columns are, where the negatives come from, how to train on them. */
import type { TrainingSet } from "../domain/training.ts";

export interface DatasetCardInput {
  readonly name: string;
  readonly trainingSet: TrainingSet;
  /** The files with rows, without the one that says where they come from. */
  readonly files: readonly string[];
}

/** Names come from files: nothing in them may end the front matter or start a table. */
const plain = (text: string): string => text.replace(/[\r\n|`]+/gu, " ").slice(0, 200);

/** "train" for train.jsonl, "train-5-negatives" for the file of that name. */
const stem = (file: string): string => file.replace(/\.\w+$/u, "");

/** Each file is a set of its own: rows with other numbers of negatives have other columns. */
const configs = (files: readonly string[]): string =>
  files
    .map(
      (file, i) => `- config_name: ${stem(file)}
  data_files: ${file}${i === 0 ? "\n  default: true" : ""}`,
    )
    .join("\n");

function sourcesOf({ rows }: TrainingSet): string {
  const counts = new Map<string, number>();
  for (const { negatives } of rows)
    for (const { source } of negatives) counts.set(source, (counts.get(source) ?? 0) + 1);
  const lines = [...counts].toSorted(([, a], [, b]) => b - a).map(([source, count]) => `| ${source} | ${count} |`);
  if (lines.length === 0) return "No row has a negative yet.";
  return ["| negatives from | number |", "|---|---|", ...lines].join("\n");
}

/** README.md with the front matter that the Hugging Face hub and the datasets library read. */
export function datasetCard({ name, trainingSet, files }: DatasetCardInput): string {
  const [first = "train.jsonl"] = files;
  const format = first.endsWith(".parquet") ? "parquet" : "json";
  return `---
task_categories: [sentence-similarity]
tags: [sentence-transformers, hard-negatives]
configs:
${configs(files)}
---

# ${plain(name)}: training rows for retrieval

${trainingSet.rows.length.toLocaleString("en")} rows of a query (anchor), a passage that answers it (positive), and passages that
look like the answer and are not (negative_1 and on), put together by Decoy. "synthetic" negatives were written by a language
model, "human" ones by a person; the others were found in the collection.

${sourcesOf(trainingSet)}

\`provenance.jsonl\` says of each row which query, answer and negatives it is made of, and where each negative comes from.

## Use

\`\`\`python
from datasets import load_dataset

rows = load_dataset("${format}", data_files="${first}", split="train")
\`\`\`

The columns are in the order that sentence-transformers takes them in, for MultipleNegativesRankingLoss and its kind.
`;
}
