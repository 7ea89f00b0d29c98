import { describe, expect, it } from "vitest";
import { trainingQueries, trainingRows, writtenRows } from "../../src/app/decoys.ts";
import { runningMean, tokensPerSecond } from "../../src/app/estimate.ts";
import { moveWords, moves } from "../../src/app/moves.ts";
import { placeOf } from "../../src/app/places.ts";
import { configInput, createRecipe, defaultFields, resetRecipe, setField } from "../../src/app/recipe.ts";
import { parseConfig } from "../../src/domain/config.ts";
import { documentText } from "../../src/domain/collection.ts";
import { documentId } from "../../src/domain/ids.ts";
import { change, duration, measure } from "../../src/ui/parts/format.ts";
import { collection, fakeApp, stepReport } from "./fakes.ts";

const hits = (...ids: string[]) => ids.map((id, index) => ({ documentId: documentId(id), score: -index }));

it("says how each document moved", () => {
  const words = moves(hits("a", "b", "c", "d"), hits("c", "b", "x", "a")).map(moveWords);
  expect(words).toEqual(["up 2", "same", "new", "down 3"]);
});

describe("the recipe form", () => {
  it("stands for the recipe's own defaults", () => {
    expect(parseConfig(configInput(defaultFields))).toEqual(parseConfig({}));
  });

  it("reads numbers as people write them and leaves empty ones out", () => {
    const fields = {
      ...defaultFields,
      learningRate: "5e-5",
      temperature: "0,02",
      steps: "12",
      randomCount: "2",
      k: "5; 10",
    };
    expect(parseConfig(configInput(fields))).toMatchObject({
      learningRate: 5e-5,
      temperature: 0.02,
      steps: 12,
      negatives: [{ source: "synthetic" }, { source: "bm25" }, { source: "random", count: 2 }],
      evaluate: { k: [5, 10] },
    });
  });

  it("takes of the loss what the chosen one has, and asks MarginMSE for a guide", async () => {
    const fields = {
      ...defaultFields,
      marginScale: "2",
      symmetric: true,
      hardness: "own" as const,
      hardnessAlpha: "9",
      gist: "relative" as const,
      gistMargin: ",1",
      entropy: true,
      entropyWeight: ".5",
      dimensions: "320; 64 32",
    };
    const infonce = parseConfig(configInput(fields));
    expect(infonce).toMatchObject({
      loss: "infonce",
      marginScale: 1,
      symmetric: true,
      hardness: { on: "own", alpha: 9 },
      gist: { strategy: "relative", margin: 0.1 },
      entropy: { weight: 0.5, temperature: 0.1 },
      dimensions: [320, 64, 32],
    });
    const other = parseConfig(configInput({ ...fields, loss: "marginMSE" }));
    expect(other).toMatchObject({ loss: "marginMSE", marginScale: 2, symmetric: false, dimensions: [320, 64, 32] });
    expect(other).not.toHaveProperty("hardness");
    expect(other).not.toHaveProperty("entropy");

    const app = await fakeApp();
    setField(app, "loss", "marginMSE");
    expect(app.recipe.problem.value).toContain("Choose a guide");
    expect(app.recipe.config.value).toBeUndefined();
    setField(app, "guide", "decoy-small");
    expect(app.recipe.problem.value).toBeUndefined();
    expect(app.recipe.config.value?.loss).toBe("marginMSE");
  });

  it("takes of what trains what is asked for, and leaves the rest to the recipe", () => {
    const none = parseConfig(configInput({ ...defaultFields, loraRank: "3", dropoutHidden: "0.3", bestEvery: "7" }));
    expect(none).toEqual(parseConfig({}));
    const fields = {
      ...defaultFields,
      side: "queries" as const,
      frozenLayers: "0",
      lora: true,
      loraRank: "4",
      loraAlpha: "",
      loraMatrices: "attention" as const,
      dropout: true,
      dropoutHidden: "0,2",
      batchTokens: "2048",
      accumulate: "4",
      optimizer: "adamw16" as const,
      precision: "f16" as const,
      microTokens: "512",
      recompute: true,
      best: true,
      bestEvery: "10",
      bestPatience: "3",
    };
    expect(parseConfig(configInput(fields))).toMatchObject({
      side: "queries",
      frozenLayers: 0,
      lora: { rank: 4, alpha: 16, matrices: ["attention.qkv", "attention.output"] },
      dropout: { hidden: 0.2, attention: 0.1 },
      batchTokens: 2048,
      accumulate: 4,
      optimizer: "adamw16",
      precision: "f16",
      microTokens: 512,
      recompute: true,
      best: { every: 10, patience: 3 },
    });
    expect(parseConfig(configInput({ ...fields, bestPatience: " " })).best).toEqual({ every: 10 });
    expect(() => parseConfig(configInput({ ...fields, bestEvery: "" }))).toThrow("best.every");
    expect(() => parseConfig(configInput({ ...fields, loraRank: "many" }))).toThrow("lora.rank");
    expect(() => parseConfig(configInput({ ...fields, anceCount: "1" }))).toThrow("Take adore");
  });

  const found = { first: 2, last: 9 };
  it.each([
    [
      { bm25Count: "0", denseCount: "3", denseFirst: "2", denseLast: "9" },
      { source: "dense", count: 3, ...found },
    ],
    [
      { bm25Count: "1", bm25First: "2", bm25Last: "9" },
      { source: "bm25", count: 1, ...found },
    ],
    [
      { simansCount: "2", simansLast: "50", simansA: "1,5", simansB: "-.5", simansScale: "30", simansSign: "code" },
      { source: "simans", count: 2, last: 50, a: 1.5, b: -0.5, scale: 30, sign: "code" },
    ],
    [
      { anceCount: "2", anceFirst: "2", anceLast: "9", anceEvery: "7" },
      { source: "ance", count: 2, every: 7, ...found },
    ],
    [
      { adoreCount: "2", adoreFirst: "2", adoreLast: "9" },
      { source: "adore", count: 2, ...found },
    ],
    [{ humanCount: "1" }, { source: "human", count: 1 }],
    [{ syntheticCount: "2" }, { source: "synthetic", count: 2 }],
    [{ syntheticRecipe: " syneg-1 " }, { source: "synthetic", count: 1, recipe: "syneg-1" }],
  ] as const)("brings the negatives of %o into the recipe", (fields, expected) => {
    const { negatives } = parseConfig(configInput({ ...defaultFields, ...fields }));
    expect(negatives).toContainEqual(expected);
  });

  it.each([
    [{ mix: "direct" }, { mix: "direct" }],
    [{ ratio: "instances", ratioValue: "0.5" }, { ratio: { reading: "instances", value: 0.5 } }],
    [{ ratio: "perFound" }, { ratio: { reading: "perFound", value: 0.7 } }],
    [{ ratio: "share", ratioValue: "0,25" }, { ratio: { reading: "share", value: 0.25 } }],
    [{ gate: "percentage" }, { gate: { filter: "percentage", value: 0.95 } }],
    [{ gate: "margin", gateValue: "-0.1" }, { gate: { filter: "margin", value: -0.1 } }],
    [{ gate: "absolute", gateValue: "0.8" }, { gate: { filter: "absolute", value: 0.8 } }],
    [
      { batches: "topics", topics: "5" },
      { batches: "topics", topics: 5 },
    ],
    [
      { probes: "0", probeRows: "32", varianceBatches: "16" },
      { probes: 0, probeRows: 32, varianceBatches: 16 },
    ],
  ] as const)("brings %o into the recipe", (fields, expected) => {
    expect(parseConfig(configInput({ ...defaultFields, ...fields }))).toMatchObject(expected);
  });

  it("says what goes together and what does not", async () => {
    const app = await fakeApp();
    setField(app, "ratio", "instances");
    setField(app, "mix", "direct");
    expect(app.recipe.problem.value).toContain("ratio:");
  });

  it("keeps what was chosen for the next visit, and only that", async () => {
    const app = await fakeApp();
    setField(app, "batchSize", "8");
    expect(createRecipe(app.deps.settings).fields.value).toEqual({ ...defaultFields, batchSize: "8" });
    expect(app.deps.settings.getItem("decoy.recipe")).toBe('{"batchSize":"8"}');
    app.deps.settings.setItem("decoy.recipe", '{"batchSize":8,"nothing":"known","seed":"5"}');
    expect(createRecipe(app.deps.settings).fields.value).toEqual({ ...defaultFields, seed: "5" });
    resetRecipe(app);
    expect(app.deps.settings.getItem("decoy.recipe")).toBe("{}");
  });

  it("names the field that is wrong, and no run can start", async () => {
    const app = await fakeApp();
    expect(app.canRun.value).toBe(true);
    setField(app, "learningRate", "fast");
    expect(app.recipe.problem.value).toContain("learningRate:");
    expect(app.canRun.value).toBe(false);
    setField(app, "learningRate", "1e-4");
    expect(app.recipe.config.value?.learningRate).toBe(1e-4);
  });
});

