/** Which weights are kept, by scripted ranks; what a look measures, by a plain search with the weights of its step. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { present } from "../../src/base/assert.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { Engine, Model } from "../../src/domain/engine.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { bestLook, type Checkpoint, type Dev, type TrainReport } from "../../src/domain/training.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { train, type TrainInput } from "../../src/train/train.ts";
import { collect, corpus, input, open, refreshOf, vectorsBy, watchedTraining, type Arena } from "./tiny.ts";

const looks = (reports: readonly TrainReport[]) =>
  reports.flatMap((report) => (report.kind === "dev" ? [report.dev] : []));
const shown = (reports: readonly TrainReport[]) =>
  reports.flatMap((report): readonly (string | number)[] =>
    report.kind === "step" ? [report.step.step] : report.kind === "dev" ? [`look ${report.dev.step}`] : [],
  );

describe("which weights are kept", () => {
  const perRank = [1, 1 / Math.log2(3), 1 / 2];
  const queryAt = [
    [3, 2, 1],
    [2, 3, 1],
    [1, 2, 3],
  ];

  /** Its weights are one number, the steps done; after so many of them the relevant document has the rank of `ranks`. */
  function scripted(ranks: Readonly<Record<number, number>>) {
    const log = { weights: 0, step: 0, waiting: 0, inFlightAtLook: 0, encoded: 0 };
    const vectorOf = (kind: number, number: number): number[] => {
      if (kind === 100) return [0, 1, 2].map((d) => (d === number ? 1 : 0));
      const row = present(queryAt[(ranks[log.weights] ?? NaN) - 1], `the rank after step ${log.weights}`);
      return row.map((value) => value / Math.hypot(...row));
    };
    const model: Model = {
      shape: { family: "static", hidden: 3, vocabulary: 9 },
      async embed({ tokenIds, cuSeqlens }) {
        log.inFlightAtLook += log.waiting;
        const rows = Array.from(cuSeqlens.slice(0, -1), (at) => vectorOf(tokenIds[at] ?? 0, tokenIds[at + 1] ?? 0));
        log.encoded += rows.length;
        return Float32Array.from(rows.flat());
      },
      weights: async () => Float32Array.of(log.weights),
      dispose: () => undefined,
      createTrainer: async () => ({
        async step() {
          log.waiting++;
          await new Promise((resolve) => setTimeout(resolve, 0));
          log.waiting--;
          log.weights = ++log.step;
          return { loss: 1, gradNorm: 1 };
        },
        gradient: async () => new Float32Array(1),
        checkpoint: async () => ({
          step: log.step,
          weights: Float32Array.of(log.weights),
          firstMoment: Float32Array.of(10 + log.step),
          secondMoment: Float32Array.of(20 + log.step),
        }),
        async restore(from) {
          log.step = from.step;
          log.weights = from.weights[0] ?? NaN;
        },
        dispose: () => undefined,
      }),
    };
    return { model, log };
  }

  const documents = ["d0", "d1", "d2"];
  const dev: Dev = {
    corpus: documents,
    ids: documents.map(documentId),
    vectors: { dimensions: 3, values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) },
    queries: [{ id: queryId("q"), text: "q0" }],
    judgements: [{ queryId: queryId("q"), documentId: documentId("d0"), grade: 1 }],
  };
  const given = (best: { every: number; patience?: number }, over: Partial<TrainInput> = {}): TrainInput => ({
    data: {
      queries: ["q1"],
      documents: ["d1", "d2"],
      rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" }] }],
    },
    config: parseConfig({ batchSize: 1, steps: 10, warmup: 0, probes: 0, best }),
    tokenize: (text, kind) => [kind === "query" ? 1 : 100, Number(text.slice(1))],
    dev,
    checkpointEvery: Infinity,
    ahead: 2,
    peakBytes: () => 0,
    ...over,
  });

  test("before training, every so many steps and after the last; the best is what the encoder ends with", async () => {
    const { model, log } = scripted({ 0: 3, 4: 1, 8: 2, 10: 2 });
    const { reports, outcome } = await collect(train(model, given({ every: 4 })));
    expect(shown(reports)).toEqual(["look 0", 1, 2, 3, 4, "look 4", 5, 6, 7, 8, "look 8", 9, 10, "look 10"]);
    expect(looks(reports).map(({ score }) => score)).toEqual([3, 1, 2, 2].map((rank) => perRank[rank - 1]));
    expect(log.inFlightAtLook).toBe(0);
    expect(outcome.steps).toBe(10);
    expect(outcome.checkpoint).toEqual({
      step: 10,
      weights: Float32Array.of(4),
      firstMoment: Float32Array.of(20),
      secondMoment: Float32Array.of(30),
      best: { step: 4, score: 1, looked: 10, weights: Float32Array.of(4) },
    });
    expect(await model.weights()).toEqual(Float32Array.of(4));
    // The query at each look, the documents at all but the first.
    expect(log.encoded).toBe(4 + 3 * 3);
  });

  test("without better looks it ends, and goes on from there as ended", async () => {
    const ranks = { 0: 3, 2: 2, 4: 3, 6: 2, 8: 1, 10: 1 };
    const { model } = scripted(ranks);
    const { reports, outcome } = await collect(train(model, given({ every: 2, patience: 2 })));
    expect(shown(reports)).toEqual(["look 0", 1, 2, "look 2", 3, 4, "look 4", 5, 6, "look 6"]);
    expect(reports.flatMap((report) => (report.kind === "step" ? [report.step.steps] : []))).toEqual(
      Array.from({ length: 6 }, () => 10),
    );
    expect(outcome).toMatchObject({ steps: 6, checkpoint: { step: 6, best: { step: 2, looked: 6 } } });
    expect(outcome.checkpoint.weights).toEqual(Float32Array.of(2));
    const again = scripted(ranks);
    const resumed = await collect(train(again.model, given({ every: 2, patience: 2 }, { resume: outcome.checkpoint })));
    expect(shown(resumed.reports)).toEqual([]);
    expect(resumed.outcome).toMatchObject({ steps: 6, checkpoint: outcome.checkpoint });
    expect(again.log.weights).toBe(2);
  });

  test("the look after the last step counts for patience, and may be the best", async () => {
    const last = scripted({ 0: 3, 4: 2, 8: 2, 10: 1 });
    const kept = await collect(train(last.model, given({ every: 4, patience: 2 })));
    expect(kept.outcome.checkpoint).toMatchObject({ step: 10, best: { step: 10 }, weights: Float32Array.of(10) });
    const { model } = scripted({ 0: 3, 7: 1, 10: 2 });
    const { outcome } = await collect(train(model, given({ every: 7, patience: 1 })));
    const resumed = await collect(
      train(scripted({}).model, given({ every: 7, patience: 1 }, { resume: outcome.checkpoint })),
    );
    expect(resumed.outcome.checkpoint).toEqual(outcome.checkpoint);
  });

  test("of equals the first, also the encoder before training", async () => {
    const { model } = scripted({ 0: 2, 5: 2, 10: 3 });
    const { outcome } = await collect(train(model, given({ every: 5 })));
    expect(outcome.checkpoint).toMatchObject({ step: 10, best: { step: 0 }, weights: Float32Array.of(0) });
    expect(bestLook([])).toBeUndefined();
    const at = (step: number, score: number) => ({ step, score, seconds: 0 });
    expect(bestLook([at(0, 0.1), at(1, 0.3), at(2, 0.3), at(3, 0.2)])?.step).toBe(1);
  });

  test("a look takes no step's time, nor does a pause while it encodes take a look's", async () => {
    let clock = 0;
    const now = vi.spyOn(performance, "now").mockImplementation(() => clock);
    const { model } = scripted({ 0: 3, 5: 1, 10: 1 });
    const slow: Model = {
      ...model,
      embed: (texts) => {
        clock += 3000;
        return model.embed(texts);
      },
    };
    const reports: TrainReport[] = [];
    for await (const report of train(slow, given({ every: 5 }, { ahead: 1 }))) {
      reports.push(report);
      if (report.kind === "progress") clock += 1e6;
    }
    now.mockRestore();
    // The query alone, then query and documents.
    expect(looks(reports).map(({ seconds }) => seconds)).toEqual([3, 6, 6]);
    for (const report of reports) if (report.kind === "step") expect(report.step.seconds).toBe(0);
  });
});

