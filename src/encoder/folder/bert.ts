/** A BERT encoder's folder: config.json, model.safetensors and tokenizer.json at the root, 1_Pooling, lengths. */
import * as v from "valibot";
import type { BertShape, EncoderCard, EncoderFolder, Pooling } from "../../domain/encoder.ts";
import { createTokenizer } from "../../text/tokenizer.ts";
import { parameterTable, type ParameterTable } from "../parameters.ts";
import { copyNumbers, readSafetensors, type TensorView } from "../safetensors.ts";
import { asJson, checkVocabulary, describeTensor, modulesFile, optionalJson, parsedJson } from "./files.ts";
import { required, textOf, UnreadableEncoder, weightsFile, type Contents, type Module } from "./files.ts";

const NEEDS = "An encoder needs config.json, model.safetensors and tokenizer.json";

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24));
const anyConfig = v.looseObject({ model_type: v.string() });
const bertConfig = v.looseObject({
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
const poolingJson = v.record(v.string(), v.unknown());
const lengthJson = v.looseObject({ max_seq_length: v.nullish(count) });
const tokenizerConfigJson = v.looseObject({ model_max_length: v.nullish(v.number()) });

const configText = (folder: EncoderFolder): string => new TextDecoder().decode(required(folder, "config.json", NEEDS));

function shapeOf(folder: EncoderFolder): BertShape {
  const content = configText(folder);
  const { model_type } = parsedJson(anyConfig, "config.json", content);
  const unsupported = (what: string) =>
    new UnreadableEncoder(
      `config.json: ${what} is not supported; Decoy trains BERT with absolute positions and gelu, and static encoders ` +
        "whose modules.json names StaticEmbedding. Choose another encoder.",
    );
  if (model_type !== "bert") throw unsupported(`model_type "${model_type}"`);
  const config = parsedJson(bertConfig, "config.json", content);
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
function poolingPath(modules: readonly Module[]): string {
  const stranger = modules.find(({ kind }) => !MODULE_KINDS.includes(kind));
  if (stranger) {
    throw new UnreadableEncoder(
      `modules.json: the module ${stranger.type} is not supported. Choose an encoder of transformer, pooling and normalisation only.`,
    );
  }
  return modules.find(({ kind }) => kind === "Pooling")?.path ?? "1_Pooling/";
}

/** Which pooling the folder asks for: the old boolean keys, or `pooling_mode` of sentence-transformers 6. */
function poolingOf(folder: EncoderFolder, modules: readonly Module[]): Pooling {
  const path = `${poolingPath(modules)}config.json`;
  const pooling = optionalJson(poolingJson, folder, path);
  if (!pooling) return "mean";
  const named = pooling["pooling_mode"];
  const flags = Object.keys(pooling).filter((key) => key.startsWith("pooling_mode_") && pooling[key] === true);
  const mode = typeof named === "string" ? named : flags.join(" + ");
  if (mode === "mean" || mode === "pooling_mode_mean_tokens") return "mean";
  if (mode === "cls" || mode === "pooling_mode_cls_token") return "cls";
  throw new UnreadableEncoder(`${path}: pooling "${mode}" is not supported; mean and cls are.`);
}

function maxTokensOf(folder: EncoderFolder, { positions }: BertShape): number {
  const own = optionalJson(lengthJson, folder, "sentence_bert_config.json")?.max_seq_length;
  const tokenizer = optionalJson(tokenizerConfigJson, folder, "tokenizer_config.json")?.model_max_length;
  return Math.min(own ?? tokenizer ?? positions, positions);
}

/** The file's tensors under BertModel's names, whatever prefix they were saved with. */
function unprefixed(tensors: ReadonlyMap<string, TensorView>): (name: string) => TensorView | undefined {
  const prefix = ["", "bert.", "model.", "0.auto_model."].find((start) =>
    tensors.has(`${start}embeddings.word_embeddings.weight`),
  );
  return (name) => tensors.get(`${prefix ?? ""}${name}`);
}

function weightsOf(folder: EncoderFolder, table: ParameterTable): Float32Array<ArrayBuffer> {
  const find = unprefixed(readSafetensors(required(folder, "model.safetensors", NEEDS)));
  for (const { name, shape } of table.tensors) {
    const tensor = find(name);
    if (!tensor) throw new UnreadableEncoder(`model.safetensors lacks ${name}, which config.json asks for.`);
    if (tensor.dtype === "I64" || tensor.shape.join() !== shape.join()) {
      throw new UnreadableEncoder(
        `model.safetensors: ${name} is ${describeTensor(tensor)}; config.json asks for [${shape.join(", ")}].`,
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

export function openBert(folder: EncoderFolder, modules: readonly Module[]): Contents {
  const shape = shapeOf(folder);
  const pooling = poolingOf(folder, modules);
  const tokenizer = createTokenizer({
    tokenizer: new TextDecoder().decode(required(folder, "tokenizer.json", NEEDS)),
    config: textOf(folder, "tokenizer_config.json"),
  });
  checkVocabulary(tokenizer, shape);
  const table = parameterTable(shape);
  return { shape, pooling, maxTokens: maxTokensOf(folder, shape), table, weights: weightsOf(folder, table), tokenizer };
}

/** Files that describe the tokenizer: copied as they are. */
const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

interface BertWeights {
  readonly table: ParameterTable;
  readonly card: EncoderCard;
  readonly weights: Float32Array;
  readonly pooling: Pooling;
}

/** The files of the folder with these weights in float32 and this pooling. */
export function bertFiles(
  folder: EncoderFolder,
  { table, card, weights, pooling }: BertWeights,
): EncoderFolder["files"] {
  const config = parsedJson(v.looseObject({}), "config.json", configText(folder));
  const { torch_dtype: _before, ...kept } = config as Record<string, unknown>;
  const tokenizer = TOKENIZER_FILES.flatMap((path) => {
    const bytes = folder.files[path];
    return bytes ? [[path, bytes] as const] : [];
  });
  return {
    "config.json": asJson({ ...kept, torch_dtype: "float32" }),
    "model.safetensors": weightsFile(table, weights),
    ...Object.fromEntries(tokenizer),
    "modules.json": modulesFile([
      { kind: "Transformer", path: "" },
      { kind: "Pooling", path: "1_Pooling" },
      { kind: "Normalize", path: "2_Normalize" },
    ]),
    "1_Pooling/config.json": asJson({
      word_embedding_dimension: card.shape.hidden,
      pooling_mode_cls_token: pooling === "cls",
      pooling_mode_mean_tokens: pooling === "mean",
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
    "sentence_bert_config.json": asJson({ max_seq_length: card.maxTokens, do_lower_case: false }),
  };
}
