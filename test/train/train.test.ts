import { expect, test, vi } from "vitest";
import { parseConfig } from "../../src/domain/config.ts";
import type { Model, StepOutcome } from "../../src/domain/engine.ts";
import type { Checkpoint, Refresh, TrainingSet, TrainReport } from "../../src/domain/training.ts";
import { NonFiniteLoss, train } from "../../src/train/train.ts";

const data: TrainingSet = {
  queries: ["q"],
  documents: ["a", "b"],
  rows: Array.from({ length: 12 }, () => ({
    query: 0,
    positive: 0,
    negatives: [{ document: 1, source: "bm25" as const }],
  })),
};

/** Counts what is asked of it; the loss of step n is n, or what `losses` says. */
function fakeModel(losses: Readonly<Record<number, number>> = {}) {
  const log = {
    submitted: 0,
    most: 0,
    waiting: 0,
    restored: -1,
    disposed: 0,
    rates: [] as number[],
    batches: [] as number[],
  };
  const checkpoint = (): Checkpoint => ({
    step: log.submitted,
    weights: Float32Array.of(log.submitted),
    firstMoment: new Float32Array(1),
    secondMoment: new Float32Array(1),
  });
  const model: Model = {
    shape: {
      family: "bert",
      layers: 0,
      hidden: 1,
      heads: 1,
      intermediate: 1,
      vocabulary: 1,
      positions: 1,
      types: 1,
      layerNormEpsilon: 0,
    },
    embed: () => Promise.reject(new Error("not asked for")),
    weights: () => Promise.resolve(new Float32Array(1)),
    dispose: () => undefined,
    createTrainer: () =>
      Promise.resolve({
        async step(given, rate): Promise<StepOutcome> {
          log.rates.push(rate);
          log.batches.push("texts" in given ? 1 : given.length);
          const step = ++log.submitted;
          log.most = Math.max(log.most, ++log.waiting);
          await new Promise((resolve) => setTimeout(resolve, 1));
          log.waiting--;
          return { loss: losses[step] ?? step, gradNorm: 1 };
        },
        gradient: () => Promise.resolve(new Float32Array(1)),
        checkpoint: () => Promise.resolve(checkpoint()),
        restore: (from) => {
          log.restored = from.step;
          log.submitted = from.step;
          return Promise.resolve();
        },
        dispose: () => void log.disposed++,
      }),
  };
  return { model, log, checkpoint };
}

const input = (over: Partial<Parameters<typeof train>[1]> = {}) => ({
  data,
  config: parseConfig({ batchSize: 2, epochs: 1, warmup: 0, probes: 0 }),
  tokenize: () => [1, 2],
  checkpointEvery: Infinity,
  ahead: 2,
  peakBytes: () => 0,
  ...over,
});

/** Searches a collection of two documents. */
const ance = (every: number): Refresh => ({
  requests: [{ source: "ance", count: 1, first: 1, last: 1, every }],
  corpus: ["c", "d"],
  vectors: { dimensions: 1, values: Float32Array.of(1, 1) },
  excluded: data.rows.map(() => []),
});

async function collect(stage: ReturnType<typeof train>) {
  const reports: TrainReport[] = [];
  let result = await stage.next();
  for (; !result.done; result = await stage.next()) reports.push(result.value);
  return { reports, outcome: result.value };
}
const steps = (reports: readonly TrainReport[]) =>
  reports.flatMap((report) => (report.kind === "step" ? [report.step.step] : []));

test("reports every step in order, keeps two in flight, and disposes of its trainer", async () => {
  const { model, log } = fakeModel();
  const { reports, outcome } = await collect(train(model, input()));
  expect(steps(reports)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(log.most).toBe(2);
  expect(log.disposed).toBe(1);
  expect(outcome).toMatchObject({ steps: 6, tokens: 6 * 6, checkpoint: { step: 6 } });
});

test("a checkpoint waits until every step in it has been reported", async () => {
  const { reports } = await collect(train(fakeModel().model, input({ checkpointEvery: 0 })));
  let reported = 0;
  const seen: number[] = [];
  for (const report of reports) {
    if (report.kind === "step") reported = report.step.step;
    else if (report.kind === "checkpoint") seen.push(report.checkpoint.step - reported);
  }
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every((ahead) => ahead === 0)).toBe(true);
});

