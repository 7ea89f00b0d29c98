/**
 * Makes the encoder that ships with Decoy until a trained one takes its place: a small BERT with random weights and a
 * vocabulary of the built-in collection's own words. Untrained, it is close to a random projection of the bag of words.
 *
 *   node tools/run.mjs tools/encoder/make.ts [DIR=public/encoder]
 *
 * Seeded: the same collection gives the same bytes.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { random } from "../../src/base/random.ts";
import { parameterTable, size, type Tensor } from "../../src/encoder/parameters.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import type { BertShape } from "../../src/domain/encoder.ts";
import { wordPieceJson } from "./tokenizer.ts";
import { trainVocabulary, wordCounts } from "./vocabulary.ts";

const ENTRIES = 4096;
const MAX_TOKENS = 256;
const SEED = 20_26;

interface Line {
  readonly title?: string;
  readonly text: string;
}

function collectionTexts(directory: string): string[] {
  const lines = ["corpus.jsonl", "queries.jsonl"].flatMap((file) =>
    readFileSync(path.join(directory, file), "utf8").trim().split("\n"),
  );
  return lines.map((line) => {
    const { title = "", text }: Line = JSON.parse(line);
    return `${title} ${text}`;
  });
}

function shapeFor(vocabulary: number): BertShape {
  return {
    family: "bert",
    layers: 2,
    hidden: 128,
    heads: 4,
    intermediate: 512,
    vocabulary,
    positions: MAX_TOKENS,
    types: 2,
    layerNormEpsilon: 1e-12,
  };
}

/** BERT's initialisation (normal, .02; LayerNorm 1 and 0), with weak positions so that words decide. */
function initial({ name, shape }: Tensor): Float32Array {
  const values = new Float32Array(size(shape));
  if (name.endsWith("LayerNorm.weight")) return values.fill(1);
  if (name.endsWith("bias") || name.includes("token_type")) return values;
  const source = random(SEED, name);
  const deviation = name.includes("position") ? 0.002 : 0.02;
  return values.map(() => deviation * source.normal());
}

const card = (parameters: number): string => `---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
language: en
license: apache-2.0
tags: [sentence-transformers, feature-extraction]
---

# decoy-random

A BERT encoder of 2 layers, 128 wide, ${parameters.toLocaleString("en")} parameters, with **random weights**: nothing has been trained. It is
there so that Decoy's path is real from end to end without a download, and it is a weak retriever: close to a random
projection of the bag of words.

Its vocabulary (${ENTRIES} word pieces at most) was made from Decoy's built-in collection alone. Made by \`tools/encoder/make.ts\`, seed ${SEED}.
`;

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;

const SPECIAL_NAMES = {
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  unk_token: "[UNK]",
  mask_token: "[MASK]",
};

function configFiles(shape: BertShape): Record<string, string> {
  const modules = ["Transformer", "Pooling", "Normalize"];
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
    "tokenizer_config.json": json({
      tokenizer_class: "BertTokenizer",
      do_lower_case: true,
      model_max_length: MAX_TOKENS,
      ...SPECIAL_NAMES,
    }),
    "special_tokens_map.json": json(SPECIAL_NAMES),
    "modules.json": json(
      modules.map((name, idx) => ({
        idx,
        name: String(idx),
        path: idx === 0 ? "" : `${idx}_${name}`,
        type: `sentence_transformers.models.${name}`,
      })),
    ),
    "1_Pooling/config.json": json({
      word_embedding_dimension: shape.hidden,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
    "sentence_bert_config.json": json({ max_seq_length: MAX_TOKENS, do_lower_case: false }),
    "config_sentence_transformers.json": json({
      __version__: { sentence_transformers: "2.2.0" },
      prompts: {},
      default_prompt_name: null,
      similarity_fn_name: "cosine",
    }),
  };
}

export function main([directory = "public/encoder"]: readonly string[]): void {
  const vocabulary = trainVocabulary(wordCounts(collectionTexts("public/collection")), ENTRIES);
  const shape = shapeFor(vocabulary.length);
  const table = parameterTable(shape);
  const tensors = table.tensors.map((tensor) => ({ ...tensor, values: initial(tensor) }));
  const files: Readonly<Record<string, string | Uint8Array>> = {
    ...configFiles(shape),
    "model.safetensors": writeSafetensors(tensors, "F16"),
    "tokenizer.json": `${JSON.stringify(wordPieceJson(vocabulary))}\n`,
    "README.md": card(table.parameters),
  };
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(directory, name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  console.log(`${directory}: ${vocabulary.length} pieces, ${table.parameters} parameters`);
}
