import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import { foundByRun } from "../../src/app/foundNegatives.ts";
import { setGenerationFields } from "../../src/app/generationForm.ts";
import { judgeFound, lookForFound, withoutVerdict } from "../../src/app/judging.ts";
import { present } from "../../src/base/assert.ts";
import { type Collection, documentText } from "../../src/domain/collection.ts";
import { type ConfigInput, parseConfig } from "../../src/domain/config.ts";
import { collectionId, documentId, queryId, runId } from "../../src/domain/ids.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import type { TrainingSet } from "../../src/domain/training.ts";
import { passGate } from "../../src/negatives/gate.ts";
import { checkpointAt, collection, fakeApp } from "./fakes.ts";
import { fakeModel, neighbours } from "./fakeSynthesis.ts";

const documents = [
  ["d1", "Tides", "The moon pulls the sea."],
  ["d2", "", "Frost breaks pipes."],
  // Reads as d2 does.
  ["d3", "", "Frost breaks pipes."],
  ["d4", "Waves", "Wind drives the waves."],
  ["d5", "", "Salt comes from rocks."],
] as const;

const sea: Collection = {
  ...collection,
  documents: documents.map(([id, title, text]) => ({ id: documentId(id), title, text })),
  queries: ["q1", "q2"].map((id) => ({ id: queryId(id), text: `why ${id}` })),
  judgements: { train: ["q1", "q2"].map((id) => ({ queryId: queryId(id), documentId: documentId("d1"), grade: 1 })) },
  negatives: [],
};

const [tides = "", frost = "", , waves = "", salt = ""] = sea.documents.map(documentText);
const texts = [tides, frost, waves, salt, "A decoy."];
const at = (text: string) => texts.indexOf(text);

/** q1 with a decoy, d2 and d4; q1 again with d2, found by another source; q2 with d5; and a query that was made of a document. */
const mixed: TrainingSet = {
  queries: ["why q1", "why q2", "Waves"],
  documents: texts,
  rows: [
    {
      query: 0,
      positive: 0,
      negatives: [
        { document: at("A decoy."), source: "synthetic" },
        { document: at(frost), source: "bm25", score: 3, rank: 1 },
        { document: at(waves), source: "simans" },
      ],
    },
    {
      query: 0,
      positive: 0,
      negatives: [
        { document: at(frost), source: "dense" },
        // A model's words, though a document has the same.
        { document: at(salt), source: "synthetic" },
      ],
    },
    { query: 1, positive: 0, negatives: [{ document: at(salt), source: "random" }] },
    { query: 2, positive: at(waves), negatives: [{ document: at(salt), source: "bm25" }] },
  ],
};
const written: TrainingSet = {
  ...mixed,
  rows: mixed.rows.slice(0, 1).map((row) => ({ ...row, negatives: row.negatives.slice(0, 1) })),
};

interface Past extends Partial<RunRecord> {
  readonly rows?: TrainingSet;
  readonly config?: RunRecord["config"];
}

const recipe = (input: ConfigInput): RunRecord["config"] => parseConfig(input);

/** An app with runs of the past, newest first; its model finds that whatever tells of frost answers. */
async function withRuns(...past: readonly Past[]) {
  const model = fakeModel();
  const app = await fakeApp({ synthesis: model.synthesis, neighbours, collection: sea });
  await app.drafts.loaded;
  setGenerationFields(app, { provider: "endpoint", endpointModel: "small" });
  for (const [i, { rows, ...changes }] of past.entries()) {
    const run = recordOf(app, `Run ${past.length - i}`, changes);
    app.runs.value = [...app.runs.value, run];
    if (rows) await app.deps.store.putProduct(run.id, { name: "trainingSet", value: rows });
  }
  return { app, model };
}

function recordOf({ collections }: App, name: string, changes: Partial<RunRecord>): RunRecord {
  const { id, digest } = present(collections.list.value[0], "the collection");
  return {
    id: runId(name),
    name,
    collection: id,
    collectionName: "Tiny",
    collectionDigest: digest,
    encoder: "e",
    encoderName: "e",
    engine: "auto",
    config: recipe({}),
    createdAt: "",
    updatedAt: "",
    status: "finished",
    stage: "after",
    steps: [],
    ...changes,
  };
}

const openIn = ({ collections }: App) => present(collections.open.value, "the collection");
const verdictsIn = async ({ deps, collections }: App) =>
  (await deps.store.listVerdicts(collections.selected.value)).map((verdict) =>
    [verdict.queryId, verdict.documentId, verdict.action].join(" "),
  );

