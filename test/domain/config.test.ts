import { expect, test } from "vitest";
import { InvalidConfig, parseConfig } from "../../src/domain/config.ts";

test("every key has a default, except those that the encoder or the epochs decide", () => {
  expect(parseConfig({})).toMatchObject({
    pairs: "queries",
    mix: "hybrid",
    temperature: 0.05,
    inBatch: true,
    schedule: "linear",
    seed: 1,
    evaluate: { split: "auto", k: [10, 100] },
  });
  for (const silent of ["steps", "queryPrefix", "documentPrefix", "pooling"])
    expect(parseConfig({})).not.toHaveProperty(silent);
});

test("what was parsed parses to itself", () => {
  const config = parseConfig({ steps: 3, pooling: "cls", negatives: [{ source: "bm25", count: 2 }] });
  expect(parseConfig(config)).toEqual(config);
});

test("every source has its official constants where the recipe is silent", () => {
  const sources = ["synthetic", "human", "random", "bm25", "dense", "simans", "ance", "adore"] as const;
  expect(parseConfig({ negatives: sources.map((source) => ({ source, count: 1 })) }).negatives).toEqual([
    { source: "synthetic", count: 1 },
    { source: "human", count: 1 },
    { source: "random", count: 1 },
    { source: "bm25", count: 1, first: 1, last: 20 },
    { source: "dense", count: 1, first: 1, last: 20 },
    { source: "simans", count: 1, last: 200, a: 0.5, b: 0, scale: 20, sign: "paper" },
    { source: "ance", count: 1, first: 1, last: 200, every: 50 },
    { source: "adore", count: 1, first: 1, last: 200 },
  ]);
});

test("filters, ratios and looks: their defaults", () => {
  expect(parseConfig({ gate: { filter: "percentage" } }).gate).toEqual({ filter: "percentage", value: 0.95 });
  expect(parseConfig({ gate: { filter: "margin" } }).gate).toEqual({ filter: "margin", value: 0.05 });
  expect(parseConfig({ gate: { filter: "absolute" } }).gate).toEqual({ filter: "absolute", value: 0.7 });
  expect(parseConfig({ ratio: { reading: "perFound", value: 0.7 } }).ratio).toEqual({
    reading: "perFound",
    value: 0.7,
  });
  expect(parseConfig({})).toMatchObject({ batches: "rows", topics: 10, probes: 4, probeRows: 64, varianceBatches: 0 });
  expect(parseConfig({})).not.toHaveProperty("gate");
  expect(parseConfig({})).not.toHaveProperty("ratio");
});

test.each([
  [
    "a source twice",
    {
      negatives: [
        { source: "bm25", count: 1 },
        { source: "bm25", count: 2 },
      ],
    },
    "each source may stand",
  ],
  ["a constant of another source", { negatives: [{ source: "dense", count: 1, every: 2 }] }, "negatives.0.every"],
  ["a SimANS that prefers what is far", { negatives: [{ source: "simans", count: 1, a: -1 }] }, "negatives.0.a"],
  ["an unknown sign", { negatives: [{ source: "simans", count: 1, sign: "minus" }] }, "negatives.0.sign"],
  ["an unknown filter", { gate: { filter: "top" } }, "gate.filter"],
  ["a percentage of percents", { gate: { filter: "percentage", value: 95 } }, "gate.value"],
  ["a share above 1", { ratio: { reading: "share", value: 1.5 } }, "ratio.value"],
  [
    "a ratio of a mix without one",
    { mix: "direct", ratio: { reading: "share", value: 0.5 } },
    'with mix "hybrid" only',
  ],
  [
    "a ratio with what is found during training",
    { ratio: { reading: "share", value: 0.5 }, negatives: [{ source: "ance", count: 1 }] },
    "ance and adore",
  ],
  ["unknown pairs", { pairs: "sentences" }, "pairs"],
  ["pairs of documents with written negatives alone", { pairs: "titles", mix: "synthetic" }, "pairs: it does not go"],
  ["an unknown key", { temprature: 0.1 }, "temprature: there is no such key"],
  ["an unknown key inside", { evaluate: { splits: "test" } }, "evaluate.splits: there is no such key"],
  ["a string for a number", { batchSize: "16" }, "batchSize"],
  ["a negative rate", { learningRate: -1 }, "learningRate"],
  ["a zero temperature", { temperature: 0 }, "temperature"],
  ["not a number", { temperature: NaN }, "temperature"],
  ["infinite epochs", { epochs: Infinity }, "epochs"],
  ["half a step", { steps: 1.5 }, "steps"],
  ["an unknown schedule", { schedule: "step" }, "schedule"],
  ["an unknown source", { negatives: [{ source: "bm52", count: 1 }] }, "negatives.0.source"],
  ["no negatives", { negatives: [] }, "negatives"],
  ["a warmup above 1", { warmup: 2 }, "warmup"],
  ["a cut-off beyond the depth", { evaluate: { k: [1000] } }, "evaluate.k.0"],
  ["a range upside down", { negatives: [{ source: "bm25", count: 1, first: 9, last: 3 }] }, "first must not be larger"],
  ["a list", [], "recipe"],
  ["nothing", null, "recipe"],
])("refuses %s and names the key", (_, input, key) => {
  expect(() => parseConfig(input)).toThrow(InvalidConfig);
  expect(() => parseConfig(input)).toThrow(key);
});
