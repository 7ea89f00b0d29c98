/** Every loss as it is trained: stopped and resumed, with negatives that are found on the way, by a guide's scores. */
import { beforeAll, describe, expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import type { ConfigInput } from "../../src/domain/config.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Checkpoint, TrainingSet } from "../../src/domain/training.ts";
import { finish } from "../../src/base/channel.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { train } from "../../src/train/train.ts";
import { gradientVariance } from "../../src/train/variance.ts";
import { collect, corpus, data, input, open, refreshOf, tokenize, watchedTraining } from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const dimensions = 3;
/** Equal texts have equal vectors, as those of an encoder. */
function vectors(texts: readonly string[]) {
  const rows = texts.map((text) => {
    const normals = random(8, text);
    const row = Array.from({ length: dimensions }, () => normals.normal());
    return row.map((value) => value / Math.hypot(...row));
  });
  return { dimensions, values: Float32Array.from(rows.flat()) };
}
const guided: TrainingSet = {
  ...data,
  guide: { queries: vectors(data.queries), documents: vectors(data.documents), corpus: vectors(corpus) },
};

const searches = [
  { source: "ance" as const, count: 2, first: 1, last: 6, every: 2 },
  { source: "adore" as const, count: 3, first: 1, last: 3 },
];
const recipes: readonly (readonly [string, ConfigInput])[] = [
  ["symmetric", { inBatch: true, symmetric: true }],
  ["hardness", { hardness: { on: "written" } }],
  ["entropy", { inBatch: true, entropy: { weight: 1 } }],
  ["GIST", { inBatch: true, gist: { margin: 0.1 } }],
  ["MarginMSE", { loss: "marginMSE", inBatch: true }],
  ["LambdaRank", { loss: "lambdaRank" }],
  ["Matryoshka", { dimensions: [8, 3], inBatch: true, symmetric: true, gist: {} }],
];

describe.each(recipes)("%s", (_, recipe) => {
  const refresh = refreshOf(searches);
  const given = (resume?: Checkpoint) =>
    input({ steps: 6, temperature: 0.1, ...recipe }, { data: guided, refresh, resume, checkpointEvery: 0 });

  test("resumed from any checkpoint it ends with the bits of a training that was never stopped", async () => {
    const { reports, outcome } = await collect(train(await open(engine), given()));
    const kept = reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []));
    expect(kept.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    for (const checkpoint of [kept[1], kept[2]]) {
      const resumed = await collect(train(await open(engine), given(checkpoint)));
      expect(resumed.outcome.checkpoint).toEqual(outcome.checkpoint);
    }
  });

  test("it is another training than plain InfoNCE", async () => {
    const plain = input(
      { steps: 6, temperature: 0.1, inBatch: recipe.inBatch ?? false },
      { data: guided, refresh, checkpointEvery: 0 },
    );
    const [own, other] = [
      await collect(train(await open(engine), given())),
      await collect(train(await open(engine), plain)),
    ];
    expect(own.outcome.checkpoint.weights).not.toEqual(other.outcome.checkpoint.weights);
  });

  test("the variance of its gradient is measured with the same loss", async () => {
    const variance = async (config: ConfigInput) =>
      finish(
        gradientVariance({
          model: await open(engine),
          data: guided,
          tokenize,
          batches: 2,
          config: input(config).config,
        }),
      );
    const [own, other] = [await variance(recipe), await variance({ inBatch: recipe.inBatch ?? false })];
    expect(own.meanSquared).not.toBe(other.meanSquared);
  });
});

test("GIST looks at what ANCE and ADORE find, too", async () => {
  const score = (query: string, document: string) => {
    const [q, d] = [vectors([query]).values, vectors([document]).values];
    return q.reduce((sum, value, k) => sum + value * (d[k] ?? NaN), 0);
  };
  const above = async (recipe: ConfigInput) => {
    const given = input({ steps: 4, inBatch: true, ...recipe }, { data: guided, refresh: refreshOf(searches) });
    const { seen } = await watchedTraining(engine, given);
    const pairs = seen.flatMap(({ rows }) =>
      rows.flatMap(({ query, candidates: [positive = "", ...negatives] }) =>
        negatives.map((negative) => score(query, negative) - score(query, positive)),
      ),
    );
    expect(pairs.length).toBeGreaterThan(50);
    return pairs.filter((margin) => margin > -0.1).length;
  };
  expect(await above({})).toBeGreaterThan(20);
  expect(await above({ gist: { margin: 0.1 } })).toBe(0);
});

test("a training that searches for negatives needs the guide's vectors of the collection", async () => {
  const { corpus: _corpus, ...guide } = guided.guide ?? { queries: vectors([]), documents: vectors([]) };
  const given = input({ gist: {} }, { data: { ...guided, guide }, refresh: refreshOf(searches) });
  await expect(collect(train(await open(engine), given))).rejects.toThrow("the guide's vectors of the collection");
});
