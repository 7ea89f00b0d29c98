/** Runs that keep the best weights on dev, and runs that train queries alone. */
import { describe, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { Collection } from "../../src/domain/collection.ts";
import type { ConfigInput } from "../../src/domain/config.ts";
import type { RunReport, RunResult } from "../../src/domain/run.ts";
import { bestLook, type Dev, type ReadCorpus } from "../../src/domain/training.ts";
import { run, type RunInput, type Services } from "../../src/pipeline/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { input, productsOf, readings, recipe, services, until, watched, whole, type Kept } from "./support.ts";

const { train = [], test: measured = [] } = tinyCollection.judgements;
/** The last two training queries tell the best weights. */
const withDev: Collection = {
  ...tinyCollection,
  judgements: { train: train.slice(0, 2), dev: train.slice(2), test: measured },
};
const selecting: ConfigInput = { ...recipe, epochs: 6, best: { every: 2 } };
const given = (config: ConfigInput = selecting, over: Partial<RunInput> = {}) =>
  input(config, { collection: withDev, ...over });

const looks = (reports: readonly RunReport[]) =>
  reports.flatMap((report) => (report.kind === "dev" ? [report.dev] : []));

/** All but what the clock and the engine's memory say. */
const lasting = ({ seconds: _s, tokensPerSecond: _t, peakBytes: _p, dev, ...rest }: RunResult) => ({
  ...rest,
  dev: dev && { ...dev, looks: dev.looks.map(({ step, score }) => ({ step, score })) },
});
const goesOnFrom = (from: RunInput, { reports, products, checkpoint }: Kept): RunInput => ({
  ...from,
  products,
  ...(checkpoint && { checkpoint }),
  earlier: {
    steps: reports.flatMap((report) => (report.kind === "step" ? [report.step] : [])),
    probes: reports.flatMap((report) => (report.kind === "probe" ? [report.snapshot] : [])),
    dev: looks(reports),
    notes: reports.flatMap((report) => (report.kind === "note" ? [report.text] : [])),
  },
});

/** What the training was handed. */
function overheard(): { readonly by: Services; readonly heard: { dev?: Dev; read?: ReadCorpus }[] } {
  const by = services();
  const heard: { dev?: Dev; read?: ReadCorpus }[] = [];
  const train: Services["encoder"]["train"] = (asked) => {
    heard.push(asked);
    return by.encoder.train(asked);
  };
  return { by: { ...by, encoder: { ...by.encoder, train } }, heard };
}

describe("the best on dev", () => {
  test("is looked for with the dev queries alone, told, and what is measured afterwards", async () => {
    const { by, heard } = overheard();
    const { result, reports } = await whole(given(), by);
    const [asked] = heard;
    expect(asked?.dev?.queries.map(({ id }) => id)).toEqual(["q2", "q3"]);
    expect(asked?.dev?.judgements).toEqual(train.slice(2));
    expect(asked?.dev?.corpus).toHaveLength(tinyCollection.documents.length);
    expect(asked?.dev?.vectors).toEqual(productsOf(reports).vectorsBefore);
    const all = looks(reports);
    expect(all.map(({ step }) => step)).toEqual([0, 2, 4, 6]);
    expect(result.dev).toEqual({ split: "dev", queries: 2, looks: all, kept: bestLook(all)?.step });
    expect(result.split).toBe("test");
    expect(result.notes.filter((note) => note.includes("dev"))).toHaveLength(1);
  });

  test("where nothing beats the encoder before training, after is before, and the run says so", async () => {
    const { result, reports } = await whole(
      given({ ...selecting, learningRate: 1e-12, best: { every: 2, patience: 2 } }),
    );
    const products = productsOf(reports);
    expect(result.dev?.kept).toBe(0);
    expect(result.steps).toBe(4);
    expect(reports.flatMap((report) => (report.kind === "step" ? [report.step.step] : []))).toEqual([1, 2, 3, 4]);
    expect(products.vectorsAfter).toEqual(products.vectorsBefore);
    expect(result.systems.after).toEqual(result.systems.before);
    expect(result.notes).toContainEqual(
      expect.stringContaining('No weights did better on 2 queries of the split "dev"'),
    );
    expect(result.notes).toContain("Training ended after step 4 of 6, as dev got no better.");
  });

  test("a run that is broken off anywhere ends as one that never stopped", async () => {
    const config = { ...selecting, best: { every: 1, patience: 4 } };
    const unbroken = await whole(given(config));
    const stops = (name: string) => (report: RunReport) => report.kind === "product" && report.product.name === name;
    const ends: ((report: RunReport) => boolean)[] = [
      stops("vectorsBefore"),
      stops("vectorsAfter"),
      stops("snapshotAfter"),
      (report) => report.kind === "step" && report.step.step === 4,
      (report) => report.kind === "dev" && report.dev.step === 3,
      (report) => report.kind === "finished" && report.stage === "train",
    ];
    for (const [i, stop] of ends.entries()) {
      const kept = await until(run(services(), given(config, { checkpointEvery: 0 })), stop);
      const resumed = await whole(goesOnFrom(given(config), kept));
      expect(lasting(resumed.result), `stop ${i}`).toEqual(lasting(unbroken.result));
      expect(resumed.weights, `stop ${i}`).toEqual(unbroken.weights);
    }
  });

  test.each<[string, Collection["judgements"], ConfigInput, string]>([
    ["no dev split", tinyCollection.judgements, {}, "only train, test. Add judgements"],
    ["one split that is divided", { dev: [...train, ...measured] }, {}, "only dev, which is divided"],
    ["dev measured with", withDev.judgements, { evaluate: { split: "dev" } }, "measured with that very split"],
    [
      "dev as the only one to measure with",
      { train: train.slice(0, 2), dev: measured },
      {},
      "its result would be too good",
    ],
    [
      "nothing relevant in it",
      { ...withDev.judgements, dev: [{ ...train.slice(2)[0], grade: 0 } as never] },
      {},
      "has a relevant document",
    ],
  ])("refuses %s before anything is opened, and says what to do", async (_, judgements, over, words) => {
    const { by, log } = watched();
    const asked = whole(given({ ...selecting, ...over }, { collection: { ...tinyCollection, judgements } }), by);
    await expect(asked).rejects.toThrow(words);
    await expect(asked).rejects.toThrow('leave "best" out');
    expect(log.opened).toEqual([]);
  });

  test("a run that only measures needs no dev", async () => {
    const { result } = await whole(input({ ...selecting, steps: 0 }));
    expect(result.dev).toBeUndefined();
  });
});

describe("queries alone", () => {
  const config: ConfigInput = {
    ...recipe,
    negatives: [
      { source: "synthetic", count: 1 },
      { source: "adore", count: 2 },
    ],
    loss: "lambdaRank",
    side: "queries",
    varianceBatches: 2,
    probes: 1,
  };

  test("the collection is read once, and is what trained queries are searched in", async () => {
    const { by, log } = watched();
    const indexed: { readonly name: string; readonly vectors: unknown }[] = [];
    const indexVectors: Services["retriever"]["indexVectors"] = (asked) => {
      indexed.push(asked);
      return by.retriever.indexVectors(asked);
    };
    const { result, reports } = await whole(input(config), { ...by, retriever: { ...by.retriever, indexVectors } });
    const { vectorsBefore, vectorsAfter } = productsOf(reports);
    expect(readings(log)).toHaveLength(1);
    expect(vectorsAfter).toBeUndefined();
    expect(indexed.filter(({ name }) => name === "after").map(({ vectors }) => vectors)).toEqual([vectorsBefore]);
    expect(result.systems.after).not.toEqual(result.systems.before);
    expect(result.steps).toBeGreaterThan(0);
  });

  test("training takes the documents as they were read", async () => {
    const { by, heard } = overheard();
    const { reports } = await whole(input(config), by);
    expect(heard[0]?.read?.vectors).toEqual(productsOf(reports).vectorsBefore);
    const other = overheard();
    await whole(input({ ...config, side: "both" }), other.by);
    expect(other.heard[0]).not.toHaveProperty("read");
  });

  test("the trained encoder leaves two folders that give what was measured", async () => {
    const by = services();
    const { result, model, reports } = await whole(input(config), by);
    const asked = input(config);
    const exported = await finish(by.encoder.export({ model, config: asked.config }));
    const files = Object.entries(exported.files).flatMap(([path, bytes]) =>
      path.startsWith("documents/") ? [[path.slice("documents/".length), bytes] as const] : [],
    );
    const folder = { name: "documents", files: Object.fromEntries(files) };
    const { model: documents } = await finish(by.encoder.open({ folder, engine: "cpu" }));
    const texts = tinyCollection.documents.map(({ text }) => text);
    const vectors = await finish(
      by.encoder.encode({ model: documents, texts, kind: "document", config: asked.config }),
    );
    expect(vectors).toEqual(productsOf(reports).vectorsBefore);
    expect(result.snapshots.length).toBeGreaterThan(1);
  });

  test("a run that is broken off anywhere ends as one that never stopped", async () => {
    const unbroken = await whole(input(config));
    const stops: ((report: RunReport) => boolean)[] = [
      (report) => report.kind === "step" && report.step.step === 3,
      (report) => report.kind === "product" && report.product.name === "after",
      (report) => report.kind === "product" && report.product.name === "snapshotAfter",
    ];
    for (const [i, stop] of stops.entries()) {
      const kept = await until(run(services(), input(config, { checkpointEvery: 0 })), stop);
      const resumed = await whole(goesOnFrom(input(config), kept));
      expect(lasting(resumed.result), `stop ${i}`).toEqual(lasting(unbroken.result));
      expect(resumed.weights, `stop ${i}`).toEqual(unbroken.weights);
    }
  });
});

test("a guide of another family is not asked for the recipe's layers", async () => {
  const config: ConfigInput = { ...recipe, negatives: [{ source: "dense", count: 1, last: 5 }], lora: {}, steps: 1 };
  const { result } = await whole(
    input(config, { guide: (await import("../support/staticEncoder.ts")).staticEncoder() }),
  );
  expect(result.steps).toBe(1);
});
