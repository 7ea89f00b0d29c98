/** sentence-transformers' own files: each of their keys is honoured or refused by its name, with what to do. */
import { describe, expect, test } from "vitest";
import { UnreadableEncoder } from "../../src/encoder/folder/files.ts";
import { openFolder } from "../../src/encoder/folder.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { pieces, tinyConfig, tinyEncoder, tinyTensors } from "../support/encoder.ts";
import { staticEncoder } from "../support/staticEncoder.ts";
import { wordPieceJson } from "../../tools/encoder/tokenizer.ts";

const modules = (...kinds: readonly string[]) =>
  kinds.map((kind, idx) => ({
    idx,
    name: String(idx),
    path: idx === 0 ? "" : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }));
const whole = { "modules.json": modules("Transformer", "Pooling", "Normalize") };
const config = (content: object) => ({ "config_sentence_transformers.json": content });
const pooling = (content: object) => ({ "1_Pooling/config.json": content });
const lengths = (content: object) => ({ "sentence_bert_config.json": content });
const flags = {
  word_embedding_dimension: 8,
  pooling_mode_cls_token: false,
  pooling_mode_mean_tokens: false,
  pooling_mode_max_tokens: false,
  pooling_mode_mean_sqrt_len_tokens: false,
  pooling_mode_weightedmean_tokens: false,
  pooling_mode_lasttoken: false,
};

const refused: readonly (readonly [what: string, files: object, words: string])[] = [
  ["max", pooling({ ...flags, pooling_mode_max_tokens: true }), 'pooling "max_tokens" is not supported'],
  ["weighted mean", pooling({ ...flags, pooling_mode_weightedmean_tokens: true }), 'pooling "weightedmean_tokens"'],
  ["last token", pooling({ ...flags, pooling_mode_lasttoken: true }), 'pooling "lasttoken"'],
  ["root of length", pooling({ ...flags, pooling_mode_mean_sqrt_len_tokens: true }), 'pooling "mean_sqrt_len_tokens"'],
  [
    "two at once",
    pooling({ ...flags, pooling_mode_cls_token: true, pooling_mode_mean_tokens: true }),
    'pooling "cls_token + mean_tokens"',
  ],
  ["two at once, version 6", pooling({ pooling_mode: ["cls", "max"] }), 'pooling "cls + max"'],
  ["last token, version 6", pooling({ pooling_mode: "lasttoken" }), 'pooling "lasttoken"'],
  [
    "a mean without the prompt",
    { ...config({ prompts: { query: "q: " } }), ...pooling({ pooling_mode: "mean", include_prompt: false }) },
    "include_prompt false",
  ],
  [
    "Dense",
    { "modules.json": modules("Transformer", "Pooling", "Dense", "Normalize") },
    "the module sentence_transformers.models.Dense is not supported",
  ],
  [
    "a module of somebody's own code",
    { "modules.json": [{ path: "", type: "custom_st.Transformer" }] },
    "the module custom_st.Transformer is not supported",
  ],
  [
    "another order",
    { "modules.json": modules("Transformer", "Normalize", "Pooling") },
    "Transformer,Normalize,Pooling",
  ],
  ["two poolings", { "modules.json": modules("Transformer", "Pooling", "Pooling") }, "Transformer,Pooling,Pooling"],
  [
    "a transformer in a folder",
    { "modules.json": [{ path: "0_Transformer", type: "sentence_transformers.models.Transformer" }] },
    'a Transformer in "0_Transformer/" is not supported',
  ],
  ["dot products of any length", config({ similarity_fn_name: "dot" }), 'similarity_fn_name "dot" without a Normalize'],
  ["Euclidean distances", config({ similarity_fn_name: "euclidean" }), 'similarity_fn_name "euclidean"'],
  [
    "Manhattan distances",
    { ...whole, ...config({ similarity_fn_name: "manhattan" }) },
    'similarity_fn_name "manhattan" is not supported. Decoy compares by cosine: set it to "cosine"',
  ],
  [
    "fewer dimensions",
    config({ truncate_dim: 4 }),
    "truncate_dim 4 of 8 dimensions is not supported. Take the key out",
  ],
  [
    "texts in lower case before the tokenizer",
    {
      ...lengths({ do_lower_case: true }),
      "tokenizer.json": { ...wordPieceJson(pieces), normalizer: { type: "NFC" } },
    },
    "do_lower_case where tokenizer.json itself does not lower-case is not supported. Give tokenizer.json",
  ],
  [
    "the ends of long texts",
    { "tokenizer_config.json": { truncation_side: "left" } },
    'tokenizer_config.json: truncation_side "left" is not supported. Decoy keeps the beginning',
  ],
  ["another task", lengths({ transformer_task: "fill-mask" }), 'transformer_task "fill-mask" is not supported'],
  ["another output", lengths({ module_output_name: "sentence_embedding" }), 'module_output_name "sentence_embedding"'],
  [
    "another layer's output",
    lengths({ modality_config: { text: { method: "forward", method_output_name: "pooler_output" } } }),
    'method_output_name "pooler_output"',
  ],
];