describe("what a run found", () => {
  it("are its rows' negatives that are documents, each once a query, with their sources", async () => {
    const { app } = await withRuns({ rows: mixed });
    const found = await foundByRun(app, openIn(app));
    expect(found?.run.name).toBe("Run 1");
    expect(
      found?.passages.map(({ topic, source, text, documentIds }) => [topic.query.id, source, text, ...documentIds]),
    ).toEqual([
      ["q1", "bm25", "Frost breaks pipes.", "d2", "d3"],
      ["q1", "simans", "Wind drives the waves.", "d4"],
      ["q2", "random", "Salt comes from rocks.", "d5"],
    ]);
  });

  it("is taken from the newest run on this collection that found anything", async () => {
    const { app } = await withRuns(
      { rows: mixed, collection: collectionId("another") },
      { rows: mixed, collectionDigest: "as it was before" },
      { rows: mixed, stage: "mix" },
      { rows: written },
      {},
      { rows: mixed, status: "failed", stage: "train" },
      { rows: mixed },
    );
    expect((await foundByRun(app, openIn(app)))?.run.name).toBe("Run 2");
    const { app: none } = await withRuns({ rows: written });
    expect(await foundByRun(none, openIn(none))).toBeUndefined();
  });

  it("includes what ANCE's last index gave", async () => {
    const config = recipe({ negatives: [{ source: "ance", count: 2 }] });
    const { app } = await withRuns({ rows: written, config });
    // Two for the one row: d4 and d5, by their places in the collection.
    const mined = { version: 4, documents: Int32Array.from([3, 4]) };
    await app.deps.store.saveCheckpoint(runId("Run 1"), { ...checkpointAt(5), mined });
    const found = await foundByRun(app, openIn(app));
    expect(found?.passages.map(({ source, documentIds }) => [source, ...documentIds])).toEqual([
      ["ance", "d4"],
      ["ance", "d5"],
    ]);
    await app.deps.store.saveCheckpoint(runId("Run 1"), {
      ...checkpointAt(5),
      mined: { ...mined, documents: Int32Array.from([3, -1]) },
    });
    expect((await foundByRun(app, openIn(app)))?.passages).toHaveLength(1);
  });
});

describe("the judge of found passages", () => {
  it("reads what the run found, and no more; of copies that answer one becomes an answer", async () => {
    const { app, model } = await withRuns({ rows: mixed });
    await lookForFound(app);
    const { passages } = present(app.judging.found.value?.of, "what was found");
    expect(withoutVerdict(passages, app.drafts.verdicts.value)).toHaveLength(3);
    await judgeFound(app, 5);
    expect(model.log.judged).toEqual(["Frost breaks pipes.", "Wind drives the waves.", "Salt comes from rocks."]);
    expect(await verdictsIn(app)).toEqual(["q1 d2 relabel", "q1 d3 drop", "q1 d4 keep", "q2 d5 keep"]);
    expect(withoutVerdict(passages, app.drafts.verdicts.value)).toHaveLength(0);
    await judgeFound(app, 5);
    expect(model.log.judged).toHaveLength(3);
  });

  it("closes the gate to what it found to answer, whichever copy is mined next", async () => {
    const { app } = await withRuns({ rows: mixed });
    await judgeFound(app, 5);
    const verdicts = await app.deps.store.listVerdicts(app.collections.selected.value);
    const passed = ["d2", "d3", "d4"].map((id) => {
      const document = present(
        sea.documents.find((other) => other.id === id),
        id,
      );
      const candidate = { source: "dense", text: documentText(document), documentId: document.id } as const;
      const pool = { queryId: queryId("q1"), synthetic: [], human: [], given: [], found: [[candidate]] };
      return passGate({ pools: [pool], verdicts }).report;
    });
    expect(passed.map(({ relabelled, dropped }) => [relabelled, dropped])).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  it("reads BM25's best where no run found anything", async () => {
    const { app, model } = await withRuns({ rows: written }, {});
    await lookForFound(app);
    expect(app.judging.found.value).toMatchObject({ of: undefined });
    await judgeFound(app, 1);
    expect(model.log.judged).toEqual(["Frost breaks pipes.", "Frost breaks pipes."]);
    expect(await verdictsIn(app)).toEqual(["q1 d2 relabel", "q2 d2 relabel"]);
  });
});
