/** Encoder folders as sentence-transformers lays them out, with weights in half precision. */
import { writeSafetensors, type NamedNumbers } from "../../src/encoder/safetensors.ts";
import type { BertShape } from "../../src/domain/encoder.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;

const SPECIAL_NAMES = {
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  unk_token: "[UNK]",
  mask_token: "[MASK]",
};

const modules = (...entries: readonly (readonly [type: string, path: string])[]): string =>
  json(
    entries.map(([type, path], idx) => ({
      idx,
      name: String(idx),
      path,
      type: `sentence_transformers.models.${type}`,
    })),
  );

const settings = (version: string): string =>
  json({
    __version__: { sentence_transformers: version },
    prompts: {},
    default_prompt_name: null,
    similarity_fn_name: "cosine",
  });

/** A BERT with mean pooling; `tensors` under BertModel's names. */
export function bertFiles(
  shape: BertShape,
  maxTokens: number,
  { tensors, tokenizer }: { readonly tensors: readonly NamedNumbers[]; readonly tokenizer: string },
): Files {
  return {
    "config.json": json({
      architectures: ["BertModel"],
      model_type: "bert",
      hidden_size: shape.hidden,
      num_hidden_layers: shape.layers,
      num_attention_heads: shape.heads,
      intermediate_size: shape.intermediate,
      vocab_size: shape.vocabulary,
      max_position_embeddings: shape.positions,
      type_vocab_size: shape.types,
      hidden_act: "gelu",
      layer_norm_eps: shape.layerNormEpsilon,
      hidden_dropout_prob: 0,
      attention_probs_dropout_prob: 0,
      pad_token_id: 0,
      torch_dtype: "float16",
    }),
    "model.safetensors": writeSafetensors(tensors, "F16"),
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": json({
      tokenizer_class: "BertTokenizer",
      do_lower_case: true,
      model_max_length: maxTokens,
      ...SPECIAL_NAMES,
    }),
    "special_tokens_map.json": json(SPECIAL_NAMES),
    "modules.json": modules(["Transformer", ""], ["Pooling", "1_Pooling"], ["Normalize", "2_Normalize"]),
    "1_Pooling/config.json": json({
      word_embedding_dimension: shape.hidden,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
    "sentence_bert_config.json": json({ max_seq_length: maxTokens, do_lower_case: false }),
    "config_sentence_transformers.json": settings("2.2.0"),
  };
}

/** Token vectors, averaged (StaticEmbedding, sentence-transformers 3.2 and later); one tensor, "embedding.weight". */
export const staticFiles = (tensors: readonly NamedNumbers[], tokenizer: string): Files => ({
  "0_StaticEmbedding/model.safetensors": writeSafetensors(tensors, "F16"),
  "0_StaticEmbedding/tokenizer.json": tokenizer,
  "modules.json": modules(["StaticEmbedding", "0_StaticEmbedding"], ["Normalize", "1_Normalize"]),
  "config_sentence_transformers.json": settings("3.2.0"),
});
