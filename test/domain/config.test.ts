import { expect, test } from "vitest";
import { InvalidConfig, parseConfig } from "../../src/domain/config.ts";

test("every key has a default, except those that the encoder or the epochs decide", () => {
  expect(parseConfig({})).toMatchObject({
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

test.each([
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
