import { expect, test } from "vitest";
import { InvalidConfig, needsGuide, parseConfig } from "../../src/domain/config.ts";

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

test("the loss is plain InfoNCE, and each addition has its published constants", () => {
  const usual = parseConfig({});
  expect(usual).toMatchObject({ loss: "infonce", symmetric: false, marginScale: 1 });
  for (const silent of ["hardness", "gist", "entropy", "dimensions"]) expect(usual).not.toHaveProperty(silent);
  expect(parseConfig({ hardness: {}, gist: {}, entropy: {} })).toMatchObject({
    hardness: { alpha: 5, on: "all" },
    gist: { strategy: "absolute", margin: 0 },
    entropy: { weight: 0.05, temperature: 0.1 },
  });
});

test("all of the encoder trains with AdamW in float32, a batch a step, and each addition has its published constants", () => {
  const usual = parseConfig({});
  expect(usual).toMatchObject({
    side: "both",
    optimizer: "adamw",
    precision: "f32",
    recompute: false,
    accumulate: 1,
  });
  for (const silent of ["frozenLayers", "lora", "dropout", "microTokens", "batchTokens", "best"])
    expect(usual).not.toHaveProperty(silent);
  expect(parseConfig({ lora: {}, dropout: {}, best: { every: 5 } })).toMatchObject({
    lora: { rank: 8, alpha: 16, matrices: ["attention.qkv", "attention.output", "intermediate", "output"] },
    dropout: { hidden: 0.1, attention: 0.1 },
    best: { every: 5 },
  });
  expect(parseConfig({ frozenLayers: 0 }).frozenLayers).toBe(0);
});

test("ADORE trains queries alone, as published; ANCE cannot", () => {
  const adore = {
    negatives: [{ source: "adore" as const, count: 1 }],
    side: "queries" as const,
    loss: "lambdaRank" as const,
  };
  expect(parseConfig(adore)).toMatchObject({ side: "queries", loss: "lambdaRank" });
  expect(() => parseConfig({ ...adore, negatives: [{ source: "ance", count: 1 }] })).toThrow("Take adore");
});

test("GIST and MarginMSE need a guide, nothing else does", () => {
  const given = [
    { gist: {} },
    { loss: "marginMSE" },
    {},
    { loss: "lambdaRank" },
    { hardness: {}, entropy: {} },
  ] as const;
  expect(given.map((config) => needsGuide(parseConfig(config)))).toEqual([true, true, false, false, false]);
});

test("entropy goes with written negatives, wherever they come from", () => {
  const [bm25, human] = [{ source: "bm25", count: 1 } as const, { source: "human", count: 1 } as const];
  for (const config of [
    {},
    { negatives: [bm25, human] },
    { negatives: [bm25], ratio: { reading: "share", value: 0.5 } as const },
    { mix: "direct" as const },
  ])
    expect(() => parseConfig({ ...config, entropy: {} })).not.toThrow();
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
  ["an unknown loss", { loss: "triplet" }, "loss"],
  ["a scale of margins that are not learned", { marginScale: 2 }, 'marginScale: it goes with loss "marginMSE" only'],
  ["a symmetric MarginMSE", { loss: "marginMSE", symmetric: true }, 'symmetric: it goes with loss "infonce" only'],
  ["a symmetric loss without other queries", { symmetric: true, inBatch: false }, "symmetric: it needs inBatch"],
  ["hardness of LambdaRank", { loss: "lambdaRank", hardness: {} }, 'hardness: it goes with loss "infonce" only'],
  ["entropy of MarginMSE", { loss: "marginMSE", entropy: {} }, 'entropy: it goes with loss "infonce" only'],
  ["entropy without written negatives", { mix: "found", entropy: {} }, "entropy: it needs negatives that were written"],
  [
    "entropy of found negatives",
    { negatives: [{ source: "bm25", count: 3 }], entropy: {} },
    "entropy: it needs negatives that were written",
  ],
  ["entropy of pairs of documents", { pairs: "titles", entropy: {} }, "entropy: it needs negatives that were written"],
  [
    "hardness on written negatives that there are not",
    { mix: "found", hardness: { on: "written" } },
    "hardness: it needs negatives that were written",
  ],
  ["hardness that softens", { hardness: { alpha: -1 } }, "hardness.alpha"],
  ["a margin below zero", { gist: { margin: -0.1 } }, "gist.margin"],
  ["an unknown strategy", { gist: { strategy: "percentage" } }, "gist.strategy"],
  ["no dimensions", { dimensions: [] }, "dimensions"],
  ["half a dimension", { dimensions: [1.5] }, "dimensions.0"],
  ["a dimension twice", { dimensions: [8, 4, 8] }, "dimensions: each number may stand there once"],
  ["half a layer", { frozenLayers: 0.5 }, "frozenLayers"],
  ["LoRA of rank 0", { lora: { rank: 0 } }, "lora.rank"],
  ["LoRA that counts nothing", { lora: { alpha: 0 } }, "lora.alpha"],
  ["LoRA nowhere", { lora: { matrices: [] } }, "lora.matrices"],
  ["a matrix twice", { lora: { matrices: ["output", "output"] } }, "lora.matrices: each matrix may stand there once"],
  ["an unknown matrix", { lora: { matrices: ["pooler"] } }, "lora.matrices.0"],
  ["dropout of everything", { dropout: { hidden: 1 } }, "dropout.hidden"],
  ["dropout below zero", { dropout: { attention: -0.1 } }, "dropout.attention"],
  ["an unknown optimiser", { optimizer: "sgd" }, "optimizer"],
  ["an unknown precision", { precision: "bf16" }, "precision"],
  ["no tokens at once", { microTokens: 0 }, "microTokens"],
  ["an empty budget", { batchTokens: 0 }, "batchTokens"],
  ["steps of no batch", { accumulate: 0 }, "accumulate"],
  ["an unknown side", { side: "documents" }, "side"],
  ["ANCE without documents that train", { side: "queries", negatives: [{ source: "ance", count: 1 }] }, "side:"],
  [
    "a symmetric loss of queries alone",
    { side: "queries", symmetric: true },
    'symmetric: it does not go with side "queries"',
  ],
  ["looks at dev never", { best: { every: 0 } }, "best.every"],
  ["looks at dev nobody knows when", { best: {} }, "best.every"],
  ["no patience at all", { best: { every: 1, patience: 0 } }, "best.patience"],
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
