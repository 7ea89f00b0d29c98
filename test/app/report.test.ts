/** What a report is made of, out of what is stored. */
import { expect, it } from "vitest";
import { exportReport } from "../../src/app/exports.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { type FinishedRun, gatherReport, type ReportInput } from "../../src/app/report.ts";
import { present } from "../../src/base/assert.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId, runId } from "../../src/domain/ids.ts";
import type { Ranking, Scores } from "../../src/domain/ranking.ts";
import { comparePaired } from "../../src/retrieval/significance.ts";
import { runOf } from "../storage/support.ts";
import { fakeApp, result } from "./fakes.ts";

const document = (id: string, text: string) => ({ id: documentId(id), title: "", text });

const stars: Collection = {
  name: "Stars",
  documents: [document("sun", "The Sun."), document("sirius", "Sirius."), document("vega", "Vega.")],
  queries: [
    { id: queryId("near"), text: "Which is nearest?" },
    { id: queryId("bright"), text: "Which is brightest at night?" },
    { id: queryId("north"), text: "Which was the pole star?" },
  ],
  judgements: {
    train: [{ queryId: queryId("near"), documentId: documentId("vega"), grade: 1 }],
    test: [
      { queryId: queryId("near"), documentId: documentId("sun"), grade: 1 },
      { queryId: queryId("near"), documentId: documentId("sirius"), grade: 0 },
      { queryId: queryId("bright"), documentId: documentId("sirius"), grade: 2 },
      { queryId: queryId("north"), documentId: documentId("vega"), grade: 1 },
    ],
  },
  negatives: [],
};

const scores = (values: readonly number[], ids = ["near", "bright", "north"]): Scores => ({
  queryIds: ids.map(queryId),
  perQuery: { "ndcg@10": values },
  mean: {},
});

const rankings = (...lists: readonly string[]): Ranking[] =>
  ["near", "bright", "north"].map((id, i) => ({
    queryId: queryId(id),
    hits: (lists[i] ?? "").split(" ").map((hit) => ({ documentId: documentId(hit), score: 0 })),
  }));

async function app() {
  const given: { blob: Blob; name: string }[] = [];
  const store = memoryStore(() => new Date(0));
  const page = await fakeApp({
    store,
    collection: stars,
    download: (blob, name) => void given.push({ blob, name }),
    retriever: {
      compare: async function* ({ a, b, metric, seed }) {
        return comparePaired(present(a.perQuery[metric], metric), present(b.perQuery[metric], metric), seed);
      },
    },
  });
  const built = present(page.collections.list.value[0], "the collection");
  const run = (id: string, after: Scores, createdAt = "2026-01-01T00:00:00.000Z"): FinishedRun => ({
    ...runOf(id, createdAt),
    collection: built.id,
    collectionDigest: built.digest,
    result: { ...result, systems: { ...result.systems, before: scores([0, 1, 0.5]), after } },
  });
  return { page, store, given, run };
}

const ofRun = (input: ReportInput) => {
  if (input.kind !== "run") throw new Error("it is a comparison");
  return input;
};

it("tells of the queries that changed where the answer stood and what stood first", async () => {
  const { page, store, run } = await app();
  const record = run("r1", scores([1, 0.2, 0.5]));
  await store.putProduct(record.id, {
    name: "before",
    value: { scores: record.result.systems.before, rankings: rankings("vega sirius sun", "sirius", "sun") },
  });
  await store.putProduct(record.id, {
    name: "after",
    value: { scores: record.result.systems.after, rankings: rankings("sun vega", "vega sun", "sun") },
  });
  const { changes, told } = ofRun(await gatherReport(page, [record]));
  expect([changes.better, changes.worse, changes.same]).toEqual([1, 1, 1]);
  expect(changes.gained).toEqual([
    {
      queryId: "near",
      before: 0,
      after: 1,
      text: "Which is nearest?",
      // Not Vega, which answers it in the training split alone.
      answer: { title: "", text: "The Sun.", before: 3, after: 1 },
      firstBefore: { title: "", text: "Vega.", isAnswer: false },
      firstAfter: { title: "", text: "The Sun.", isAnswer: true },
    },
  ]);
  expect(changes.lost).toMatchObject([
    {
      queryId: "bright",
      answer: { text: "Sirius.", before: 1, after: undefined },
      firstBefore: { isAnswer: true },
      firstAfter: { text: "Vega.", isAnswer: false },
    },
  ]);
  expect(told.collection?.digest).toBe(record.collectionDigest);
  expect(told.encoderIdentity).toBeUndefined();
});

it("has no texts where the collection was removed or is another one now", async () => {
  const { page, run } = await app();
  const gone = { ...run("r1", scores([1, 1, 1])), collectionDigest: "another", encoder: "hub:a/b@c0ffee" };
  const { changes, told } = ofRun(await gatherReport(page, [gone]));
  expect(told.collection).toBeUndefined();
  expect(told.encoderIdentity).toBe("hub:a/b@c0ffee");
  expect(changes.gained.map(({ queryId, text, answer }) => [queryId, text, answer])).toEqual([
    ["near", undefined, undefined],
    ["north", undefined, undefined],
  ]);
});

it("compares each run with the earliest on the same queries, and with no other", async () => {
  const { page, run } = await app();
  const late = run("late", scores([1, 1, 1]), "2026-01-03T00:00:00.000Z");
  const early = run("early", scores([0, 0.5, 1]), "2026-01-01T00:00:00.000Z");
  const other = run("other", scores([1, 1], ["near", "bright"]), "2026-01-02T00:00:00.000Z");
  const moved = { ...run("moved", scores([1, 1, 1]), "2026-01-04T00:00:00.000Z"), collectionDigest: "another" };
  const mixed = run("mixed", scores([1, 1, 1], ["near", "bright", "south"]), "2026-01-05T00:00:00.000Z");
  const input = await gatherReport(page, [late, other, mixed, moved, early]);
  if (input.kind !== "comparison") throw new Error("it is of one run");
  expect(input.told.map(({ run }) => run.id)).toEqual(["early", "other", "late", "moved", "mixed"]);
  expect(input.compared.map(({ first, others }) => [first, others.map(({ run }) => run)])).toEqual([
    ["early", ["late"]],
    ["other", []],
    ["moved", []],
    ["mixed", []],
  ]);
  // 1 − 0, 1 − .5, 1 − 1: mean .5; of the four ways to give two differences a sign, two are as far from 0.
  expect(input.compared[0]?.others[0]?.comparison).toMatchObject({
    difference: { value: 0.5 },
    pValue: 0.5,
    verdict: "no reliable difference",
  });
});

it("gives out what was drawn, named by the run, and nothing where there is no result", async () => {
  const { page, given, run } = await app();
  const draw = ({ kind }: ReportInput) => `<!doctype html>${kind}`;
  const record = { ...run("r1", scores([1, 1, 1])), encoderName: "Small", name: "Run 1" };
  await exportReport(page, [record], draw);
  expect(given.map(({ name }) => name)).toEqual(["small-birds-run-1-report.html"]);
  expect(given[0]?.blob.type).toBe("text/html; charset=utf-8");
  expect(await given[0]?.blob.text()).toBe("<!doctype html>run");
  await exportReport(page, [record, { ...record, id: runId("r2") }], draw);
  expect(given[1]?.name).toBe("decoy-2-runs-report.html");
  await expect(exportReport(page, [record, runOf("r3")], draw)).rejects.toThrow("no result yet");
  expect(given).toHaveLength(2);
});
