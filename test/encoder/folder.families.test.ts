/** Folders of the families besides BERT: what their config.json means, their tensors' names, what is refused. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeShape, mostTokens } from "../../src/domain/encoder.ts";
import { UnreadableEncoder } from "../../src/encoder/folder/files.ts";
import { shapeOf } from "../../src/encoder/folder/shapes.ts";
import { openFolder, writeFolder } from "../../src/encoder/folder.ts";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { readSafetensors, writeSafetensors } from "../../src/encoder/safetensors.ts";
import { families, familyFolder, familyNames, randomTensors, type Family } from "../support/families.ts";

const golden = (path: string) => readFileSync(new URL(`../fixtures/golden/${path}`, import.meta.url));

// The scripts that made these were checked against transformers' models: no parameter missing, none unexpected.
test.each(["mean-hybrid", "distilbert-mean", "roberta-mean", "xlm-roberta-cls", "mpnet-mean", "modernbert-cls"])(
  "the tensors of %s are the model's, all of them and no other",
  (name) => {
    const table = parameterTable(shapeOf(golden(`${name}/config.json`).toString()));
    const file = readSafetensors(new Uint8Array(golden(`${name}/model.safetensors`)));
    expect(table.tensors.map((tensor) => tensor.name).toSorted()).toEqual([...file.keys()].toSorted());
  },
);

const written = { pooling: "mean", queryPrefix: "", documentPrefix: "" } as const;

test.each(familyNames)(
  "%s: read with and without the prefix of a model with a head, written under the same names",
  (family) => {
    const { prefix } = families[family];
    const opened = openFolder(familyFolder(family));
    expect(openFolder(familyFolder(family, { prefix })).weights).toEqual(opened.weights);
    const { files } = writeFolder(openFolder(familyFolder(family, { prefix })), {
      ...written,
      weights: opened.weights,
    });
    const names = [...readSafetensors(files["model.safetensors"] ?? new Uint8Array()).keys()];
    expect(names).toEqual(randomTensors(families[family].config).map(({ name }) => name));
    const config: unknown = JSON.parse(new TextDecoder().decode(files["config.json"]));
    expect(config).toEqual({ ...families[family].config, torch_dtype: "float32" });
  },
);

test.each(familyNames)("%s takes texts of 40 tokens", (family) => {
  expect(openFolder(familyFolder(family)).card.maxTokens).toBe(40);
});

test("RoBERTa's positions start behind that of padding, which need not be 1", () => {
  const shape = (padding: number | null | undefined) =>
    shapeOf(JSON.stringify({ ...families.roberta.config, max_position_embeddings: 514, pad_token_id: padding }));
  expect(shape(1)).toMatchObject({ firstPosition: 2, positions: 514, types: 1 });
  expect([shape(1), shape(0), shape(undefined), shape(null)].map(mostTokens)).toEqual([512, 513, 512, 512]);
});

test("MPNet: positions from 2 whatever the padding, no token types, 32 buckets that do not decay", () => {
  const { config } = families.mpnet;
  const shape = shapeOf(JSON.stringify({ ...config, pad_token_id: 7 }));
  expect(shape).toMatchObject({ firstPosition: 2, types: 0, distanceBuckets: 32, names: "mpnet" });
  expect(shapeOf(JSON.stringify({ ...config, relative_attention_num_buckets: undefined }))).toEqual(shape);
  const { tensors, decayed } = parameterTable(shape);
  const table = tensors.find(({ name }) => name === "encoder.relative_attention_bias.weight");
  expect(table?.shape).toEqual([32, 3]);
  expect(table?.offset).toBeGreaterThanOrEqual(decayed);
});

test("ModernBERT: θ and windows by the keys of transformers 4, or of 5, or by its defaults", () => {
  const { config } = families.modernbert;
  const shape = shapeOf(JSON.stringify(config));
  expect(shape).toMatchObject({
    family: "modernbert",
    globalEvery: 3,
    window: 4,
    globalTheta: 160_000,
    localTheta: 10_000,
  });
  const { global_rope_theta, local_rope_theta, global_attn_every_n_layers, ...rest } = config;
  expect(shapeOf(JSON.stringify(rest))).toEqual(shape);
  const newer = {
    ...rest,
    layer_types: ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
    rope_parameters: {
      full_attention: { rope_type: "default", rope_theta: global_rope_theta / 2 },
      sliding_attention: { rope_type: "default", rope_theta: local_rope_theta * 2 },
    },
  };
  expect(shapeOf(JSON.stringify(newer))).toEqual({ ...shape, globalTheta: 80_000, localTheta: 20_000 });
  // A local θ of null stood for the global one.
  expect(shapeOf(JSON.stringify({ ...config, local_rope_theta: null }))).toEqual({ ...shape, localTheta: 160_000 });
  expect(shapeOf(JSON.stringify({ ...config, local_attention: 129 }))).toMatchObject({ window: 64 });
  expect(shapeOf(JSON.stringify({ ...config, global_attn_every_n_layers: 2 }))).toMatchObject({ globalEvery: 2 });
  expect(global_attn_every_n_layers).toBe(3);
});

test("gte-modernbert-base by its config.json has the parameters that the hub shows, 149 million", () => {
  const base = {
    architectures: ["ModernBertModel"],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 50281,
    classifier_activation: "gelu",
    classifier_bias: false,
    classifier_dropout: 0.0,
    classifier_pooling: "mean",
    cls_token_id: 50281,
    decoder_bias: true,
    deterministic_flash_attn: false,
    embedding_dropout: 0.0,
    eos_token_id: 50282,
    global_attn_every_n_layers: 3,
    global_rope_theta: 160000.0,
    gradient_checkpointing: false,
    hidden_activation: "gelu",
    hidden_size: 768,
    initializer_cutoff_factor: 2.0,
    initializer_range: 0.02,
    intermediate_size: 1152,
    layer_norm_eps: 1e-5,
    local_attention: 128,
    local_rope_theta: 10000.0,
    max_position_embeddings: 8192,
    mlp_bias: false,
    mlp_dropout: 0.0,
    model_type: "modernbert",
    norm_bias: false,
    norm_eps: 1e-5,
    num_attention_heads: 12,
    num_hidden_layers: 22,
    pad_token_id: 50283,
    position_embedding_type: "absolute",
    sep_token_id: 50282,
    tie_word_embeddings: true,
    torch_dtype: "float16",
    vocab_size: 50368,
  };
  const shape = shapeOf(JSON.stringify(base));
  expect(mostTokens(shape)).toBe(8192);
  expect(parameterTable(shape).parameters).toBe(149_014_272);
});

test("DistilBERT has BERT's blocks, no token types, and an epsilon that no key names", () => {
  const shape = shapeOf(JSON.stringify(families.distilbert.config));
  expect(shape).toMatchObject({ layers: 2, hidden: 12, heads: 3, intermediate: 20, types: 0, layerNormEpsilon: 1e-12 });
  expect(describeShape(shape)).toBe("2 layers, 12 wide");
});

test("a config.json of the hub says what it is, keys that Decoy does not need included", () => {
  const multilingual = {
    architectures: ["XLMRobertaModel"],
    attention_probs_dropout_prob: 0.1,
    bos_token_id: 0,
    classifier_dropout: null,
    eos_token_id: 2,
    hidden_act: "gelu",
    hidden_dropout_prob: 0.1,
    hidden_size: 768,
    initializer_range: 0.02,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 514,
    model_type: "xlm-roberta",
    num_attention_heads: 12,
    num_hidden_layers: 12,
    output_past: true,
    pad_token_id: 1,
    position_embedding_type: "absolute",
    torch_dtype: "float32",
    type_vocab_size: 1,
    use_cache: true,
    vocab_size: 250002,
  };
  const shape = shapeOf(JSON.stringify(multilingual));
  // The number that the hub shows for multilingual-e5-base, 278 million, less the pooler's 590,592.
  expect(parameterTable(shape).parameters).toBe(278_043_648 - 590_592);
});

test("norms by the names of TensorFlow's checkpoints", () => {
  const { config } = families.bert;
  const old = randomTensors(config).map(({ name, ...rest }) => ({
    ...rest,
    name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
  }));
  const folder = familyFolder("bert", { files: { "model.safetensors": writeSafetensors(old, "F32") } });
  expect(openFolder(folder).weights).toEqual(openFolder(familyFolder("bert")).weights);
});

test("transformers 5 calls the numbers' type dtype; one name is written, and it is true", () => {
  const opened = openFolder(familyFolder("roberta", { config: { dtype: "bfloat16" } }));
  const { files } = writeFolder(opened, { ...written, weights: opened.weights });
  const config: unknown = JSON.parse(new TextDecoder().decode(files["config.json"]));
  expect(config).toMatchObject({ torch_dtype: "float32" });
  expect(config).not.toHaveProperty("dtype");
});

test("the files of every kind of tokenizer are handed on", () => {
  const files = {
    "sentencepiece.bpe.model": Uint8Array.of(1, 2),
    "merges.txt": Uint8Array.of(3),
    "onnx/model.onnx": {},
  };
  const opened = openFolder(familyFolder("roberta", { files }));
  const paths = Object.keys(writeFolder(opened, { ...written, weights: opened.weights }).files);
  expect(paths).toEqual(expect.arrayContaining(["sentencepiece.bpe.model", "merges.txt", "tokenizer.json"]));
  expect(paths).not.toContain("onnx/model.onnx");
});

const refused: readonly (readonly [Family, object, string])[] = [
  ["distilbert", { activation: "relu" }, 'model_type "distilbert": activation "relu" is not supported'],
  ["distilbert", { sinusoidal_pos_embds: true }, 'model_type "distilbert": sinusoidal_pos_embds is not supported'],
  ["distilbert", { n_heads: 5 }, "5 heads"],
  ["roberta", { hidden_act: "gelu_new" }, 'model_type "roberta": hidden_act "gelu_new" is not supported'],
  ["xlm-roberta", { position_embedding_type: "relative_key_query" }, "relative_key_query"],
  [
    "mpnet",
    { relative_attention_num_buckets: 16 },
    'model_type "mpnet": relative_attention_num_buckets 16 (only 32) is not supported',
  ],
  ["mpnet", { hidden_act: "relu" }, 'model_type "mpnet": hidden_act "relu" is not supported'],
  ["modernbert", { hidden_activation: "silu" }, 'model_type "modernbert": hidden_activation "silu" is not supported'],
  ["modernbert", { norm_bias: true }, 'model_type "modernbert": norm_bias is not supported'],
  ["modernbert", { attention_bias: true }, "attention_bias is not supported"],
  ["modernbert", { mlp_bias: true }, "mlp_bias is not supported"],
  ["modernbert", { local_attention: 1 }, "local_attention 1 is not supported"],
  ["modernbert", { rope_scaling: { type: "yarn", factor: 4 } }, "rope_scaling is not supported"],
  ["modernbert", { rope_parameters: { full_attention: { rope_type: "linear" } } }, 'rope_type "linear"'],
  ["modernbert", { rope_parameters: { sliding_attention: { type: "dynamic" } } }, 'rope_type "dynamic"'],
  [
    "modernbert",
    { rope_parameters: { full_attention: { rope_type: "default", partial_rotary_factor: 0.5 } } },
    "partial_rotary_factor 0.5 is not supported",
  ],
  [
    "modernbert",
    { rope_parameters: { rope_type: "default", rope_theta: 1e6 } },
    "rope_parameters that are not by kind of layer",
  ],
  [
    "modernbert",
    { layer_types: ["full_attention", "full_attention", "sliding_attention", "full_attention"] },
    "layer_types",
  ],
  ["modernbert", { num_attention_heads: 4 }, "a head of an odd number of channels"],
  ["roberta", { max_position_embeddings: 2 }, "leaves no position"],
  ["roberta", { max_position_embeddings: 43 }, "embeddings.position_embeddings.weight is F32 [42, 12]"],
];

test.each(refused)("refuses a %s of %o", (family, config, words) => {
  const { "config.json": _, ...files } = familyFolder(family).files;
  const changed = familyFolder(family, {
    config: {},
    files: { ...files, "config.json": { ...families[family].config, ...config } },
  });
  expect(() => openFolder(changed)).toThrow(UnreadableEncoder);
  expect(() => openFolder(changed)).toThrow(words);
});