describe("decoys", () => {
  it("are those of the collection before a run", () => {
    expect(writtenRows(collection, 0)).toMatchObject([
      {
        query: "why tides",
        positives: [{ title: "Tides" }],
        decoys: [{ source: "synthetic", title: "Tide tables", reasoning: { lacks: "the cause" } }],
      },
    ]);
    expect(writtenRows(collection, 1)).toEqual([]);
  });

  it("are all judged queries where there is only one split", () => {
    const { train = [] } = collection.judgements;
    expect(trainingQueries({ ...collection, judgements: { all: train } })).toHaveLength(1);
    expect(trainingQueries({ ...collection, judgements: { dev: train, test: train } })).toHaveLength(0);
  });

  it("are the rows trained on after mixing, with the reasoning that the collection knows", () => {
    const [negative] = collection.negatives;
    const documents = [
      "Tides The moon pulls the sea.",
      negative ? documentText(negative) : "",
      "Frost breaks pipes.",
      "unknown",
    ];
    const set = {
      queries: ["why tides"],
      documents,
      rows: [
        {
          query: 0,
          positive: 0,
          negatives: [
            { document: 1, source: "synthetic" },
            { document: 2, source: "bm25" },
            { document: 3, source: "random" },
          ],
        },
      ],
    } as const;
    const [row] = trainingRows(set, collection, 0);
    expect(row?.positives).toMatchObject([{ title: "Tides", text: "The moon pulls the sea." }]);
    expect(row?.decoys.map(({ source, title, text }) => [source, title, text])).toEqual([
      ["synthetic", "Tide tables", "A table lists times."],
      ["bm25", "", "Frost breaks pipes."],
      ["random", "", "unknown"],
    ]);
    expect(row?.decoys.map(({ reasoning }) => reasoning?.shares)).toEqual(["tides", undefined, undefined]);
  });
});

