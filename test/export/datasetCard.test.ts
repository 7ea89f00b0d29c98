import { expect, test } from "vitest";
import type { TrainingSet } from "../../src/domain/training.ts";
import { datasetCard } from "../../src/export/datasetCard.ts";

const trainingSet: TrainingSet = {
  queries: ["q"],
  documents: ["a", "b", "c", "d"],
  rows: [
    {
      query: 0,
      positive: 0,
      negatives: [
        { document: 1, source: "synthetic" },
        { document: 2, source: "bm25" },
        { document: 3, source: "synthetic" },
      ],
    },
    { query: 0, positive: 1, negatives: [{ document: 2, source: "synthetic" }] },
  ],
};

test("each file with rows is a set of its own, and where they come from is none", () => {
  const card = datasetCard({
    name: "Tides",
    trainingSet,
    files: ["train-3-negatives.parquet", "train-1-negatives.parquet"],
  });
  const [, front = ""] = card.split("---\n");
  expect(front.split("\n")).toEqual([
    "task_categories: [sentence-similarity]",
    "tags: [sentence-transformers, hard-negatives]",
    "configs:",
    "- config_name: train-3-negatives",
    "  data_files: train-3-negatives.parquet",
    "  default: true",
    "- config_name: train-1-negatives",
    "  data_files: train-1-negatives.parquet",
    "",
  ]);
  expect(card).toContain('load_dataset("parquet", data_files="train-3-negatives.parquet"');
  expect(card).toContain("2 rows of a query");
  expect(card).toContain("| synthetic | 3 |\n| bm25 | 1 |");
});

test("JSON lines, no negatives, and a name that would end the front matter", () => {
  const bare = { ...trainingSet, rows: [{ query: 0, positive: 0, negatives: [] }] };
  const card = datasetCard({ name: "a\n---\n| b `c`", trainingSet: bare, files: ["train.jsonl"] });
  expect(card).toContain('load_dataset("json"');
  expect(card).toContain("No row has a negative yet.");
  expect(card).toContain("# a ---  b  c : training rows");
  expect(card.match(/^---$/gmu)).toHaveLength(2);
});
