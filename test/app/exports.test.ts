/** What goes out of collections, decoys and runs. */
import { strFromU8, unzipSync } from "fflate";
import { expect, it } from "vitest";
import {
  exportCollection,
  exportRankings,
  exportRunRows,
  exportTables,
  exportWrittenRows,
} from "../../src/app/exports.ts";
import { writtenTrainingSet } from "../../src/app/exportFiles.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { present } from "../../src/base/assert.ts";
import { runId } from "../../src/domain/ids.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { draftOf } from "../export/files/hostile.ts";
import { runOf } from "../storage/support.ts";
import { collection, fakeApp, result } from "./fakes.ts";

async function app() {
  const given: { blob: Blob; name: string }[] = [];
  const store = memoryStore(() => new Date(0));
  const app = await fakeApp({ store, download: (blob, name) => void given.push({ blob, name }) });
  const files = async () => {
    const { blob, name } = present(given.at(-1), "a file");
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const entries = name.endsWith(".zip") ? unzipSync(bytes) : { [name]: bytes };
    return Object.fromEntries(Object.entries(entries).map(([path, content]) => [path, strFromU8(content)]));
  };
  return { app, store, given, files, built: present(app.collections.list.value[0], "the collection") };
}

const anchor = { anchor: "why tides", positive: "Tides The moon pulls the sea." };

it("rows of what is written: each answer of a training query with all its decoys", async () => {
  const { app: page, files } = await app();
  await exportWrittenRows(page, "jsonl");
  const out = await files();
  expect(JSON.parse(out["train.jsonl"] ?? "")).toEqual({ ...anchor, negative: "Tide tables A table lists times." });
  expect(JSON.parse(out["provenance.jsonl"] ?? "")).toMatchObject({
    query_id: "q1",
    positive_id: "d1",
    negatives: [{ source: "synthetic" }],
  });
  await exportWrittenRows(page, "flagembedding");
  expect(JSON.parse(Object.values(await files())[0] ?? "")).toEqual({
    query: "why tides",
    pos: [anchor.positive],
    neg: ["Tide tables A table lists times."],
  });
});

it("drafts that a person rejected are in no row, and judgements of 0 make none", () => {
  const review = { decision: "rejected", at: "2026-01-01T00:00:00.000Z" } as const;
  const of = (fields: Parameters<typeof draftOf>[0]) =>
    draftOf({ queryId: collection.queries[0]?.id ?? draftOf().queryId, title: "", ...fields });
  const drafts = [of({ key: "a", text: "good" }), of({ key: "b", text: "bad", review })];
  const judged = { train: [...(collection.judgements["train"] ?? [])].flatMap((one) => [one, { ...one, grade: 0 }]) };
  const set = writtenTrainingSet({ ...collection, judgements: judged }, drafts);
  expect(set.rows).toHaveLength(1);
  expect(set.rows[0]?.negatives.map(({ document }) => set.documents[document])).toEqual([
    "Tide tables A table lists times.",
    "good",
  ]);
});

it("a collection as BEIR, and its judgements", async () => {
  const { app: page, files, built } = await app();
  await exportCollection(page, built, "beir");
  expect(Object.keys(await files())).toEqual(expect.arrayContaining(["corpus.jsonl", "qrels/train.tsv"]));
  await exportCollection(page, built, "qrels");
  expect(await files()).toEqual({ "qrels.train.txt": "q1 0 d1 1\n" });
});

it("a run's rows, tables and rankings, also where its collection was removed", async () => {
  const { app: page, store, files } = await app();
  const run: RunRecord = { ...runOf("r1"), result };
  const value = {
    queries: ["why tides"],
    documents: ["yes", "no"],
    rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" as const, rank: 3 }] }],
  };
  await store.putProduct(runId("r1"), { name: "trainingSet", value });
  await store.putProduct(runId("r1"), { name: "bm25", value: { scores: result.systems.bm25, rankings: [] } });
  await exportRunRows(page, run, "jsonl");
  const out = await files();
  expect(JSON.parse(out["train.jsonl"] ?? "")).toEqual({ anchor: "why tides", positive: "yes", negative: "no" });
  expect(JSON.parse(out["provenance.jsonl"] ?? "")).toMatchObject({ negatives: [{ source: "bm25", rank: 3 }] });
  await exportTables(page, run);
  expect(Object.keys(await files())).toEqual(["scores.csv", "comparisons.csv", "queries.csv"]);
  await exportRankings(page, run);
  expect(Object.keys(await files())).toEqual(["bm25.trec"]);
});

it("says what is missing where there is nothing to write", async () => {
  const { app: page, given } = await app();
  await expect(exportRunRows(page, runOf("r1"), "parquet")).rejects.toThrow("This run ended before");
  await expect(exportTables(page, runOf("r1"))).rejects.toThrow("no result");
  expect(given).toEqual([]);
});
