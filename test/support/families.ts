/** A small folder of each family of transformers that Decoy reads, of random weights, with the tokenizer of {@link tinyEncoder}. */
import { random } from "../../src/base/random.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { shapeOf } from "../../src/encoder/folder/shapes.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { writeSafetensors, type NamedNumbers } from "../../src/encoder/safetensors.ts";
import { pieces, tinyEncoder } from "./encoder.ts";

const bertKeys = {
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 20,
  vocab_size: pieces.length,
  hidden_act: "gelu",
};
const robertaKeys = {
  ...bertKeys,
  max_position_embeddings: 42,
  type_vocab_size: 1,
  layer_norm_eps: 1e-5,
  pad_token_id: 1,
};

/** config.json by model_type, each for texts of up to 40 tokens, and what a model with a head puts before its base model's names. */
export const families = {
  bert: { prefix: "bert.", config: { ...bertKeys, model_type: "bert", max_position_embeddings: 40 } },
  distilbert: {
    prefix: "distilbert.",
    config: {
      model_type: "distilbert",
      dim: 12,
      n_layers: 2,
      n_heads: 3,
      hidden_dim: 20,
      vocab_size: pieces.length,
      max_position_embeddings: 40,
      activation: "gelu",
      sinusoidal_pos_embds: false,
    },
  },
  roberta: { prefix: "roberta.", config: { ...robertaKeys, model_type: "roberta" } },
  "xlm-roberta": { prefix: "roberta.", config: { ...robertaKeys, model_type: "xlm-roberta" } },
  mpnet: {
    prefix: "mpnet.",
    config: {
      ...bertKeys,
      model_type: "mpnet",
      max_position_embeddings: 42,
      layer_norm_eps: 1e-5,
      relative_attention_num_buckets: 32,
    },
  },
  modernbert: {
    prefix: "model.",
    config: {
      model_type: "modernbert",
      hidden_size: 12,
      num_hidden_layers: 4,
      num_attention_heads: 3,
      intermediate_size: 10,
      vocab_size: pieces.length,
      max_position_embeddings: 40,
      hidden_activation: "gelu",
      norm_eps: 1e-5,
      norm_bias: false,
      attention_bias: false,
      mlp_bias: false,
      global_attn_every_n_layers: 3,
      local_attention: 8,
      global_rope_theta: 160000,
      local_rope_theta: 10000,
    },
  },
} as const;

export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as Family[];

/** Random weights for a config.json, under the names of the base model behind `prefix`. */
export function randomTensors(config: object, prefix = ""): NamedNumbers[] {
  return parameterTable(shapeOf(JSON.stringify(config))).tensors.map(({ name, shape }) => {
    const source = random(2, name);
    const middle = /norm\.weight$/iu.test(name) ? 1 : 0;
    const values = new Float32Array(size(shape)).map(() => middle + 0.3 * source.normal());
    return { name: prefix + name, shape, values };
  });
}

/** The family's folder, its config.json and other files changed. */
export function familyFolder(
  family: Family,
  {
    config = {},
    prefix = "",
    files = {},
  }: { readonly config?: object; readonly prefix?: string; readonly files?: Readonly<Record<string, unknown>> } = {},
): EncoderFolder {
  const all = { ...families[family].config, ...config };
  return tinyEncoder({
    "config.json": all,
    "model.safetensors": writeSafetensors(randomTensors(all, prefix), "F32"),
    ...files,
  });
}