test("resumes at the checkpoint's step with that step's learning rate", async () => {
  const whole = fakeModel();
  await collect(train(whole.model, input()));
  const { model, log, checkpoint } = fakeModel();
  const { reports } = await collect(train(model, input({ resume: { ...checkpoint(), step: 4 } })));
  expect(log.restored).toBe(4);
  expect(steps(reports)).toEqual([5, 6]);
  expect(log.rates).toEqual(whole.log.rates.slice(4));
});

test.each([NaN, Infinity])("a loss of %s stops the run, naming the step", async (loss) => {
  const { model, log } = fakeModel({ 3: loss });
  await expect(collect(train(model, input()))).rejects.toThrow(NonFiniteLoss);
  await expect(collect(train(fakeModel({ 3: loss }).model, input()))).rejects.toThrow("Step 3");
  expect(log.disposed).toBe(1);
});

test("looks and indexes take no step's time", async () => {
  let clock = 0;
  const now = vi.spyOn(performance, "now").mockImplementation(() => clock);
  const { model } = fakeModel();
  const slow: Model = {
    ...model,
    async embed({ cuSeqlens }) {
      clock += 1e6;
      return new Float32Array(cuSeqlens.length - 1).fill(1);
    },
    async createTrainer(settings) {
      const trainer = await model.createTrainer(settings);
      const step: typeof trainer.step = (batch, rate) => {
        clock += 2000;
        return trainer.step(batch, rate);
      };
      return { ...trainer, step };
    },
  };
  const config = parseConfig({ batchSize: 2, epochs: 1, warmup: 0, probes: 2 });
  const { reports, outcome } = await collect(train(slow, input({ config, refresh: ance(2), ahead: 1 })));
  now.mockRestore();
  expect(reports.flatMap((report) => (report.kind === "step" ? [report.step.seconds] : []))).toEqual([
    2, 2, 2, 2, 2, 2,
  ]);
  expect(outcome.seconds).toBe(12);
  // Queries alone, then queries and documents.
  const indexes = reports.flatMap((report) => (report.kind === "refreshed" ? [report.refreshed.seconds] : []));
  expect(indexes).toEqual([1000, 2000, 2000]);
});

test("a pause while the collection is encoded is in no time that is reported", async () => {
  let clock = 0;
  const now = vi.spyOn(performance, "now").mockImplementation(() => clock);
  const { model } = fakeModel();
  const embed: Model["embed"] = async ({ cuSeqlens }) => {
    clock += 1000;
    return new Float32Array(cuSeqlens.length - 1).fill(1);
  };
  const seconds: number[] = [];
  for await (const report of train({ ...model, embed }, input({ refresh: ance(3), ahead: 1 }))) {
    if (report.kind === "progress") clock += 1e6;
    if (report.kind === "refreshed") seconds.push(report.refreshed.seconds);
    if (report.kind === "step") expect(report.step.seconds).toBe(0);
  }
  now.mockRestore();
  // A second for the queries, and one more for the documents.
  expect(seconds).toEqual([1, 2]);
});

test("a search of many queries counts them through", async () => {
  const { model } = fakeModel();
  const embed: Model["embed"] = async ({ cuSeqlens }) => new Float32Array(cuSeqlens.length - 1).fill(1);
  const queries = Array.from({ length: 300 }, (_, i) => `q${i}`);
  const given = input({ data: { ...data, queries }, refresh: ance(100), ahead: 1 });
  const { reports } = await collect(train({ ...model, embed }, given));
  const searched = reports.flatMap((report) =>
    report.kind === "progress" && report.progress.unit === "queries" ? [report.progress] : [],
  );
  expect(searched.map(({ done, total }) => `${done}/${total}`)).toEqual(["256/300", "300/300"]);
});

test("accumulated, a step is several batches: its tokens are theirs, rates and counts are of steps", async () => {
  const { model, log } = fakeModel();
  const config = parseConfig({ batchSize: 2, epochs: 1, warmup: 0, probes: 0, accumulate: 4 });
  const { reports, outcome } = await collect(train(model, input({ config })));
  // Six batches.
  expect(log.batches).toEqual([4, 1 + 1]);
  expect(steps(reports)).toEqual([1, 2]);
  expect(reports.flatMap((report) => (report.kind === "step" ? [report.step.tokens] : []))).toEqual([4 * 6, 2 * 6]);
  expect(log.rates).toEqual([2e-5, 1e-5]);
  expect(outcome).toMatchObject({ steps: 2, tokens: 6 * 6, checkpoint: { step: 2 } });
  const one = fakeModel();
  await collect(train(one.model, input({ config: { ...config, steps: 1, accumulate: 1 } })));
  expect(one.log.batches).toEqual([1]);
});

