import { expect, test } from "vitest";
import { parseConfig, type Config, type ConfigInput } from "../../src/domain/config.ts";
import {
  describeBatches,
  describeBest,
  describeMemory,
  describePrecision,
  describeTuning,
  precisionOf,
} from "../../src/domain/tuning.ts";
import { tinyShape } from "../support/encoder.ts";

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

test("says what training computes in where the recipe asks for f16, and why it does not get it", () => {
  const gpu = { kind: "webgpu", device: "a GPU", note: "", precisions: ["f32", "f16"] } as const;
  const cpu = { kind: "cpu", device: "1 thread", note: "" } as const;
  const vectors = { family: "static", hidden: 4, vocabulary: 9 } as const;
  const half = parseConfig({ precision: "f16" });
  const at = { engine: gpu, shape: tinyShape };
  expect(precisionOf(half, at)).toBe("f16");
  expect(describePrecision(half, at)).toContain("matrices in f16");
  for (const [computing, why] of [
    [{ engine: cpu, shape: tinyShape }, "the CPU engine"],
    [{ engine: { ...gpu, precisions: ["f32"] }, shape: tinyShape }, "shader-f16"],
    [{ engine: gpu, shape: vectors }, "a static encoder"],
  ] as const) {
    expect(precisionOf(half, computing)).toBe("f32");
    expect(describePrecision(half, computing)).toContain(`asks for f16, but training computes in f32: `);
    expect(describePrecision(half, computing)).toContain(why);
  }
  for (const silent of [parseConfig({}), {}]) {
    expect(precisionOf(silent, at)).toBe("f32");
    expect(describePrecision(silent, at)).toBe("");
  }
});
