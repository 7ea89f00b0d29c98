/**
 * Encoder folders as sentence-transformers and transformers write them: config.json, model.safetensors, tokenizer.json,
 * modules.json, 1_Pooling/config.json, sentence_bert_config.json, config_sentence_transformers.json. Read whole, checked,
 * and written back with new weights in the form that sentence-transformers 2.x to 6.x reads.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";
import type { EncoderCard, EncoderFolder, EncoderShape, Pooling } from "../domain/encoder.ts";
import { createTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import { parameterTable, size, type ParameterTable } from "./parameters.ts";
import { copyNumbers, readSafetensors, writeSafetensors, type TensorView } from "./safetensors.ts";

/** An encoder folder that lacks a file, contradicts itself, or is of a kind that Decoy does not train. */
export class UnreadableEncoder extends UserError {
  override readonly name = "UnreadableEncoder";
}

export interface OpenFolder {
  readonly folder: EncoderFolder;
  readonly card: EncoderCard;
  readonly table: ParameterTable;
  /** In the layout of `table`. */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly tokenizer: Tokenizer;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24));
const bertConfig = v.looseObject({
  model_type: v.string(),
  hidden_size: count,
  num_hidden_layers: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)),
  num_attention_heads: count,
  intermediate_size: count,
  vocab_size: count,
  max_position_embeddings: count,
  type_vocab_size: v.optional(count, 2),
  hidden_act: v.optional(v.string(), "gelu"),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.minValue(0)), 1e-12),
  position_embedding_type: v.optional(v.nullable(v.string())),
});
const modulesJson = v.array(v.looseObject({ type: v.string(), path: v.optional(v.string(), "") }));
const poolingJson = v.record(v.string(), v.unknown());
const lengthJson = v.looseObject({ max_seq_length: v.nullish(count) });
const promptsJson = v.looseObject({
  prompts: v.nullish(v.record(v.string(), v.string())),
  default_prompt_name: v.nullish(v.string()),
});
const tokenizerConfigJson = v.looseObject({ model_max_length: v.nullish(v.number()) });

const text = (folder: EncoderFolder, path: string): string | undefined => {
  const bytes = folder.files[path];
  return bytes && new TextDecoder().decode(bytes);
};

function required(folder: EncoderFolder, path: string): string {
  const content = text(folder, path);
  if (content !== undefined) return content;
  const found = Object.keys(folder.files).slice(0, 12).join(", ") || "nothing";
  throw new UnreadableEncoder(
    `This folder has no ${path}. An encoder needs config.json, model.safetensors and tokenizer.json; found: ${found}.`,
  );
}

function json<S extends v.GenericSchema>(schema: S, path: string, content: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new UnreadableEncoder(`${path} is not JSON. Download or export the encoder again.`);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new UnreadableEncoder(`${path} cannot be used: ${v.getDotPath(issue) ?? "its content"}: ${issue.message}.`);
}

function optionalJson<S extends v.GenericSchema>(
  schema: S,
  folder: EncoderFolder,
  path: string,
): v.InferOutput<S> | undefined {
  const content = text(folder, path);
  return content === undefined ? undefined : json(schema, path, content);
}

function shapeOf(folder: EncoderFolder): EncoderShape {
  const config = json(bertConfig, "config.json", required(folder, "config.json"));
  const unsupported = (what: string) =>
    new UnreadableEncoder(
      `config.json: ${what} is not supported; Decoy trains BERT with absolute positions and gelu. Choose another encoder.`,
    );
  if (config.model_type !== "bert") throw unsupported(`model_type "${config.model_type}"`);
  if (config.hidden_act !== "gelu") throw unsupported(`hidden_act "${config.hidden_act}"`);
  const positions = config.position_embedding_type ?? "absolute";
  if (positions !== "absolute") throw unsupported(`position_embedding_type "${positions}"`);
  const [hidden, heads] = [config.hidden_size, config.num_attention_heads];
  if (hidden % heads !== 0) throw unsupported(`hidden_size ${hidden} that ${heads} heads do not divide`);
  if (hidden / heads > 128) throw unsupported(`a head of ${hidden / heads} numbers (at most 128)`);
  return {
    family: "bert",
    layers: config.num_hidden_layers,
    hidden,
    heads,
    intermediate: config.intermediate_size,
    vocabulary: config.vocab_size,
    positions: config.max_position_embeddings,
    types: config.type_vocab_size,
    layerNormEpsilon: config.layer_norm_eps,
  };
}

