import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemNames } from "../../src/domain/ranking.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder } from "../support/encoder.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "decoy-runner-"));
const at = (...parts: string[]) => path.join(root, ...parts);
const write = (file: string, content: string | Uint8Array) => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
};
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

beforeAll(() => {
  for (const [name, bytes] of Object.entries(tinyEncoder().files)) write(`encoder/${name}`, bytes);
  write("data/corpus.jsonl", lines(tinyCollection.documents.map(({ id, title, text }) => ({ _id: id, title, text }))));
  write("data/queries.jsonl", lines(tinyCollection.queries.map(({ id, text }) => ({ _id: id, text }))));
  for (const [split, judgements] of Object.entries(tinyCollection.judgements)) {
    const rows = judgements.map(({ queryId, documentId, grade }) => `${queryId}\t${documentId}\t${grade}\n`);
    write(`data/qrels/${split}.tsv`, `query-id\tcorpus-id\tscore\n${rows.join("")}`);
  }
  write("recipe.json", JSON.stringify({ batchSize: 2, epochs: 2, negatives: [{ source: "bm25", count: 2 }] }));
});
afterAll(() => rmSync(root, { recursive: true }));

function experiment(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["tools/run.mjs", "experiments/run.ts", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}
const usual = (out: string, ...more: string[]) =>
  experiment(
    "--data",
    at("data"),
    "--encoder",
    at("encoder"),
    "--config",
    at("recipe.json"),
    "--out",
    at(out),
    ...more,
  );
const read = (out: string, file: string) => readFileSync(at(out, file), "utf8");
const json = (out: string) => JSON.parse(read(out, "result.json")) as Record<string, unknown>;
/** Everything in a result but what the clock and the machine's memory say. */
function timeless({ seconds: _s, tokensPerSecond: _t, peakBytes: _p, ...rest }: Record<string, unknown>) {
  return rest;
}

test("the same seed gives the same files, but for times", () => {
  const first = usual("one");
  expect(first.status).toBe(0);
  expect(usual("two").status).toBe(0);
  for (const file of ["bm25.trec", "before.trec", "after.trec", "model/model.safetensors", "model/README.md"]) {
    expect(readFileSync(at("one", file)).equals(readFileSync(at("two", file)))).toBe(true);
  }
  expect(timeless(json("one"))).toEqual(timeless(json("two")));
  const steps = (out: string) =>
    read(out, "train.jsonl")
      .trim()
      .split("\n")
      .map((line) => timeless(JSON.parse(line) as Record<string, unknown>));
  expect(steps("one")).toEqual(steps("two"));
  expect(steps("one")).toHaveLength(4);
  expect(json("one")).toMatchObject({
    split: "test",
    queries: 4,
    steps: 4,
    engine: { kind: "cpu" },
    config: { batchSize: 2, seed: 1 },
  });
  expect(Object.keys(json("one")["metrics"] as object)).toEqual(systemNames);
  expect(json("one")).toMatchObject({
    leak: { queries: 4, sharedDocument: 0, nearCopy: 0, clean: 4 },
    clean: null,
    pValues: { zscoreAfterBm25: expect.any(Number) as number },
  });
  expect(first.stdout).toContain(read("one", "table.md"));
  expect(read("one", "table.md")).toMatch(/^\| BM25 \+ after, z-scores \| [.\d]+ \([.\d]+–[.\d]+\) \|/mu);
  for (const name of systemNames) expect(read("one", `${name}.trec`)).toContain(` decoy-${name}\n`);
  expect(read("one", "after.trec").split("\n")[0]).toMatch(/^q4 Q0 d\d+ 1 -?[\d.e-]+ decoy-after$/u);
});

test("--guide mines and judges; the result has the gate's figures, the looks at the negatives, and both digests", () => {
  const config = {
    batchSize: 2,
    steps: 3,
    probes: 1,
    varianceBatches: 2,
    negatives: [
      { source: "dense", count: 1, last: 5 },
      { source: "ance", count: 1, every: 2 },
    ],
    gate: { filter: "margin", value: 0 },
  };
  write("guided.json", JSON.stringify(config));
  const args = [
    "--data",
    at("data"),
    "--encoder",
    at("one", "model"),
    "--config",
    at("guided.json"),
    "--out",
    at("guided"),
  ];
  const { status, stdout } = experiment(...args, "--guide", at("encoder"));
  expect(status).toBe(0);
  const digests = (out: string) => json(out)["digest"] as Record<string, string | null>;
  expect(digests("one")["guide"]).toBeNull();
  expect(digests("guided")["guide"]).toBe(digests("one")["encoder"]);
  expect(digests("guided")["encoder"]).not.toBe(digests("one")["encoder"]);
  expect(json("one")).toMatchObject({ gate: null, refreshes: [], diagnostics: { variance: null } });
  const { gate, diagnostics, refreshes } = json("guided") as Record<string, Record<string, unknown>>;
  expect(gate).toMatchObject({ relabelled: 0 });
  expect(diagnostics?.["snapshots"]).toMatchObject([{ step: 0 }, { step: 2 }, { step: 3 }]);
  expect(diagnostics?.["variance"]).toMatchObject({ batches: 2 });
  expect(diagnostics?.["normVariance"]).toBeGreaterThan(0);
  expect(refreshes).toMatchObject([
    { source: "ance", version: 0, documents: 14 },
    { source: "ance", version: 2, documents: 14 },
  ]);
  for (const line of [
    /^gate: \d+ considered/mu,
    /^negatives after step 2: mass/mu,
    /^ance: 14 documents/mu,
    /^gradient variance/mu,
  ])
    expect(stdout).toMatch(line);
});

test("the exported model is an encoder that measures the same before as it did after", () => {
  write("measure.json", JSON.stringify({ steps: 0 }));
  const { status } = experiment(
    "--data",
    at("data"),
    "--encoder",
    at("one", "model"),
    "--config",
    at("measure.json"),
    "--out",
    at("again"),
  );
  expect(status).toBe(0);
  const metrics = (out: string) => json(out)["metrics"] as Record<string, unknown>;
  expect(metrics("again")["before"]).toEqual(metrics("one")["after"]);
});

test("the best on dev is told and kept; queries alone leave two encoders", () => {
  for (const file of ["corpus.jsonl", "queries.jsonl"]) write(`withDev/${file}`, readFileSync(at("data", file)));
  const judged = (name: string) =>
    readFileSync(at("data", "qrels", name), "utf8")
      .trim()
      .split("\n");
  const [head = "", ...rows] = judged("train.tsv");
  const split = (name: string, of: readonly string[]) =>
    write(`withDev/qrels/${name}.tsv`, [head, ...of, ""].join("\n"));
  split("train", rows.slice(0, 2));
  split("dev", rows.slice(2));
  split("test", judged("test.tsv").slice(1));
  const negatives = [{ source: "bm25", count: 2 }];
  const recipe = { batchSize: 1, epochs: 2, negatives, side: "queries", best: { every: 2 }, learningRate: 0.01 };
  write("best.json", JSON.stringify(recipe));
  const data = ["--data", at("withDev"), "--encoder", at("encoder")];
  const { status, stdout } = experiment(...data, "--config", at("best.json"), "--out", at("best"));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^dev after step 2: nDCG@10 \.?\d/mu);
  const { dev } = json("best") as { dev: { kept: number; looks: { step: number; score: number }[] } };
  expect(dev).toMatchObject({ split: "dev", queries: 2, looks: [{ step: 0 }, { step: 2 }, { step: 4 }] });
  const most = Math.max(...dev.looks.map(({ score }) => score));
  expect(dev.looks.find(({ score }) => score === most)?.step).toBe(dev.kept);
  expect(json("one")["dev"]).toBeNull();
  expect(read("best", "model/README.md")).toContain("queries` has the encoder for them");
  // The documents' encoder is the one from before.
  write("measure.json", JSON.stringify({ steps: 0 }));
  const again = experiment(
    "--data",
    at("withDev"),
    "--encoder",
    at("best", "model", "documents"),
    "--config",
    at("measure.json"),
    "--out",
    at("before"),
  );
  expect(again.status).toBe(0);
  expect(read("before", "before.trec")).toBe(read("best", "before.trec"));
  expect(readFileSync(at("best", "model", "queries", "model.safetensors")).length).toBeGreaterThan(0);
});