describe("refuses", () => {
  test.each(refused)("%s", (_, files, words) => {
    expect(() => openFolder(tinyEncoder({ ...files }))).toThrow(UnreadableEncoder);
    expect(() => openFolder(tinyEncoder({ ...files }))).toThrow(words);
  });

  test("a static encoder's vectors of any length, compared by dot product", () => {
    const files = config({ similarity_fn_name: "dot" });
    const bare = { "modules.json": modules("StaticEmbedding") };
    expect(() => openFolder(staticEncoder("", { ...files, ...bare }))).toThrow('similarity_fn_name "dot"');
    expect(() => openFolder(staticEncoder("", files))).not.toThrow();
  });
});

const cardOf = (files: object) => openFolder(tinyEncoder({ ...files })).card;

describe("honours", () => {
  test.each([
    ["no key that is true: the mean", flags, "mean"],
    ["the mean", { ...flags, pooling_mode_mean_tokens: true, include_prompt: true }, "mean"],
    ["the first token", { ...flags, pooling_mode_cls_token: true }, "cls"],
    ["version 6", { embedding_dimension: 8, pooling_mode: "cls", include_prompt: true }, "cls"],
    ["version 6, one of a list", { pooling_mode: ["mean"] }, "mean"],
    ["a first token that no prompt changes", { pooling_mode: "cls", include_prompt: false }, "cls"],
  ])("pooling by %s", (_, content, expected) => {
    expect(cardOf({ ...pooling(content), ...config({ prompts: { query: "q: " } }) }).pooling).toBe(expected);
  });

  test("include_prompt false where there is no prompt to leave out", () => {
    expect(cardOf(pooling({ pooling_mode: "mean", include_prompt: false })).pooling).toBe("mean");
  });

  test.each(["cosine", "dot", "dot_product", "euclidean", null])(
    "%s of vectors of one length ranks as the cosine",
    (name) => {
      expect(() => cardOf({ ...whole, ...config({ similarity_fn_name: name, truncate_dim: null }) })).not.toThrow();
    },
  );

  test("the beginnings of long texts, and the tokenizer's own length", () => {
    const files = { "tokenizer_config.json": { truncation_side: "right", model_max_length: 11 } };
    expect(cardOf(files).maxTokens).toBe(11);
  });

  test("truncate_dim of all dimensions", () => {
    expect(() => cardOf(config({ truncate_dim: 8 }))).not.toThrow();
  });

  test.each(["sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_xlm-roberta_config.json"])(
    "max_seq_length by the older name %s",
    (name) => {
      expect(cardOf({ [name]: { max_seq_length: 12 } }).maxTokens).toBe(12);
      expect(cardOf({ [name]: { max_seq_length: 12 }, ...lengths({ max_seq_length: 9 }) }).maxTokens).toBe(9);
    },
  );

  test.each([
    ["its own", wordPieceJson(pieces)],
    [
      "one of several",
      {
        ...wordPieceJson(pieces),
        normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] },
      },
    ],
  ])("do_lower_case where the tokenizer does so by %s normalizer", (_, tokenizer) => {
    expect(() => cardOf({ ...lengths({ do_lower_case: true }), "tokenizer.json": tokenizer })).not.toThrow();
  });

  test("version 6's words for what is usual", () => {
    const usual = {
      transformer_task: "feature-extraction",
      modality_config: { text: { method: "forward", method_output_name: "last_hidden_state" } },
      module_output_name: "token_embeddings",
      max_seq_length: 16,
    };
    const newer = whole["modules.json"].map((each) => ({
      ...each,
      type: each.type.replace("models.", "sentence_transformer.modules."),
    }));
    expect(cardOf({ ...lengths(usual), "modules.json": newer }).maxTokens).toBe(16);
  });
});

const notPlain: readonly (readonly [keys: object, words: string])[] = [
  [{ is_decoder: true }, 'model_type "bert": is_decoder is not supported'],
  [{ is_decoder: false, add_cross_attention: true }, "add_cross_attention is not supported"],
  [{ pruned_heads: { "0": [1] } }, "pruned_heads is not supported"],
  [{ quantization_config: { quant_method: "bitsandbytes" } }, "quantization_config is not supported"],
  [{ auto_map: { AutoModel: "someone/code--modeling.TheirModel" } }, "auto_map, code of its own, is not supported"],
  [{ hidden_act: "gelu_new" }, 'hidden_act "gelu_new" is not supported'],
  [{ hidden_act: "silu" }, 'hidden_act "silu" is not supported'],
  [{ position_embedding_type: "relative_key" }, 'position_embedding_type "relative_key" is not supported'],
  [{ position_embedding_type: "alibi" }, 'position_embedding_type "alibi" is not supported'],
];

test.each(notPlain)("refuses a config.json with %o", (keys, words) => {
  expect(() => openFolder(tinyEncoder({ "config.json": { ...tinyConfig, ...keys } }))).toThrow(words);
});

test("takes a config.json whose keys say that there is nothing of the kind", () => {
  const nothing = {
    is_decoder: false,
    add_cross_attention: false,
    pruned_heads: {},
    quantization_config: null,
    auto_map: { AutoConfig: "x" },
    tie_word_embeddings: false,
    layer_norm_eps: 1e-7,
  };
  const { card } = openFolder(
    tinyEncoder({
      "config.json": { ...tinyConfig, ...nothing },
      "model.safetensors": writeSafetensors(tinyTensors("bert."), "F32"),
    }),
  );
  expect(card.shape).toMatchObject({ layerNormEpsilon: 1e-7 });
});