describe("estimates", () => {
  it("count tokens over the seconds of the steps", () => {
    expect(tokensPerSecond([stepReport(1, 10), stepReport(2, 10)])).toBe(200);
    expect(tokensPerSecond([])).toBeUndefined();
  });

  it("correct the start of a running mean", () => {
    const [first, second] = runningMean([4, 2], 0.5);
    expect(first).toBeCloseTo(4);
    expect(second).toBeCloseTo((0.25 * 4 + 0.5 * 2) / 0.75);
  });
});

it("writes measures without a zero too many", () => {
  expect([measure(0.4124), measure(1), measure(-0.0312), measure(-0.0001)]).toEqual([".412", "1.000", "−.031", ".000"]);
  expect([change(0.02), change(-0.02), change(-0.0001)]).toEqual(["+.020", "−.020", "+.000"]);
  expect([duration(0.2), duration(8.4), duration(200), duration(4800)]).toEqual(["<1 s", "8 s", "3 min", "80 min"]);
  expect(duration(7200)).toBe("2 h 0 min");
});

it("finds the place in the address, the first for anything else", () => {
  expect([placeOf("#train"), placeOf("#try"), placeOf(""), placeOf("#nowhere")]).toEqual([
    "train",
    "try",
    "data",
    "data",
  ]);
});
