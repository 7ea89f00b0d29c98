/** A tiny encoder folder that tests make: 1 layer, 8 wide, a vocabulary of letters and a few words. */
import { random } from "../../src/base/random.ts";
import type { BertShape, EncoderFolder } from "../../src/domain/encoder.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { wordPieceJson } from "../../tools/encoder/tokenizer.ts";
import { SPECIAL_TOKENS } from "../../tools/encoder/vocabulary.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";

const WORDS = [...SPECIAL_TOKENS, "the", "cat", "dog", "sat", "ran", "on", "mat", "sea", "salt", "tide", "moon"];
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789".split("");
export const pieces = [...WORDS, ...LETTERS, ...LETTERS.map((letter) => `##${letter}`)];

export const tinyShape: BertShape = {
  family: "bert",
  layers: 1,
  hidden: 8,
  heads: 2,
  intermediate: 16,
  vocabulary: pieces.length,
  positions: 32,
  types: 2,
  layerNormEpsilon: 1e-12,
};

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export const tinyConfig = {
  model_type: "bert",
  hidden_size: tinyShape.hidden,
  num_hidden_layers: tinyShape.layers,
  num_attention_heads: tinyShape.heads,
  intermediate_size: tinyShape.intermediate,
  vocab_size: tinyShape.vocabulary,
  max_position_embeddings: tinyShape.positions,
  type_vocab_size: tinyShape.types,
  hidden_act: "gelu",
  layer_norm_eps: tinyShape.layerNormEpsilon,
};

export function tinyTensors(prefix = "") {
  return parameterTable(tinyShape).tensors.map(({ name, shape }) => {
    const source = random(1, name);
    const values = new Float32Array(size(shape));
    return {
      name: prefix + name,
      shape,
      values: name.endsWith("LayerNorm.weight") ? values.fill(1) : values.map(() => 0.3 * source.normal()),
    };
  });
}

/** The folder, with files replaced, added, or (undefined) left out. */
export function tinyEncoder(changes: Readonly<Record<string, unknown>> = {}): EncoderFolder {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "config.json": json(tinyConfig),
    "model.safetensors": writeSafetensors(tinyTensors(), "F32"),
    "tokenizer.json": json(wordPieceJson(pieces)),
  };
  for (const [path, content] of Object.entries(changes)) {
    if (content === undefined) delete files[path];
    else files[path] = content instanceof Uint8Array ? new Uint8Array(content) : json(content);
  }
  return { name: "tiny", files };
}
