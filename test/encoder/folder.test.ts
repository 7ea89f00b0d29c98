import { expect, test } from "vitest";
import { UnreadableEncoder, WeightsTooLarge } from "../../src/encoder/folder/files.ts";
import { openFolder, writeFolder } from "../../src/encoder/folder.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { UnreadableSafetensors } from "../../src/encoder/safetensorsHeader.ts";
import { UnreadableTokenizer } from "../../src/text/tokenizer.ts";
import { tinyConfig, tinyEncoder, tinyShape, tinyTensors } from "../support/encoder.ts";

test("a bare folder: mean pooling, no prefixes, as long as its positions", () => {
  expect(openFolder(tinyEncoder()).card).toMatchObject({
    name: "tiny",
    shape: tinyShape,
    pooling: "mean",
    queryPrefix: "",
    documentPrefix: "",
    maxTokens: 32,
  });
});

test("what the folder says of pooling, prompts and length holds", () => {
  const { card } = openFolder(
    tinyEncoder({
      "modules.json": [
        { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
        { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
      ],
      "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
      "sentence_bert_config.json": { max_seq_length: 20 },
      "config_sentence_transformers.json": { prompts: { query: "query: ", passage: "passage: " } },
    }),
  );
  expect(card).toMatchObject({ pooling: "cls", maxTokens: 20, queryPrefix: "query: ", documentPrefix: "passage: " });
});

test("sentence-transformers 6 writes pooling_mode", () => {
  expect(openFolder(tinyEncoder({ "1_Pooling/config.json": { pooling_mode: "cls" } })).card.pooling).toBe("cls");
});

test.each(["", "bert."])("weights are found under the prefix %j", (prefix) => {
  const plain = openFolder(tinyEncoder()).weights;
  const other = tinyEncoder({ "model.safetensors": writeSafetensors(tinyTensors(prefix), "F32") });
  expect(openFolder(other).weights).toEqual(plain);
});

test("tensors that Decoy does not use are ignored", () => {
  const extra = [...tinyTensors(), { name: "pooler.dense.bias", shape: [8], values: new Float32Array(8) }];
  expect(openFolder(tinyEncoder({ "model.safetensors": writeSafetensors(extra, "F32") })).card.shape).toEqual(
    tinyShape,
  );
});

test("written and read back: the same weights, tokens, pooling and prompts", () => {
  const opened = openFolder(tinyEncoder());
  const weights = opened.weights.map((x) => x * 1.5);
  const written = writeFolder(opened, {
    weights,
    pooling: "cls",
    queryPrefix: "q: ",
    documentPrefix: "d: ",
    readme: "# hello",
  });
  const again = openFolder(written);
  expect(again.weights).toEqual(weights);
  expect(again.card).toMatchObject({ pooling: "cls", queryPrefix: "q: ", documentPrefix: "d: ", maxTokens: 32 });
  expect(again.tokenizer.encode("the cat sat", 32)).toEqual([2, 5, 6, 8, 3]);
  expect(new TextDecoder().decode(written.files["README.md"])).toBe("# hello");
  expect(Object.keys(written.files).toSorted()).toEqual([
    "1_Pooling/config.json",
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
  ]);
});

test("16 bits hold weights up to 65504, and what is larger is refused by its name", () => {
  const opened = openFolder(tinyEncoder());
  const written = (value: number) =>
    writeFolder(opened, {
      weights: opened.weights.with(3, value),
      pooling: "mean",
      queryPrefix: "",
      documentPrefix: "",
      precision: "f16",
    });
  expect(openFolder(written(65_519)).weights[3]).toBe(65_504);
  expect(() => written(-65_520)).toThrow(WeightsTooLarge);
  expect(() => written(-65_520)).toThrow("word_embeddings.weight has the weight -65520.0, and 16 bits end at 65504");
});

test.each([
  ["config.json is missing", { "config.json": undefined }, UnreadableEncoder, "no config.json"],
  ["model.safetensors is missing", { "model.safetensors": undefined }, UnreadableEncoder, "no model.safetensors"],
  ["tokenizer.json is missing", { "tokenizer.json": undefined }, UnreadableEncoder, "no tokenizer.json"],
  ["another family", { "config.json": { ...tinyConfig, model_type: "t5" } }, UnreadableEncoder, 'model_type "t5"'],
  [
    "another activation",
    { "config.json": { ...tinyConfig, hidden_act: "relu" } },
    UnreadableEncoder,
    'hidden_act "relu"',
  ],
  [
    "relative positions",
    { "config.json": { ...tinyConfig, position_embedding_type: "relative_key" } },
    UnreadableEncoder,
    "relative_key",
  ],
  [
    "heads that do not divide",
    { "config.json": { ...tinyConfig, num_attention_heads: 3 } },
    UnreadableEncoder,
    "3 heads",
  ],
  [
    "a size that is no number",
    { "config.json": { ...tinyConfig, hidden_size: "8" } },
    UnreadableEncoder,
    "hidden_size",
  ],
  [
    "a billion layers",
    { "config.json": { ...tinyConfig, num_hidden_layers: 1e9 } },
    UnreadableEncoder,
    "num_hidden_layers",
  ],
  [
    "weights of another shape",
    { "config.json": { ...tinyConfig, intermediate_size: 17 } },
    UnreadableEncoder,
    "[16, 8]",
  ],
  [
    "weights that lack a layer",
    { "config.json": { ...tinyConfig, num_hidden_layers: 2 } },
    UnreadableEncoder,
    "encoder.layer.1",
  ],
  [
    "a module that would be left out",
    { "modules.json": [{ type: "sentence_transformers.models.Dense" }] },
    UnreadableEncoder,
    "Dense",
  ],
  ["max pooling", { "1_Pooling/config.json": { pooling_mode_max_tokens: true } }, UnreadableEncoder, "max"],
  ["config.json is HTML", { "config.json": new TextEncoder().encode("<html>") }, UnreadableEncoder, "not JSON"],
  [
    "weights are HTML",
    { "model.safetensors": new TextEncoder().encode("<!doctype html>") },
    UnreadableSafetensors,
    "header",
  ],
  ["tokenizer.json is empty", { "tokenizer.json": {} }, UnreadableTokenizer, "lacks its model"],
  [
    "a tokenizer with too many entries",
    { "config.json": { ...tinyConfig, vocab_size: 50 } },
    UnreadableEncoder,
    "do not belong together",
  ],
])("refuses a folder where %s", (_, changes, kind, words) => {
  expect(() => openFolder(tinyEncoder(changes))).toThrow(kind);
  expect(() => openFolder(tinyEncoder(changes))).toThrow(words);
});
