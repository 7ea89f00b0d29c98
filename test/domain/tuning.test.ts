import { expect, test } from "vitest";
import { parseConfig, type Config, type ConfigInput } from "../../src/domain/config.ts";
import { describeBatches, describeBest, describeMemory, describeTuning } from "../../src/domain/tuning.ts";

const all = (config: Config) =>
  [describeTuning, describeBatches, describeMemory, describeBest].map((words) => words(config));

test("a recipe that says nothing trains all in whole batches and keeps the last weights", () => {
  const usual = ["The encoder", "16 queries", "", ""];
  expect(all(parseConfig({}))).toEqual(usual);
  // As an older version stored it.
  expect(all({ batchSize: 16 } as Config)).toEqual(usual);
});

test.each<[ConfigInput, string]>([
  [{ side: "queries", dropout: {} }, "The encoder of queries alone, dropout 0.1 (attention 0.1)"],
  [{ frozenLayers: 0 }, "The encoder, its embeddings stay as they are"],
  [{ frozenLayers: 1 }, "The encoder, its embeddings and lowest layer stay as they are"],
  [
    { lora: { rank: 4, matrices: ["output"] }, frozenLayers: 3 },
    "The encoder, LoRA of rank 4 (alpha 16) in output, its embeddings and lowest 3 layers stay as they are",
  ],
])("says what trains: %j", (config, words) => {
  expect(describeTuning(parseConfig(config))).toBe(words);
});

test("says how batches are made, what saves memory, and what is kept", () => {
  const config = parseConfig({
    batchSize: 8,
    batchTokens: 512,
    batches: "topics",
    accumulate: 4,
    optimizer: "adamw16",
    microTokens: 256,
    recompute: true,
    best: { every: 1, patience: 1 },
  });
  expect(all(config).slice(1)).toEqual([
    "8 queries or 512 tokens, of one topic each, 4 batches a step",
    "moments in 16 bits, 256 tokens at once, layers made again on the way back",
    "the best on dev, looked at after every step, ends after a look without a better one",
  ]);
  expect(describeBest(parseConfig({ best: { every: 50, patience: 3 } }))).toBe(
    "the best on dev, looked at every 50 steps, ends after 3 looks without a better one",
  );
});