const MODULE_KINDS = ["Transformer", "Pooling", "Normalize"];

/** The folder of the pooling module; refuses modules that Decoy would silently leave out. */
function poolingPath(folder: EncoderFolder): string {
  const modules = optionalJson(modulesJson, folder, "modules.json") ?? [];
  const stranger = modules.find(({ type }) => !MODULE_KINDS.includes(type.split(".").at(-1) ?? ""));
  if (stranger) {
    throw new UnreadableEncoder(
      `modules.json: the module ${stranger.type} is not supported. Choose an encoder of transformer, pooling and normalisation only.`,
    );
  }
  return modules.find(({ type }) => type.endsWith("Pooling"))?.path ?? "1_Pooling";
}

/** Which pooling the folder asks for: the old boolean keys, or `pooling_mode` of sentence-transformers 6. */
function poolingOf(folder: EncoderFolder): Pooling {
  const path = poolingPath(folder);
  const pooling = optionalJson(poolingJson, folder, `${path}/config.json`);
  if (!pooling) return "mean";
  const named = pooling["pooling_mode"];
  const flags = Object.keys(pooling).filter((key) => key.startsWith("pooling_mode_") && pooling[key] === true);
  const mode = typeof named === "string" ? named : flags.join(" + ");
  if (mode === "mean" || mode === "pooling_mode_mean_tokens") return "mean";
  if (mode === "cls" || mode === "pooling_mode_cls_token") return "cls";
  throw new UnreadableEncoder(`${path}/config.json: pooling "${mode}" is not supported; mean and cls are.`);
}

function prefixesOf(folder: EncoderFolder): { readonly query: string; readonly document: string } {
  const config = optionalJson(promptsJson, folder, "config_sentence_transformers.json");
  const prompts = config?.prompts ?? {};
  const fallback = prompts[config?.default_prompt_name ?? ""] ?? "";
  return {
    query: prompts["query"] ?? fallback,
    document: prompts["document"] ?? prompts["passage"] ?? fallback,
  };
}

function maxTokensOf(folder: EncoderFolder, shape: EncoderShape): number {
  const own = optionalJson(lengthJson, folder, "sentence_bert_config.json")?.max_seq_length;
  const tokenizer = optionalJson(tokenizerConfigJson, folder, "tokenizer_config.json")?.model_max_length;
  return Math.min(own ?? tokenizer ?? shape.positions, shape.positions);
}

/** The file's tensors under BertModel's names, whatever prefix they were saved with. */
function unprefixed(tensors: ReadonlyMap<string, TensorView>): (name: string) => TensorView | undefined {
  const prefix = ["", "bert.", "model.", "0.auto_model."].find((start) =>
    tensors.has(`${start}embeddings.word_embeddings.weight`),
  );
  return (name) => tensors.get(`${prefix ?? ""}${name}`);
}

function weightsOf(folder: EncoderFolder, table: ParameterTable): Float32Array<ArrayBuffer> {
  const file = folder.files["model.safetensors"];
  if (!file) required(folder, "model.safetensors");
  const find = unprefixed(readSafetensors(file ?? new Uint8Array()));
  for (const { name, shape } of table.tensors) {
    const tensor = find(name);
    if (!tensor) throw new UnreadableEncoder(`model.safetensors lacks ${name}, which config.json asks for.`);
    if (tensor.dtype === "I64" || tensor.shape.join() !== shape.join()) {
      throw new UnreadableEncoder(
        `model.safetensors: ${name} is ${tensor.dtype} [${tensor.shape.join(", ")}]; config.json asks for [${shape.join(", ")}].`,
      );
    }
  }
  const weights = new Float32Array(table.floats);
  for (const { name, offset } of table.tensors) {
    const tensor = find(name);
    if (tensor) copyNumbers(tensor, weights, offset);
  }
  return weights;
}