test("--train takes rows as they are, in file order, and --seed wins over the recipe", () => {
  write(
    "rows.jsonl",
    lines([
      { query: "cat", positive: "the cat", negatives: ["dog", "sea"] },
      { query: "dog", positive: "the dog", negatives: ["mat", "cat"] },
    ]),
  );
  write("steps.json", JSON.stringify({ steps: 2, batchSize: 1, inBatch: false }));
  const { status } = experiment(
    "--data",
    at("data"),
    "--encoder",
    at("encoder"),
    "--train",
    at("rows.jsonl"),
    "--config",
    at("steps.json"),
    "--seed",
    "9",
    "--out",
    at("rows"),
  );
  expect(status).toBe(0);
  expect(json("rows")).toMatchObject({ trainingRows: 2, steps: 2, config: { seed: 9, shuffle: false } });
  // [CLS] cat [SEP], [CLS] the cat [SEP], [CLS] dog [SEP], [CLS] sea [SEP]: 13 tokens.
  expect(JSON.parse(read("rows", "train.jsonl").split("\n")[0] ?? "")).toMatchObject({ step: 1, tokens: 13 });
});

test.each([
  ["no --out", [], "--out is missing"],
  ["an unknown option", ["--out", "x", "--fast"], "--fast"],
  ["an unknown engine", ["--out", "x", "--engine", "tpu"], 'engine is "tpu"'],
  ["a seed that is no number", ["--out", "x", "--seed", "one"], 'seed is "one"'],
  ["a guide that is not there", ["--out", at("no"), "--guide", at("nowhere")], "does not exist"],
  ["a folder that is not there", ["--out", at("no"), "--data", at("nowhere")], "does not exist"],
  [
    "a recipe with an unknown key",
    ["--out", at("no"), "--config", at("wrong.json")],
    "temprature: there is no such key",
  ],
  ["training rows that are none", ["--out", at("no"), "--train", at("wrong.json")], "line 1"],
])("says what is wrong with %s", (_, args, words) => {
  write("wrong.json", JSON.stringify({ temprature: 1 }));
  const { status, stderr } = experiment(...args);
  expect(status).toBe(2);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain("    at ");
});