test("a token budget cuts the batches, and the number of steps is known before the first", async () => {
  const { model, log } = fakeModel();
  const texts = { queries: data.rows.map((_, i) => `q${i}`), documents: ["a", "b"] };
  const rows = data.rows.map((row, i) => ({ ...row, query: i }));
  // Every text has two tokens: queries of one row, and documents of all.
  const config = parseConfig({ batchSize: 16, batchTokens: 14, epochs: 1, warmup: 0, probes: 0 });
  const { reports } = await collect(train(model, input({ config, data: { ...texts, rows } })));
  const reported = reports.flatMap((report) => (report.kind === "step" ? [report.step] : []));
  expect(reported.map(({ tokens }) => tokens)).toEqual([14, 14, 8]);
  expect(reported.map(({ steps }) => steps)).toEqual([3, 3, 3]);
  // Where documents do not train, their tokens are none; and what is found counts as the longest document.
  const dimension = { dimensions: 1, values: Float32Array.of(1, 1) };
  const read = { corpus: ["a", "b"], vectors: dimension };
  const queries = { ...config, side: "queries" as const };
  const alone = await collect(train(fakeModel().model, input({ config: queries, data: { ...texts, rows }, read })));
  expect(alone.reports.flatMap((report) => (report.kind === "step" ? [report.step.tokens] : []))).toEqual([14, 10]);
  const found = { ...config, batchTokens: 6 + 2 * 100 + 2, maxDocumentTokens: 100 };
  const embed: Model["embed"] = async ({ cuSeqlens }) => new Float32Array(cuSeqlens.length - 1).fill(1);
  const refresh = { ...ance(50), excluded: rows.map(() => []) };
  const refreshed = await collect(
    train({ ...model, embed }, input({ config: found, data: { ...texts, rows }, refresh })),
  );
  expect(steps(refreshed.reports)).toHaveLength(6);
  expect(log.disposed).toBe(2);
});

test("the recipe's words reach the trainer", async () => {
  const { model } = fakeModel();
  const asked: unknown[] = [];
  const createTrainer: Model["createTrainer"] = (settings) => {
    asked.push(settings);
    return model.createTrainer(settings);
  };
  const recipe = { batchSize: 12, steps: 1, probes: 0 };
  const tuned = parseConfig({
    ...recipe,
    frozenLayers: 1,
    lora: { rank: 4, matrices: ["output"] },
    dropout: { hidden: 0.2 },
    optimizer: "adamw16",
    precision: "f16",
    microTokens: 512,
    recompute: true,
    seed: 7,
  });
  await collect(train({ ...model, createTrainer }, input({ config: tuned })));
  await collect(train({ ...model, createTrainer }, input({ config: parseConfig(recipe) })));
  expect(asked[0]).toMatchObject({
    tuning: { frozenLayers: 1, lora: { rank: 4, alpha: 16, matrices: ["output"] } },
    dropout: { hidden: 0.2, attention: 0.1 },
    optimizer: "adamw16",
    precision: "f16",
    microTokens: 512,
    recompute: true,
    seed: 7,
  });
  for (const silent of ["tuning", "dropout", "microTokens"]) expect(asked[1]).not.toHaveProperty(silent);
});

test("stopping frees the trainer", async () => {
  const { model, log } = fakeModel();
  for await (const _ of train(model, input())) break;
  expect(log.disposed).toBe(1);
});

test("where the recipe is silent, the learning rate is the usual one of the encoder's family", async () => {
  const peakOf = async (shape: Model["shape"], config = {}) => {
    const { model, log } = fakeModel();
    const recipe = parseConfig({ batchSize: 2, epochs: 1, warmup: 0, probes: 0, schedule: "constant", ...config });
    await collect(train({ ...model, shape }, input({ config: recipe })));
    return new Set(log.rates);
  };
  const bert = fakeModel().model.shape;
  const bag = { family: "static", hidden: 1, vocabulary: 1 } as const;
  expect(await peakOf(bert)).toEqual(new Set([2e-5]));
  expect(await peakOf(bag)).toEqual(new Set([1e-3]));
  expect(await peakOf(bag, { learningRate: 0.5 })).toEqual(new Set([0.5]));
});
