import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import type { TrainingSet } from "../../../src/domain/training.ts";
import { flagEmbeddingFile, trainingFiles } from "../../../src/export/files/training.ts";
import { importFiles } from "../../data/import.ts";
import { tinyCollection } from "../../support/collection.ts";
import { bytesOf, draftOf, hostile, hostileSet, rowsOf, textOf } from "./hostile.ts";

const named = (files: readonly { readonly name: string }[]) => files.map(({ name }) => name);
const sound = (text: string | undefined) => text?.toWellFormed();

/** What a row's texts are, in the order of the columns. */
const textsOf = ({ queries, documents, rows }: TrainingSet, row: number) => {
  const { query, positive, negatives } = rows[row] ?? { query: -1, positive: -1, negatives: [] };
  return [queries[query], documents[positive], ...negatives.map(({ document }) => documents[document])].map(sound);
};

test("one width: one file, the columns in sentence-transformers' order, every hostile text whole", async () => {
  const trainingSet = hostileSet(hostile.map(() => 3));
  const { files, rows, leftOut } = trainingFiles({ trainingSet }, { format: "jsonl" });
  expect([named(files), rows, leftOut]).toEqual([["train.jsonl", "provenance.jsonl"], hostile.length, 0]);
  const [train] = files;
  if (!train) throw new Error("no file");
  const written = await rowsOf(train);
  expect(Object.keys(written[0] as object)).toEqual(["anchor", "positive", "negative_1", "negative_2", "negative_3"]);
  expect(written.map((row) => Object.values(row as object))).toEqual(hostile.map((_, i) => textsOf(trainingSet, i)));
  expect(train.type).toBe("application/jsonl");
});

test("no line of JSONL holds what any reader takes for the end of a line", async () => {
  const { files } = trainingFiles({ trainingSet: hostileSet(hostile.map(() => 2)) }, { format: "jsonl" });
  for (const file of files) {
    const text = await textOf(file);
    // oxlint-disable-next-line no-control-regex -- Python's str.splitlines breaks at all of these
    expect(text.slice(0, -1).split(/[\r\v\f\u001c-\u001e\u0085\u2028\u2029]/u)).toHaveLength(1);
    expect(text.endsWith("}\n")).toBe(true);
  }
});

test("rows of different widths: a file each, none left out, the one negative called negative", async () => {
  const trainingSet = hostileSet([2, 0, 1, 2]);
  const { files, rows, leftOut } = trainingFiles({ trainingSet }, { format: "jsonl" });
  expect(named(files)).toEqual([
    "train-2-negatives.jsonl",
    "train-1-negatives.jsonl",
    "train-0-negatives.jsonl",
    "provenance.jsonl",
  ]);
  expect([rows, leftOut]).toEqual([4, 0]);
  const contents = await Promise.all(files.slice(0, 3).map(rowsOf));
  expect(contents.map((rows) => rows.map((row) => Object.keys(row as object).slice(2)))).toEqual([
    [
      ["negative_1", "negative_2"],
      ["negative_1", "negative_2"],
    ],
    [["negative"]],
    [[]],
  ]);
  expect(contents[0]?.map((row) => Object.values(row as object))).toEqual([
    textsOf(trainingSet, 0),
    textsOf(trainingSet, 3),
  ]);
});

test("with a width asked for, longer rows are cut, shorter ones left out and counted", async () => {
  const { files, rows, leftOut } = trainingFiles(
    { trainingSet: hostileSet([3, 1, 2]) },
    { format: "jsonl", negatives: 2 },
  );
  expect([named(files), rows, leftOut]).toEqual([["train.jsonl", "provenance.jsonl"], 2, 1]);
  const [train, provenance] = await Promise.all(files.map(rowsOf));
  expect(train?.map((row) => Object.keys(row as object).length)).toEqual([4, 4]);
  // A score that JSON has no number for is left out.
  const negatives = [
    { column: "negative_1", source: "bm25", rank: 1 },
    { column: "negative_2", source: "bm25", rank: 2, score: 9 },
  ];
  expect(provenance).toEqual([0, 1].map((row) => ({ file: "train.jsonl", row, negatives })));
});

test("no row, no file", () => {
  const none = { files: [], rows: 0 };
  expect(trainingFiles({ trainingSet: hostileSet([]) }, { format: "jsonl" })).toEqual({ ...none, leftOut: 0 });
  expect(trainingFiles({ trainingSet: hostileSet([1]) }, { format: "parquet", negatives: 2 })).toEqual({
    ...none,
    leftOut: 1,
  });
});

