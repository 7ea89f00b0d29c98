import { expect, it } from "vitest";
import { parseConfig } from "../../src/domain/config.ts";
import { configDifferences, differencesFromDefaults } from "../../src/domain/configDifferences.ts";

it("says nothing of the defaults, nor of keys that an older version of the page did not know", () => {
  expect(differencesFromDefaults(parseConfig({}))).toEqual([]);
  expect(differencesFromDefaults({ seed: 1 })).toEqual([]);
});

it("names each key that was chosen, its parts too, with the default beside it", () => {
  const config = parseConfig({
    batchSize: 8,
    negatives: [
      { source: "synthetic", count: 1 },
      { source: "bm25", count: 2, first: 5 },
      { source: "human", count: 1 },
    ],
    best: { every: 10, patience: 2 },
    queryPrefix: "query: ",
    evaluate: { k: [5] },
  });
  expect(differencesFromDefaults(config)).toEqual([
    { key: "negatives.bm25", values: ["count 4, first 1, last 20", "count 2, first 5, last 20"] },
    { key: "batchSize", values: ["16", "8"] },
    { key: "evaluate.k", values: ["10, 100", "5"] },
    { key: "negatives.human", values: [undefined, "count 1"] },
    { key: "queryPrefix", values: [undefined, '"query: "'] },
    { key: "best.every", values: [undefined, "10"] },
    { key: "best.patience", values: [undefined, "2"] },
  ]);
});

it("sets several recipes side by side, and leaves out what they share", () => {
  const recipes = [1, 2, 1].map((seed) => parseConfig({ seed, steps: 5 }));
  expect(configDifferences(recipes)).toEqual([{ key: "seed", values: ["1", "2", "1"] }]);
});
