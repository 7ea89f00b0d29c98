/** Training of queries alone: what documents are to it, on the CPU engine and by plain arithmetic. */
import { beforeAll, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { ConfigInput } from "../../src/domain/config.ts";
import type { ContrastiveBatch, Engine, Model } from "../../src/domain/engine.ts";
import type { TrainReport } from "../../src/domain/training.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { fixedDocuments } from "../../src/train/fixed.ts";
import { train, type TrainInput } from "../../src/train/train.ts";
import { gradientVariance } from "../../src/train/variance.ts";
import {
  collect,
  corpus,
  data,
  input,
  open,
  refreshOf,
  startWeights,
  tokenize,
  vectorsBy,
  type Arena,
} from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const { vectors } = refreshOf([]);
const read = { corpus, vectors };
const recipe: ConfigInput = { side: "queries", inBatch: true };

/** Trains a new model and keeps every batch. */
async function batchesOf(given: TrainInput) {
  const model = await open(engine);
  const batches: ContrastiveBatch[] = [];
  const watched: Model = {
    shape: model.shape,
    embed: (texts) => model.embed(texts),
    weights: () => model.weights(),
    dispose: () => model.dispose(),
    async createTrainer(settings) {
      const trainer = await model.createTrainer(settings);
      const step: typeof trainer.step = (batch, rate) => {
        batches.push(...("texts" in batch ? [batch] : batch));
        return trainer.step(batch, rate);
      };
      return {
        step,
        gradient: () => trainer.gradient(),
        checkpoint: () => trainer.checkpoint(),
        restore: (checkpoint) => trainer.restore(checkpoint),
        dispose: () => trainer.dispose(),
      };
    },
  };
  const { reports, outcome } = await collect(train(watched, given));
  return { batches, reports, outcome };
}

const bag = (vector: ArrayLike<number>) => Array.from(vector, (value) => value.toFixed(5)).join(" ");

test("what was read is taken as it is, of equal texts the first; the rest is encoded once with the weights from before", async () => {
  const model = await open(engine);
  const { vectorOf, dimensions } = await finish(fixedDocuments({ model, tokenize }, data, read));
  expect(dimensions).toBe(8);
  const written = data.documents.slice(corpus.length);
  const encoded = await vectorsBy(engine, startWeights(), written, "document");
  written.forEach((text, i) => expect(bag(vectorOf(text))).toBe(bag(encoded[i] ?? [])));
  // Document 20 reads as document 7.
  for (const at of [3, 7]) expect(vectorOf(corpus[at] ?? "")).toEqual(vectors.values.slice(8 * at, 8 * (at + 1)));
  expect(vectorOf(corpus[20] ?? "")).toEqual(vectorOf(corpus[7] ?? ""));
  expect(() => vectorOf("nothing")).toThrow("no numbers");
});

test("documents stay as they are from the first step to the last, those that are found too", async () => {
  const adore = [{ source: "adore" as const, count: 2, first: 1, last: 2 }];
  const refresh = refreshOf(adore);
  const { batches } = await batchesOf(input({ ...recipe, loss: "lambdaRank", steps: 6 }, { refresh, read }));
  const encoded = await vectorsBy(engine, startWeights(), data.documents.slice(corpus.length), "document");
  const known = new Set([...corpus.map((_, i) => bag(vectors.values.slice(8 * i, 8 * (i + 1)))), ...encoded.map(bag)]);
  expect(batches).toHaveLength(6);
  for (const { texts, fixed = new Float32Array(), candidates } of batches) {
    const S = texts.cuSeqlens.length - 1;
    // Every text begins with the token of a query.
    for (const at of texts.cuSeqlens.slice(0, -1)) expect(texts.tokenIds[at]).toBe(1);
    for (let f = 0; f < fixed.length; f += 8) expect(known.has(bag(fixed.slice(f, f + 8)))).toBe(true);
    expect(Math.min(...candidates)).toBe(S);
    expect(Math.max(...candidates)).toBe(S + fixed.length / 8 - 1);
  }
});

test("the loss of the first step is that of these vectors", async () => {
  const { reports } = await batchesOf(
    input({ ...recipe, inBatch: false, steps: 1, temperature: 0.1, shuffle: false }, { read }),
  );
  const [first] = reports.flatMap((report) => (report.kind === "step" ? [report.step.loss] : []));
  const { vectorOf } = await finish(fixedDocuments({ model: await open(engine), tokenize }, data, read));
  const rows = data.rows.slice(0, 3);
  const queries = await vectorsBy(
    engine,
    startWeights(),
    rows.map(({ query }) => data.queries[query] ?? ""),
    "query",
  );
  const losses = rows.map(({ positive, negatives }, i) => {
    const scores = [positive, ...negatives.map(({ document }) => document)].map((document) =>
      vectorOf(data.documents[document] ?? "").reduce((sum, x, k) => sum + (x * (queries[i]?.[k] ?? NaN)) / 0.1, 0),
    );
    return Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - (scores[0] ?? NaN);
  });
  expect(first).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / 3, 5);
});

