/** What the encoders of hubFolders.ts are: each family's own keys, names and tokenizer. */
import { readFileSync } from "node:fs";
import type { Pooling } from "../../src/domain/encoder.ts";
import { wordPieceJson } from "../../tools/encoder/tokenizer.ts";
import { pieces } from "./encoder.ts";

export type Stored = "F32" | "F16" | "BF16";

export interface HubCase {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: object;
  /** Before the names of the base model's tensors. */
  readonly prefix: string;
  /** Tensors that an encoder does not need, beside it in the file. */
  readonly head: readonly (readonly [name: string, ...shape: number[]])[];
  readonly stored: Stored;
  readonly shards: number;
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly prompts: Readonly<Record<string, string>>;
}

type Tokenizers = Readonly<Record<"roberta" | "modernbert" | "xlm-roberta", { readonly tokenizer: object }>>;
const others = JSON.parse(
  readFileSync(new URL("../fixtures/tokenizer/other-families.json", import.meta.url), "utf8"),
) as { readonly families: Tokenizers };

/** MPNet's: BERT's pieces between RoBERTa's special tokens. */
function mpnetTokenizer(): object {
  const specials = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"];
  return {
    ...wordPieceJson([...specials, ...pieces.filter((piece) => !piece.startsWith("["))]),
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    post_processor: {
      type: "RobertaProcessing",
      sep: ["</s>", 2],
      cls: ["<s>", 0],
      trim_offsets: true,
      add_prefix_space: false,
    },
  };
}

const bertKeys = {
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 48,
  hidden_act: "gelu",
  vocab_size: 112,
  attention_probs_dropout_prob: 0.1,
  hidden_dropout_prob: 0.1,
  initializer_range: 0.02,
  use_cache: true,
};
const robertaKeys = {
  ...bertKeys,
  vocab_size: 320,
  max_position_embeddings: 130,
  type_vocab_size: 1,
  layer_norm_eps: 1e-5,
  pad_token_id: 1,
  bos_token_id: 0,
  eos_token_id: 2,
};
const bert = {
  architectures: ["BertForMaskedLM"],
  model_type: "bert",
  ...bertKeys,
  max_position_embeddings: 128,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
  position_embedding_type: "absolute",
};

const plain = {
  prefix: "",
  head: [],
  stored: "F32",
  shards: 1,
  pooling: "mean",
  normalize: true,
  prompts: {},
} as const;

export const hubCases: readonly HubCase[] = [
  {
    ...plain,
    name: "BERT",
    config: bert,
    tokenizer: wordPieceJson(pieces),
    prefix: "bert.",
    head: [
      ["bert.pooler.dense.weight", 32, 32],
      ["cls.predictions.transform.dense.weight", 32, 32],
    ],
  },
  {
    ...plain,
    name: "BERT by its first token, in 16 bits",
    config: { ...bert, architectures: ["BertModel"] },
    tokenizer: wordPieceJson(pieces),
    head: [["pooler.dense.bias", 32]],
    stored: "F16",
    pooling: "cls",
    normalize: false,
    prompts: { query: "on the sea: ", document: "" },
  },
  {
    ...plain,
    name: "DistilBERT in two files",
    config: {
      activation: "gelu",
      architectures: ["DistilBertForMaskedLM"],
      attention_dropout: 0.1,
      dim: 32,
      dropout: 0.1,
      hidden_dim: 48,
      initializer_range: 0.02,
      max_position_embeddings: 128,
      model_type: "distilbert",
      n_heads: 4,
      n_layers: 2,
      pad_token_id: 0,
      qa_dropout: 0.1,
      seq_classif_dropout: 0.2,
      sinusoidal_pos_embds: false,
      tie_weights_: true,
      vocab_size: 112,
    },
    tokenizer: wordPieceJson(pieces),
    prefix: "distilbert.",
    head: [["vocab_transform.weight", 32, 32]],
    shards: 2,
    normalize: false,
  },
  {
    ...plain,
    name: "RoBERTa in three files of 16 bits",
    config: { architectures: ["RobertaForMaskedLM"], model_type: "roberta", ...robertaKeys },
    tokenizer: others.families.roberta.tokenizer,
    prefix: "roberta.",
    head: [["lm_head.dense.weight", 32, 32]],
    stored: "F16",
    shards: 3,
  },
  {
    ...plain,
    name: "XLM-R with prompts",
    config: { architectures: ["XLMRobertaModel"], model_type: "xlm-roberta", ...robertaKeys, output_past: true },
    tokenizer: others.families["xlm-roberta"].tokenizer,
    prefix: "roberta.",
    prompts: { query: "query: ", passage: "passage: " },
  },
  {
    ...plain,
    name: "MPNet",
    config: {
      architectures: ["MPNetForMaskedLM"],
      model_type: "mpnet",
      ...bertKeys,
      max_position_embeddings: 130,
      layer_norm_eps: 1e-5,
      relative_attention_num_buckets: 32,
      pad_token_id: 1,
      bos_token_id: 0,
      eos_token_id: 2,
    },
    tokenizer: mpnetTokenizer(),
    prefix: "mpnet.",
    head: [["mpnet.pooler.dense.weight", 32, 32]],
  },
  {
    ...plain,
    name: "ModernBERT by its first token, in bfloat16",
    config: {
      architectures: ["ModernBertForMaskedLM"],
      attention_bias: false,
      attention_dropout: 0,
      classifier_pooling: "mean",
      cls_token_id: 1,
      decoder_bias: true,
      global_attn_every_n_layers: 3,
      global_rope_theta: 160000,
      hidden_activation: "gelu",
      hidden_size: 32,
      intermediate_size: 24,
      local_attention: 8,
      local_rope_theta: 10000,
      max_position_embeddings: 128,
      mlp_bias: false,
      model_type: "modernbert",
      norm_bias: false,
      norm_eps: 1e-5,
      num_attention_heads: 4,
      num_hidden_layers: 4,
      pad_token_id: 3,
      sep_token_id: 2,
      tie_word_embeddings: true,
      vocab_size: 336,
    },
    tokenizer: others.families.modernbert.tokenizer,
    prefix: "model.",
    head: [["head.dense.weight", 32, 32]],
    stored: "BF16",
    pooling: "cls",
    normalize: false,
  },
  {
    ...plain,
    name: "Static",
    config: { model_type: "static" },
    tokenizer: wordPieceJson(pieces),
    normalize: false,
    prompts: { query: "the sea ", document: "" },
  },
];

export const isStaticCase = ({ config }: HubCase): boolean => config["model_type"] === "static";
