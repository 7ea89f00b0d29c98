import { expect, test } from "vitest";
import { NothingToDo, run, type Services } from "../../src/pipeline/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { input, recipe, services, until, whole } from "./support.ts";

test("goes through every stage in order and ends with a verdict", async () => {
  const { reports, result } = await whole(input());
  const stages = reports.flatMap((report) => (report.kind === "finished" ? [report.stage] : []));
  expect(stages).toEqual(["index", "mine", "mix", "before", "train", "after"]);
  const made = reports.flatMap((report) => (report.kind === "product" ? [report.product.name] : []));
  expect(made).toEqual([
    "trainingSet",
    "bm25",
    "vectorsBefore",
    "before",
    "rrfBefore",
    "zscoreBefore",
    "snapshotBefore",
    "vectorsAfter",
    "after",
    "rrfAfter",
    "zscoreAfter",
    "snapshotAfter",
  ]);
  expect(reports.filter((report) => report.kind === "step")).toHaveLength(6);
  expect(result).toMatchObject({ split: "test", trainingRows: 4, steps: 6, leak: { queries: 4, sharedDocument: 0 } });
  expect(result.verdict).toMatch(/on 4 test queries\.$/u);
  expect(result.notes).toEqual([
    "3 of 4 training rows have no synthetic negative and take one more found negative instead.",
  ]);
  expect(result.systems.after.mean["ndcg@10"]?.value).toBeGreaterThan(0);
});

test("training lowers the loss", async () => {
  const { reports } = await whole(input({ ...recipe, epochs: 10 }));
  const losses = reports.flatMap((report) => (report.kind === "step" ? [report.step.loss] : []));
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  expect(mean(losses.slice(-4))).toBeLessThan(0.5 * mean(losses.slice(0, 4)));
});

test("the same seed gives the same weights, another seed others", async () => {
  const [first, second, other] = [
    await whole(input()),
    await whole(input()),
    await whole(input({ ...recipe, seed: 2 })),
  ];
  expect(first.weights).toEqual(second.weights);
  expect(first.weights).not.toEqual(other.weights);
});

test("stopped in training and resumed from its checkpoint, a run ends with the weights of one that never stopped", async () => {
  const unbroken = await whole(input());
  const first = run(services(), input(recipe, { checkpointEvery: 0 }));
  const kept = await until(first, (report) => report.kind === "checkpoint");
  expect(kept.checkpoint?.step).toBeLessThan(6);
  const resumed = await whole(
    input(recipe, { products: kept.products, ...(kept.checkpoint && { checkpoint: kept.checkpoint }) }),
  );
  const stages = resumed.reports.flatMap((report) => (report.kind === "started" ? [report.stage] : []));
  expect(stages).toEqual(["index", "before", "train", "after"]);
  expect(resumed.weights).toEqual(unbroken.weights);
  expect(resumed.result.systems).toEqual(unbroken.result.systems);
});

test("steps 0 only measures", async () => {
  const { reports, result } = await whole(input({ steps: 0 }));
  expect(reports.some((report) => report.kind === "step")).toBe(false);
  expect(result.systems.after).toEqual(result.systems.before);
  expect(result.comparisons.afterBefore.pValue).toBe(1);
  expect(result.systems.rrfAfter).toEqual(result.systems.rrfBefore);
  expect(result.systems.zscoreAfter).toEqual(result.systems.zscoreBefore);
});

test("a collection with one split is divided by query", async () => {
  const { train, test: evaluation } = tinyCollection.judgements;
  const one = { ...tinyCollection, judgements: { all: [...(train ?? []), ...(evaluation ?? [])] } };
  const { result } = await whole(input(recipe, { collection: one }));
  expect(result.trainingRows + (result.leak?.queries ?? 0)).toBe(8);
  expect(result.leak?.sharedDocument).toBe(0);
});

test("stopping closes the encoder", async () => {
  const all = services();
  let closed = 0;
  const close: Services["encoder"]["close"] = (model) => {
    closed++;
    return all.encoder.close(model);
  };
  const stage = run({ ...all, encoder: { ...all.encoder, close } }, input());
  await until(stage, (report) => report.kind === "step");
  expect(closed).toBe(1);
});

test("without a judged training query there is nothing to do, and the error says what to do", async () => {
  const none = {
    ...tinyCollection,
    judgements: {
      train: [{ ...tinyCollection.judgements["train"]?.[0], grade: 0 } as never],
      test: tinyCollection.judgements["test"] ?? [],
    },
  };
  await expect(whole(input(recipe, { collection: none }))).rejects.toThrow(NothingToDo);
});

test("a collection whose only split is called train is divided too", async () => {
  const one = { ...tinyCollection, judgements: { train: Object.values(tinyCollection.judgements).flat() } };
  const { result } = await whole(input({ ...recipe, steps: 1 }, { collection: one }));
  expect([result.split, result.trainingRows + (result.leak?.queries ?? 0)]).toEqual(["test", 8]);
});