test("a run that goes on from any checkpoint ends with the same bits, though its encoder has moved", async () => {
  for (const given of [{ read }, {}]) {
    const whole = await batchesOf(input({ ...recipe, steps: 5 }, { ...given, checkpointEvery: 0 }));
    const checkpoints = whole.reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []));
    expect(checkpoints).toHaveLength(4);
    for (const resume of checkpoints) {
      const { batches, outcome } = await batchesOf(input({ ...recipe, steps: 5 }, { ...given, resume }));
      expect(batches).toEqual(whole.batches.slice(resume.step));
      expect(outcome.checkpoint).toEqual(whole.outcome.checkpoint);
    }
  }
});

test("dev is searched in the vectors from before, and a look sees documents as they were, also in a run that goes on", async () => {
  const dev = {
    ...read,
    ids: corpus.map((_, i) => `d${i}` as never),
    queries: [{ id: "q" as never, text: "5 9 30" }],
    judgements: [{ queryId: "q" as never, documentId: "d3" as never, grade: 1 }],
  };
  async function watched(over: Partial<TrainInput>) {
    const model = await open(engine);
    const kinds: number[] = [];
    const listening: Model = {
      shape: model.shape,
      embed: (texts) => {
        kinds.push(...texts.cuSeqlens.slice(0, -1).map((at) => texts.tokenIds[at] ?? 0));
        return model.embed(texts);
      },
      weights: () => model.weights(),
      dispose: () => model.dispose(),
      createTrainer: (settings) => model.createTrainer(settings),
    };
    const given = input({ ...recipe, steps: 4, best: { every: 2 }, probes: 1 }, { dev, read, ...over });
    const { reports } = await collect(train(listening, given));
    const count = (kind: TrainReport["kind"]) => reports.filter((report) => report.kind === kind).length;
    // Documents are marked by a 2.
    return { reports, counts: [count("dev"), count("probe"), kinds.filter((kind) => kind === 2).length] };
  }
  const whole = await watched({ checkpointEvery: 0 });
  // The two written negatives, before the first step.
  expect(whole.counts).toEqual([3, 1, 2]);
  const [, , third] = whole.reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []));
  expect(third?.step).toBe(3);
  expect((await watched({ resume: third })).counts).toEqual([1, 0, 2]);
});

test("the variance is that of the queries' gradient, and changes with the documents' vectors", async () => {
  const measure = async (over = {}) => {
    const { config } = input(recipe);
    return finish(gradientVariance({ model: await open(engine), data, config, tokenize, batches: 4, ...over }));
  };
  const [asRead, encoded] = [await measure({ read }), await measure()];
  expect(asRead.trace).toBeGreaterThan(0);
  expect(asRead.trace).not.toBe(encoded.trace);
  const both = await measure({ config: input({ inBatch: true }).config });
  expect(encoded.trace).not.toBe(both.trace);
});

/** Of the last batch, as a check on {@link batchesOf}. */
test("without a side nothing is fixed", async () => {
  const { batches } = await batchesOf(input({ steps: 2 }));
  expect(batches.map(({ fixed }): Arena | undefined => fixed)).toEqual([undefined, undefined]);
});
