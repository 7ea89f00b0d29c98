/** What the bundle holds, and what recipe.json says. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { strFromU8 } from "fflate";
import { parquetReadObjects } from "hyparquet";
import { afterAll, expect, test } from "vitest";
import { parseConfig, type ConfigInput } from "../../../src/domain/config.ts";
import { documentId } from "../../../src/domain/ids.ts";
import { clusterFiles } from "../../../src/export/cluster/bundle.ts";
import { clusterKeys, refusedKeys } from "../../../src/export/cluster/keys.ts";
import { readClusterRecipe } from "../../../src/export/cluster/recipe.ts";
import { mediaTypes } from "../../../src/export/files/file.ts";
import { handOver } from "../../../src/synthesis/handOver.ts";
import { parseGeneration } from "../../../src/domain/generation.ts";
import { importFiles } from "../../data/import.ts";
import { bundleInput, bytesOf, collection, newRoot, trainingSet, written, type BundleInput } from "./support.ts";

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true }));

async function contents(input: BundleInput): Promise<Readonly<Record<string, Uint8Array>>> {
  const files = clusterFiles(input).map(async (file) => [file.name, await bytesOf(file)] as const);
  return Object.fromEntries(await Promise.all(files));
}

const text = async (input: BundleInput, name: string): Promise<string> =>
  strFromU8((await contents(input))[name] ?? new Uint8Array());

const writing = {
  settings: { recipe: "syneg", reflection: true, temperature: 0.7, topP: 0.95, maxTokens: 900 },
  ...handOver([], parseGeneration({})),
  documents: [],
};

test("every file, the README first, and no judgements or requests where there are none", async () => {
  const common = ["README.md", "recipe.json", "train.py", "data/train.parquet", "data/train.jsonl"];
  const beir = ["meta.json", "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"].map((name) => `data/beir/${name}`);
  const asks = ["generate.py", "checks.py", "writing.json", "requests.jsonl", "documents.jsonl"];
  const encoder = ["config.json", "model.safetensors", "tokenizer.json"].map((name) => `encoder/${name}`);
  const names = (input: BundleInput) => clusterFiles(input).map(({ name }) => name);
  expect(names(bundleInput({}, { writing }))).toEqual([...common, ...beir, ...asks, ...encoder]);
  const { measured: _, ...bare } = bundleInput({});
  expect(names(bare)).toEqual([...common, ...encoder]);
  expect(JSON.parse(await text(bare, "recipe.json"))).toMatchObject({ evaluate: null });
});

test("the weights are given as they are, and stored without packing", async () => {
  const input = bundleInput({});
  const weights = clusterFiles(input).find(({ name }) => name === "encoder/model.safetensors");
  expect(weights?.type).toBe(mediaTypes.bytes);
  expect((await contents(input))["encoder/model.safetensors"]).toEqual(
    Buffer.from(input.folder.files["model.safetensors"] ?? []),
  );
});

test("rows stand in the run's order, the same in Parquet and in JSON lines", async () => {
  const files = await contents(bundleInput({}));
  const parquet = files["data/train.parquet"] ?? new Uint8Array();
  const read = await parquetReadObjects({ file: new Uint8Array(parquet).buffer });
  const lines = strFromU8(files["data/train.jsonl"] ?? new Uint8Array())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(read.map((row) => ({ ...row, provenance: JSON.parse(String(row["provenance"])) as unknown }))).toEqual(lines);
  expect(Object.keys(read[0] ?? {})).toEqual([
    "anchor",
    "positive",
    "negative_1",
    "negative_2",
    "negative_3",
    "provenance",
  ]);
  const { queries, documents, rows } = trainingSet;
  expect(lines.map(({ anchor, positive }) => [anchor, positive])).toEqual(
    rows.map((row) => [queries[row.query], documents[row.positive]]),
  );
  expect(lines[2]).toMatchObject({
    negative_1: documents[7],
    negative_2: "",
    provenance: {
      query: 2,
      topic: 0,
      query_id: "q2",
      positive_id: "d2",
      negatives: [{ column: "negative_1", source: "bm25" }],
    },
  });
});

test("the evaluation folder has the measured judgements alone, and the page reads it", async () => {
  const files = await contents(bundleInput({}));
  const beir = Object.entries(files).filter(([name]) => name.startsWith("data/beir/"));
  const read = await importFiles(Object.fromEntries(beir.map(([name, bytes]) => [name, strFromU8(bytes)])));
  expect(read.collection.documents).toEqual(collection.documents);
  expect(read.collection.judgements).toEqual({ test: collection.judgements["test"] });
  expect(read.collection.queries.map(({ id }) => id)).toEqual(["q2", "q4"]);
});

test("an id that no TSV holds makes the judgements JSON lines", () => {
  const judgements = (collection.judgements["test"] ?? []).map((one) => ({ ...one, documentId: documentId("a\tb") }));
  const input = bundleInput({}, { measured: { split: "test", collection, judgements } });
  expect(clusterFiles(input).map(({ name }) => name)).toContain("data/beir/qrels/test.jsonl");
});

test("recipe.json comes back as the recipe, with what it left to the encoder", async () => {
  const input: ConfigInput = {
    temperature: 0.02,
    inBatch: false,
    dimensions: [4, 8],
    negatives: [{ source: "bm25", count: 2, last: 30 }],
    hardness: {},
    steps: 7,
  };
  const config = parseConfig(input);
  const back = readClusterRecipe(await text(bundleInput(input), "recipe.json"));
  const own = { learningRate: 2e-5, pooling: "mean", queryPrefix: "", documentPrefix: "" };
  expect(back).toEqual({ ...config, ...own });
  expect(
    readClusterRecipe(await text(bundleInput({ ...input, learningRate: 1, pooling: "cls" }), "recipe.json")),
  ).toEqual({
    ...config,
    ...own,
    learningRate: 1,
    pooling: "cls",
  });
});

test("a recipe.json of another format, or with a key that does not exist, is refused", async () => {
  const json = await text(bundleInput({}), "recipe.json");
  expect(() => readClusterRecipe(json.replace('"format": 1', '"format": 2'))).toThrow(/format 1/u);
  expect(() => readClusterRecipe("{")).toThrow(/not JSON/u);
  expect(() => readClusterRecipe(json.replace('"temperature"', '"temprature"'))).toThrow(/temprature/u);
});

test("the table knows every key of a recipe; a default recipe is done whole", () => {
  for (const key of Object.keys(parseConfig({}))) expect(clusterKeys).toHaveProperty(key);
  expect(refusedKeys(parseConfig({}))).toEqual([]);
});

test.each<[string, ConfigInput]>([
  ['loss = "marginMSE"', { loss: "marginMSE" }],
  ["gist =", { gist: {} }],
  ['side = "queries"', { side: "queries" }],
  ["lora =", { lora: {} }],
  ["frozenLayers = 0", { frozenLayers: 0 }],
  ["best =", { best: { every: 2 } }],
  ["batchTokens = 99", { batchTokens: 99 }],
  [
    'negatives, source "ance"',
    {
      negatives: [
        { source: "bm25", count: 1 },
        { source: "ance", count: 1 },
      ],
    },
  ],
])("the README names what is refused: %s", async (words, recipe) => {
  expect(refusedKeys(parseConfig(recipe))).toEqual([expect.stringContaining(words)]);
  expect(await text(bundleInput(recipe), "README.md")).toContain(`- ${refusedKeys(parseConfig(recipe))[0]}`);
});

test("the README has the four commands, the sizes and the licence", async () => {
  const readme = await text(bundleInput({}, { writing: { ...writing, count: 1234 } }), "README.md");
  for (const words of [
    "uv run train.py\n",
    "torchrun --nproc-per-node 8 train.py",
    "accelerate launch --multi_gpu --num_machines 4",
    "uv run generate.py --model",
    "7 rows",
    "9 documents and 3 judgements",
    "1,234 requests",
    "Apache-2.0",
  ])
    expect(readme).toContain(words);
});

const python = ["python3", "/usr/bin/python3"].find((command) => spawnSync(command, ["--version"]).status === 0);

test.skipIf(python === undefined)("Python compiles the programs", async () => {
  const folder = await written(root, bundleInput({}, { writing }));
  const programs = ["train.py", "generate.py", "checks.py"].map((name) => path.join(folder, name));
  const { status, stderr } = spawnSync(python ?? "", ["-m", "py_compile", ...programs], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
