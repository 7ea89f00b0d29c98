/** What batches need of a guide, from the pipeline to the training; and losses that a run cannot have. */
import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { documentText } from "../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { EncoderFolder, Vectors } from "../../src/domain/encoder.ts";
import type { TrainingSet } from "../../src/domain/training.ts";
import type { Services } from "../../src/pipeline/run.ts";
import { run } from "../../src/pipeline/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { staticEncoder } from "../support/staticEncoder.ts";
import { input, otherEncoder, productsOf, readings, recipe, services, until, watched, whole } from "./support.ts";

/** The stages, and the training sets that reach the encoder. */
function watchedSets() {
  const { by, log } = watched();
  const trained: TrainingSet[] = [];
  const measured: TrainingSet[] = [];
  const encoder: Services["encoder"] = {
    ...by.encoder,
    train: (given) => {
      trained.push(given.data);
      return by.encoder.train(given);
    },
    gradientVariance: (given) => {
      measured.push(given.data);
      return by.encoder.gradientVariance(given);
    },
  };
  return { by: { ...by, encoder }, log, trained, measured };
}

async function vectorsBy(folder: EncoderFolder, texts: readonly string[], kind: "query" | "document") {
  const { encoder } = services();
  const { model } = await finish(encoder.open({ folder, engine: "cpu" }));
  return finish(encoder.encode({ model, texts, kind, config: parseConfig(recipe) }));
}

function expectNear(actual: Vectors | undefined, expected: Vectors): void {
  expect(actual?.values.length).toBe(expected.values.length);
  expected.values.forEach((value, i) => expect(actual?.values[i]).toBeCloseTo(value, 5));
}

const collectionTexts = tinyCollection.documents.map(documentText);
const gist: ConfigInput = { ...recipe, gist: {}, steps: 2, varianceBatches: 2 };

test("GIST gets the guide's vectors of all training texts, and the rows are kept without them", async () => {
  const { by, log, trained, measured } = watchedSets();
  const { reports } = await whole(input(gist, { guide: otherEncoder() }), by);
  const [data] = trained;
  if (!data) throw new Error("not trained");
  expectNear(data.guide?.queries, await vectorsBy(otherEncoder(), data.queries, "query"));
  expectNear(data.guide?.documents, await vectorsBy(otherEncoder(), data.documents, "document"));
  expect(data.guide).not.toHaveProperty("corpus");
  expect(measured[0]?.guide).toEqual(data.guide);
  const { guide: _guide, ...rows } = data;
  expect(productsOf(reports).trainingSet).toEqual(rows);
  // Read text by text, and closed before training.
  expect(log.opened).toEqual(["tiny", "other"]);
  expect(log.closed).toEqual([2]);
  const read = log.encoded.filter(({ model, kind }) => model === 2 && kind === "document");
  expect(read.flatMap(({ texts }) => texts).toSorted()).toEqual([...data.documents].toSorted());
});

test("without a guide the starting encoder scores, and reads the collection once before training", async () => {
  const { by, log, trained } = watchedSets();
  await whole(input(gist), by);
  const [data] = trained;
  expectNear(data?.guide?.documents, await vectorsBy(tinyEncoder(), data?.documents ?? [], "document"));
  expect(readings(log)).toHaveLength(2);
  const answer = data?.documents[0] ?? "";
  expect(collectionTexts).toContain(answer);
  expect(log.encoded.filter(({ kind, texts }) => kind === "document" && texts.includes(answer))).toHaveLength(2);
});

test("where training searches, the guide's vectors of the collection come too", async () => {
  const { by, trained } = watchedSets();
  const negatives = [{ source: "bm25", count: 1 } as const, { source: "adore", count: 2 } as const];
  await whole(input({ ...gist, loss: "lambdaRank", negatives }, { guide: otherEncoder() }), by);
  expectNear(trained[0]?.guide?.corpus, await vectorsBy(otherEncoder(), collectionTexts, "document"));
});

test("a recipe that asks nobody has no guide's vectors", async () => {
  const { by, log, trained } = watchedSets();
  await whole(input({ ...recipe, steps: 1 }, { guide: otherEncoder() }), by);
  expect(trained[0]).not.toHaveProperty("guide");
  expect(log.opened).toEqual(["tiny"]);
});

test("GIST changes what is trained", async () => {
  const by = async (more: ConfigInput) => (await whole(input({ ...recipe, steps: 4, ...more }))).weights;
  expect(await by({ gist: { margin: 0.5 } })).not.toEqual(await by({}));
});

test.each<readonly [string, ConfigInput]>([
  ["MarginMSE", { loss: "marginMSE", marginScale: 2, batches: "topics", topics: 2 }],
  ["GIST", { gist: { margin: 0.05 }, negatives: [{ source: "ance", count: 2, every: 2 }], mix: "found" }],
])("%s, broken off in mixing or in training, resumes to the same weights", async (_, more) => {
  const given = () => input({ ...recipe, ...more, steps: 6 }, { guide: otherEncoder(), checkpointEvery: 0 });
  const unbroken = await whole(given());
  const mixed = await until(
    run(services(), given()),
    (report) => report.kind === "product" && report.product.name === "trainingSet",
  );
  const stopped = await until(
    run(services(), given()),
    (report) => report.kind === "checkpoint" && report.checkpoint.step === 3,
  );
  for (const { products, checkpoint } of [mixed, stopped]) {
    const resumed = await whole({ ...given(), products, ...(checkpoint && { checkpoint }) });
    expect(resumed.weights).toEqual(unbroken.weights);
  }
  // The very rows that the run made, given as they are.
  const rows = productsOf(unbroken.reports).trainingSet;
  if (!rows) throw new Error("no rows");
  expect((await whole({ ...given(), trainingSet: rows })).weights).toEqual(unbroken.weights);
});

test("MarginMSE without a guide is refused before anything is read", async () => {
  const { by, log } = watched();
  const failed = whole(input({ ...recipe, loss: "marginMSE" }), by);
  await expect(failed).rejects.toThrow(/has none.*Choose another encoder as the guide/u);
  await expect(failed).rejects.toHaveProperty("forPerson", true);
  expect(log.encoded).toEqual([]);
  expect(log.closed).toEqual([1]);
});

test("dimensions that the encoder does not have are refused, with both numbers; a guide may be narrower", async () => {
  await expect(whole(input({ ...recipe, dimensions: [4, 9, 8] }))).rejects.toThrow(
    /loss on 9 dimensions, but the vectors of tiny have 8/u,
  );
  // Six wide.
  const narrow = input({ ...gist, varianceBatches: 0, dimensions: [8, 4] }, { guide: staticEncoder() });
  const { result } = await whole(narrow);
  expect(result.steps).toBe(2);
});