test("Parquet, read by hyparquet: the same texts under the same columns, over many row groups", async () => {
  const trainingSet = hostileSet(Array.from({ length: 60 }, () => 4));
  const { files } = trainingFiles({ trainingSet }, { format: "parquet" });
  expect(named(files)).toEqual(["train.parquet", "provenance.jsonl"]);
  const [file] = files;
  if (!file) throw new Error("no file");
  expect([...file.chunks()].length).toBeGreaterThan(2);
  const read = await parquetReadObjects({ file: (await bytesOf(file)).buffer });
  expect(Object.keys(read[0] ?? {})).toEqual([
    "anchor",
    "positive",
    "negative_1",
    "negative_2",
    "negative_3",
    "negative_4",
  ]);
  expect(read.map((row) => Object.values(row))).toEqual(trainingSet.rows.map((_, i) => textsOf(trainingSet, i)));
});

const tinySet: TrainingSet = {
  queries: ["cat mat", "dog ran"],
  documents: ["the cat sat on the mat", "the dog ran on the mat", "the cat ran on the tide", "a stranger's text"],
  rows: [
    {
      query: 0,
      positive: 0,
      negatives: [
        { document: 1, source: "bm25", rank: 4, score: 2.5 },
        { document: 2, source: "synthetic" },
      ],
    },
    {
      query: 1,
      positive: 1,
      negatives: [
        { document: 3, source: "given" },
        { document: 2, source: "synthetic" },
      ],
    },
  ],
};

test("provenance: ids, the sampler's rank and score, the draft behind a text; a text of another query is not its", async () => {
  const draft = draftOf({ review: { decision: "accepted", at: "2026-01-02T00:00:00.000Z" } });
  const { files } = trainingFiles(
    { trainingSet: tinySet, collection: tinyCollection, drafts: [draft] },
    { format: "jsonl" },
  );
  const rows = await rowsOf(files[1] ?? { chunks: () => [] });
  expect(rows).toEqual([
    {
      file: "train.jsonl",
      row: 0,
      query_id: "q0",
      positive_id: "d0",
      negatives: [
        { column: "negative_1", source: "bm25", rank: 4, score: 2.5, document_id: "d1" },
        {
          column: "negative_2",
          source: "synthetic",
          model: "Llama",
          recipe: "syneg",
          attributes: { domain: "Pets" },
          provider: "webllm",
          seed: 7,
          attempt: 1,
          request_sha256: draft.key,
          created_at: draft.createdAt,
          outcome: "accepted",
          reviewed: "accepted",
        },
      ],
    },
    {
      file: "train.jsonl",
      row: 1,
      query_id: "q1",
      positive_id: "d1",
      negatives: [
        { column: "negative_1", source: "given" },
        { column: "negative_2", source: "synthetic" },
      ],
    },
  ]);
});

test("our own reader reads both files: query, answer and negatives of every row", async () => {
  const flag = flagEmbeddingFile({ trainingSet: tinySet });
  const train = trainingFiles({ trainingSet: tinySet }, { format: "jsonl" });
  for (const file of [flag.files[0], train.files[0]]) {
    if (!file) throw new Error("no file");
    const { collection, rejected } = await importFiles({ [file.name]: await textOf(file) });
    expect(rejected).toEqual([]);
    expect(collection.queries).toEqual([
      { id: queryId("q1"), text: "cat mat" },
      { id: queryId("q2"), text: "dog ran" },
    ]);
    const text = new Map(collection.documents.map((document) => [document.id, document.text]));
    expect(collection.judgements["all"]?.map(({ documentId: id }) => text.get(documentId(id)))).toEqual(
      tinySet.documents.slice(0, 2),
    );
    expect(collection.negatives.map(({ text }) => text)).toEqual([
      "the dog ran on the mat",
      "the cat ran on the tide",
      "a stranger's text",
      "the cat ran on the tide",
    ]);
  }
});

test("FlagEmbedding: three keys, lists of texts; a row without negatives is left out and counted", async () => {
  const trainingSet = hostileSet([2, 0, 1]);
  const { files, rows, leftOut } = flagEmbeddingFile({ trainingSet });
  expect([rows, leftOut]).toEqual([2, 1]);
  const [first, third] = [textsOf(trainingSet, 0), textsOf(trainingSet, 2)];
  expect(await rowsOf(files[0] ?? { chunks: () => [] })).toEqual([
    { query: first[0], pos: [first[1]], neg: first.slice(2) },
    { query: third[0], pos: [third[1]], neg: third.slice(2) },
  ]);
});