describe("what is measured", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createCpuEngine();
  });
  const { vectors } = refreshOf([]);
  const ids = corpus.map((_, i) => documentId(`d${i}`));
  const queries = ["5 9 30", "12 4", "21 33 8 6"].map((text, i) => ({ id: queryId(`q${i}`), text }));
  const grades = [
    { query: 0, documents: { 3: 2, 11: 1 } },
    { query: 1, documents: { 8: 1 } },
    { query: 2, documents: { 0: 1, 19: 3, 27: 1 } },
  ];
  const judgements = grades.flatMap(({ query, documents }) =>
    Object.entries(documents).map(([d, grade]) => ({
      queryId: queryId(`q${query}`),
      documentId: documentId(`d${d}`),
      grade,
    })),
  );
  const dev: Dev = { corpus, ids, vectors, queries, judgements };
  const recipe: ConfigInput = { steps: 7, best: { every: 3 } };

  const dcg = (gains: readonly number[]) =>
    gains.slice(0, 10).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
  /** Mean nDCG@10 by plain products in double precision. */
  function reference(queryVectors: readonly Arena[], documents: readonly Arena[]): number {
    const perQuery = grades.map(({ documents: relevant }, q) => {
      const score = (d: number) =>
        present(queryVectors[q], "query").reduce((sum, x, k) => sum + x * (documents[d]?.[k] ?? NaN), 0);
      const order = corpus.map((_, d) => d).toSorted((a, b) => score(b) - score(a) || a - b);
      const gains = new Map(Object.entries(relevant).map(([d, grade]) => [Number(d), grade]));
      return dcg(order.map((d) => gains.get(d) ?? 0)) / dcg([...gains.values()].toSorted((a, b) => b - a));
    });
    return perQuery.reduce((sum, value) => sum + value, 0) / perQuery.length;
  }
  const asRead = corpus.map((_, i) => vectors.values.slice(8 * i, 8 * (i + 1)));

  test("nDCG@10 over the whole collection with the weights of its step, the first in the vectors from before", async () => {
    const { seen, reports, outcome } = await watchedTraining(engine, input(recipe, { dev }));
    const found = looks(reports);
    expect(found.map(({ step }) => step)).toEqual([0, 3, 6, 7]);
    const texts = queries.map(({ text }) => text);
    for (const { step, score } of found) {
      if (step === 7) continue;
      const { weights } = present(seen[step], `step ${step}`);
      const documents = step === 0 ? asRead : await vectorsBy(engine, weights, corpus, "document");
      expect(score).toBeCloseTo(reference(await vectorsBy(engine, weights, texts, "query"), documents), 10);
    }
    expect(new Set(found.map(({ score }) => score)).size).toBeGreaterThan(1);
    expect(outcome.checkpoint.best?.score).toBe(Math.max(...found.map(({ score }) => score)));
  });

  test("looking changes nothing of the steps", async () => {
    const { reports, outcome } = await collect(train(await open(engine), input(recipe, { dev })));
    const usual = await collect(train(await open(engine), input({ steps: 7 })));
    const steps = (all: readonly TrainReport[]) =>
      all.flatMap((report) => (report.kind === "step" ? [[report.step.loss, report.step.gradNorm]] : []));
    expect(steps(reports)).toEqual(steps(usual.reports));
    expect(outcome.checkpoint.firstMoment).toEqual(usual.outcome.checkpoint.firstMoment);
  });

  test("a run that goes on from any checkpoint looks and ends as one that never stopped, bit for bit", async () => {
    const long: ConfigInput = { steps: 9, best: { every: 2, patience: 3 } };
    const whole = await collect(train(await open(engine), input(long, { dev, checkpointEvery: 0 })));
    const checkpoints = whole.reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []));
    expect(checkpoints.length).toBeGreaterThan(4);
    const unclocked = (reports: readonly TrainReport[]) => looks(reports).map(({ step, score }) => ({ step, score }));
    for (const resume of [...checkpoints, whole.outcome.checkpoint]) {
      // Through storage and back: nothing is shared.
      const copy: Checkpoint = structuredClone(resume);
      const { reports, outcome } = await collect(train(await open(engine), input(long, { dev, resume: copy })));
      expect(outcome.checkpoint).toEqual(whole.outcome.checkpoint);
      expect(outcome.steps).toBe(whole.outcome.steps);
      const earlier = unclocked(whole.reports).filter(({ step }) => step <= (resume.best?.looked ?? -1));
      expect([...earlier, ...unclocked(reports)]).toEqual(unclocked(whole.reports));
    }
  });
});
