/**
 * Small encoders of random weights as the hub has them: each family's own config.json, names of tensors behind the prefix of a
 * model with a head, tensors of that head, a tokenizer of the family's kind, weights in 32 or 16 bits and in one file or several.
 */
import { random } from "../../src/base/random.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { shapeOf } from "../../src/encoder/folder/shapes.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { floatToHalf, type NamedNumbers } from "../../src/encoder/safetensors.ts";
import { pieces } from "./encoder.ts";
import { isStaticCase, type HubCase, type Stored } from "./hubCases.ts";

/** Of the size that keeps a layer's numbers as large as those that it gets: with larger ones any rounding grows from layer to layer. */
function numbers(name: string, shape: readonly number[]): NamedNumbers {
  const source = random(5, name);
  const middle = /norm\.weight$/iu.test(name) ? 1 : 0;
  const deviation = shape.length === 1 ? 0.2 : 1 / Math.sqrt(shape.at(-1) ?? 1);
  return { name, shape, values: new Float32Array(size(shape)).map(() => middle + deviation * source.normal()) };
}

/** The base model's tensors by their plain names. */
export function hubTensors(given: HubCase): NamedNumbers[] {
  if (isStaticCase(given)) return [numbers("embedding.weight", [pieces.length, 32])];
  const { tensors } = parameterTable(shapeOf(JSON.stringify(given.config)));
  return tensors.map(({ name, shape }) => numbers(name, shape));
}

const bits = new DataView(new ArrayBuffer(4));

/** The upper half of a float32, rounded to nearest, ties to even. */
function toBfloat16(value: number): number {
  bits.setFloat32(0, value);
  const all = bits.getUint32(0);
  return (all + 0x7fff + ((all >>> 16) & 1)) >>> 16;
}

const bytesOf = { F32: 4, F16: 2, BF16: 2 } as const satisfies Record<Stored, number>;

const put = {
  F32: (view, at, value) => view.setFloat32(at, value, true),
  F16: (view, at, value) => view.setUint16(at, floatToHalf(value), true),
  BF16: (view, at, value) => view.setUint16(at, toBfloat16(value), true),
} as const satisfies Record<Stored, (view: DataView, at: number, value: number) => void>;

/** A safetensors file by the words of its format, of numbers in one type, and a table of positions as old files of BERT have it. */
function safetensors(tensors: readonly NamedNumbers[], stored: Stored, positions: number): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let at = 0;
  const entry = (name: string, dtype: string, shape: readonly number[], bytes: number) => {
    header[name] = { dtype, shape, data_offsets: [at, (at += bytes)] };
  };
  if (positions > 0) entry("embeddings.position_ids", "I64", [1, positions], 8 * positions);
  for (const { name, shape, values } of tensors) entry(name, stored, shape, bytesOf[stored] * values.length);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + at).fill(0x20, 8, start);
  file.set(text, 8);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(start - 8), true);
  for (let i = 0; i < positions; i++) view.setBigInt64(start + 8 * i, BigInt(i), true);
  const all = tensors.flatMap(({ values }) => [...values]);
  all.forEach((value, i) => put[stored](view, start + 8 * positions + bytesOf[stored] * i, value));
  return file;
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

type Files = Record<string, Uint8Array<ArrayBuffer>>;

function weightFiles(given: HubCase): Files {
  const { prefix, head, stored, shards } = given;
  const own = hubTensors(given).map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
  const all = [...own, ...head.map(([name, ...shape]) => numbers(name, shape))];
  const positions = given.config["model_type"] === "bert" && prefix === "" ? 128 : 0;
  if (shards === 1) return { "model.safetensors": safetensors(all, stored, positions) };
  const pad = (n: number) => String(n).padStart(5, "0");
  const parts = Array.from({ length: shards }, (_, i) => ({
    path: `model-${pad(i + 1)}-of-${pad(shards)}.safetensors`,
    tensors: all.filter((_, t) => t % shards === i),
  }));
  const map = parts.flatMap(({ path, tensors }) => tensors.map(({ name }) => [name, path] as const));
  return {
    ...Object.fromEntries(parts.map(({ path, tensors }) => [path, safetensors(tensors, stored, 0)])),
    "model.safetensors.index.json": json({ metadata: { total_size: 0 }, weight_map: Object.fromEntries(map) }),
  };
}

const modules = (first: readonly [kind: string, path: string], ...rest: readonly string[]) =>
  [first, ...rest.map((kind, i) => [kind, `${i + 1}_${kind}`] as const)].map(([kind, path], idx) => ({
    idx,
    name: String(idx),
    path,
    type: `sentence_transformers.models.${kind}`,
  }));

const sentenceConfig = (prompts: HubCase["prompts"]) => ({
  __version__: { sentence_transformers: "3.0.1", transformers: "4.41.2", pytorch: "2.3.0" },
  prompts,
  default_prompt_name: null,
  similarity_fn_name: null,
});

/** The folder as a clone of the hub's repository would have it. */
export function hubFolder(given: HubCase): EncoderFolder {
  const { name, config, tokenizer, pooling, normalize, prompts } = given;
  const last = normalize ? ["Normalize"] : [];
  const files: Files = {
    ...weightFiles(given),
    "tokenizer.json": json(tokenizer),
    "config_sentence_transformers.json": json(sentenceConfig(prompts)),
    "README.md": new TextEncoder().encode("---\nlibrary_name: sentence-transformers\n---\n# made for a test\n"),
  };
  if (isStaticCase(given))
    return { name, files: { ...files, "modules.json": json(modules(["StaticEmbedding", ""], ...last)) } };
  return {
    name,
    files: {
      ...files,
      "config.json": json({ ...config, torch_dtype: "float32", transformers_version: "4.41.2" }),
      "tokenizer_config.json": json({ model_max_length: 128, tokenizer_class: "PreTrainedTokenizerFast" }),
      "special_tokens_map.json": json({}),
      "modules.json": json(modules(["Transformer", ""], "Pooling", ...last)),
      "1_Pooling/config.json": json({
        word_embedding_dimension: 32,
        pooling_mode_cls_token: pooling === "cls",
        pooling_mode_mean_tokens: pooling === "mean",
        pooling_mode_max_tokens: false,
        pooling_mode_mean_sqrt_len_tokens: false,
        pooling_mode_weightedmean_tokens: false,
        pooling_mode_lasttoken: false,
        include_prompt: true,
      }),
      "sentence_bert_config.json": json({ max_seq_length: 100, do_lower_case: false }),
    },
  };
}
