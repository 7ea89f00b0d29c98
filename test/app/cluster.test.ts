/** A run given out for a cluster. */
import { strFromU8, unzipSync } from "fflate";
import { expect, it } from "vitest";
import { exportCluster } from "../../src/app/exports.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import { runId } from "../../src/domain/ids.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { handOver } from "../../src/synthesis/handOver.ts";
import { runOf } from "../storage/support.ts";
import { fakeApp, result, stepReport } from "./fakes.ts";
import { fakeModel } from "./fakeSynthesis.ts";

const trainingSet = {
  queries: ["why tides"],
  documents: ["yes", "no"],
  rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" as const, rank: 3 }] }],
};

async function page(input: ConfigInput = {}) {
  const given: { blob: Blob; name: string }[] = [];
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({
    store,
    synthesis: { ...fakeModel().synthesis, handOver },
    download: (blob, name) => void given.push({ blob, name }),
  });
  const collection = app.collections.list.value[0]?.id ?? runOf("r").collection;
  const run: RunRecord = {
    ...runOf("r1"),
    collection,
    encoder: "decoy-static",
    config: parseConfig(input),
    steps: [stepReport(1), stepReport(2)],
    result: { ...result, split: "train" },
  };
  const files = async () =>
    Object.fromEntries(
      Object.entries(unzipSync(new Uint8Array((await given.at(-1)?.blob.arrayBuffer()) ?? new ArrayBuffer()))).map(
        ([path, bytes]) => [path, strFromU8(bytes)],
      ),
    );
  return { app, store, run, files, given };
}

const recipeOf = (files: Readonly<Record<string, string>>): unknown => JSON.parse(files["recipe.json"] ?? "");

it("gives rows, encoder, recipe with the page's first loss, and a request for each topic", async () => {
  const { app, store, run, files, given } = await page();
  await store.putProduct(runId("r1"), { name: "trainingSet", value: trainingSet });
  await exportCluster(app, run);
  expect(given[0]?.name).toMatch(/-cluster\.zip$/u);
  const out = await files();
  expect(Object.keys(out)).toEqual(
    expect.arrayContaining(["README.md", "train.py", "data/train.parquet", "encoder/modules.json", "generate.py"]),
  );
  expect(recipeOf(out)).toMatchObject({ format: 1, page: { firstBatch: [0], firstLoss: 1 }, evaluate: null });
  expect(JSON.parse(out["requests.jsonl"] ?? "")).toMatchObject({
    query_id: "q1",
    positive_id: "d1",
    index: 0,
    attributes: { domain: "Law" },
  });
  expect(app.notices.value).toEqual([]);
});

it.each<[string, ConfigInput]>([
  ["dropout", { dropout: {} }],
  ["several batches a step", { accumulate: 2 }],
  ["a loss that train.py refuses", { loss: "lambdaRank" }],
])("gives no first loss where it cannot be compared: %s", async (_, input) => {
  const { app, store, run, files } = await page(input);
  await store.putProduct(runId("r1"), { name: "trainingSet", value: trainingSet });
  await exportCluster(app, run);
  expect(recipeOf(await files())).not.toHaveProperty("page.firstLoss");
});

it("says what train.py will refuse", async () => {
  const { app, store, run } = await page({ loss: "lambdaRank" });
  await store.putProduct(runId("r1"), { name: "trainingSet", value: trainingSet });
  await exportCluster(app, run);
  expect(app.notices.value.map(({ text }) => text)).toEqual([expect.stringContaining('loss = "lambdaRank"')]);
});

it("needs a result, and topics where batches are made by them", async () => {
  const { app, store, run, given } = await page({ batches: "topics" });
  await expect(exportCluster(app, run)).rejects.toThrow("no result yet");
  await store.putProduct(runId("r1"), { name: "trainingSet", value: trainingSet });
  await expect(exportCluster(app, run)).rejects.toThrow("without the topics");
  expect(given).toEqual([]);
});