/** Reads and checks an encoder folder. Errors: {@link UnreadableEncoder}, UnreadableSafetensors, UnreadableTokenizer. */
export function openFolder(folder: EncoderFolder): OpenFolder {
  const shape = shapeOf(folder);
  const pooling = poolingOf(folder);
  const prefixes = prefixesOf(folder);
  const tokenizer = createTokenizer({
    tokenizer: required(folder, "tokenizer.json"),
    config: text(folder, "tokenizer_config.json"),
  });
  if (tokenizer.vocabulary > shape.vocabulary) {
    throw new UnreadableEncoder(
      `tokenizer.json has ${tokenizer.vocabulary} entries, the encoder only ${shape.vocabulary} vectors: they do not belong together.`,
    );
  }
  const table = parameterTable(shape);
  const card: EncoderCard = {
    name: folder.name,
    shape,
    pooling,
    queryPrefix: prefixes.query,
    documentPrefix: prefixes.document,
    maxTokens: maxTokensOf(folder, shape),
    parameters: table.parameters,
  };
  return { folder, card, table, weights: weightsOf(folder, table), tokenizer };
}

export interface FolderChanges {
  readonly weights: Float32Array;
  readonly pooling: Pooling;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  /** README.md; where left out, the folder's own is kept. */
  readonly readme?: string | undefined;
}

const utf8 = (content: string) => new TextEncoder().encode(content);
const asJson = (value: unknown) => utf8(`${JSON.stringify(value, undefined, 2)}\n`);

/** Files that describe the tokenizer: copied as they are. */
const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

const MODULES = [
  { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
  { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  { idx: 2, name: "2", path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
];

/** The folder with new weights (float32), pooling, prompts and card, in sentence-transformers' layout. */
export function writeFolder({ folder, card, table }: OpenFolder, changes: FolderChanges): EncoderFolder {
  const config = json(v.looseObject({}), "config.json", required(folder, "config.json"));
  const { torch_dtype: _before, ...kept } = config as Record<string, unknown>;
  const tensors = table.tensors.map(({ name, offset, shape }) => ({
    name,
    shape,
    values: changes.weights.subarray(offset, offset + size(shape)),
  }));
  const readme = changes.readme === undefined ? folder.files["README.md"] : utf8(changes.readme);
  const tokenizer = TOKENIZER_FILES.flatMap((path) => {
    const bytes = folder.files[path];
    return bytes ? [[path, bytes] as const] : [];
  });
  return {
    name: folder.name,
    files: {
      ...(readme && { "README.md": readme }),
      "config.json": asJson({ ...kept, torch_dtype: "float32" }),
      "model.safetensors": writeSafetensors(tensors, "F32"),
      ...Object.fromEntries(tokenizer),
      "modules.json": asJson(MODULES),
      "1_Pooling/config.json": asJson({
        word_embedding_dimension: card.shape.hidden,
        pooling_mode_cls_token: changes.pooling === "cls",
        pooling_mode_mean_tokens: changes.pooling === "mean",
        pooling_mode_max_tokens: false,
        pooling_mode_mean_sqrt_len_tokens: false,
      }),
      "sentence_bert_config.json": asJson({ max_seq_length: card.maxTokens, do_lower_case: false }),
      "config_sentence_transformers.json": asJson({
        __version__: { sentence_transformers: "2.2.0" },
        prompts: { query: changes.queryPrefix, document: changes.documentPrefix },
        default_prompt_name: null,
        similarity_fn_name: "cosine",
      }),
    },
  };
}
