/** A transformer's folder: config.json, model.safetensors and tokenizer.json at the root, 1_Pooling, lengths. */
import * as v from "valibot";
import { mostTokens, type EncoderCard, type EncoderFolder, type Pooling } from "../../domain/encoder.ts";
import { parameterTable, type ParameterTable } from "../parameters.ts";
import { asJson, checkVocabulary, modulesFile, optionalJson, parsedJson } from "./files.ts";
import { required, textOf, UnreadableEncoder, weightsFile, type Contents, type Module } from "./files.ts";
import type { Reading, Sizes } from "./reading.ts";
import { openTokenizer } from "./tokenizer.ts";
import { shapeOf } from "./shapes.ts";
import {
  arenaWith,
  describeTensor,
  storedTensors,
  type Placed,
  type StoredTensor,
  type StoredTensors,
} from "./weights.ts";

const NEEDS = "An encoder needs config.json, model.safetensors and tokenizer.json";

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24));
const poolingJson = v.record(v.string(), v.unknown());
const lengthJson = v.looseObject({ max_seq_length: v.nullish(count) });
const tokenizerConfigJson = v.looseObject({ model_max_length: v.nullish(v.number()) });

const configText = (folder: EncoderFolder): string => new TextDecoder().decode(required(folder, "config.json", NEEDS));

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

function maxTokensOf(folder: EncoderFolder, shape: ReturnType<typeof shapeOf>): number {
  const own = optionalJson(lengthJson, folder, "sentence_bert_config.json")?.max_seq_length;
  const tokenizer = optionalJson(tokenizerConfigJson, folder, "tokenizer_config.json")?.model_max_length;
  return Math.min(own ?? tokenizer ?? Infinity, mostTokens(shape));
}

/** What the names of a base model's tensors start with in files: nothing, or the base model's name in a model with a head. */
const PREFIXES = ["", "bert.", "distilbert.", "roberta.", "mpnet.", "model.", "0.auto_model."];

/** As files that began as TensorFlow's checkpoints of BERT call a norm's weight and bias; transformers reads both. */
const oldName = (name: string): string =>
  name.replace(/LayerNorm\.weight$/u, "LayerNorm.gamma").replace(/LayerNorm\.bias$/u, "LayerNorm.beta");

/** The file's tensors by the names in `table`, whatever prefix they were saved with. */
function unprefixed(
  file: StoredTensors,
  { tensors: [first] }: ParameterTable,
): (name: string) => StoredTensor | undefined {
  const prefix = PREFIXES.find((start) => file.has(start + (first?.name ?? ""))) ?? "";
  return (name) => file.get(prefix + name) ?? file.get(prefix + oldName(name));
}

/** Which tensor goes where. Errors: one that is missing, or not as config.json asks for it. */
function placed(file: StoredTensors, table: ParameterTable): Placed[] {
  const find = unprefixed(file, table);
  return table.tensors.map(({ name, shape, offset }) => {
    const tensor = find(name);
    if (!tensor) throw new UnreadableEncoder(`model.safetensors lacks ${name}, which config.json asks for.`);
    if (tensor.dtype === "I64" || tensor.shape.join() !== shape.join()) {
      throw new UnreadableEncoder(
        `model.safetensors: ${name} is ${describeTensor(tensor)}; config.json asks for [${shape.join(", ")}].`,
      );
    }
    return { tensor, offset };
  });
}

export function* openTransformer(folder: EncoderFolder, modules: readonly Module[], sizes: Sizes): Reading<Contents> {
  const shape = shapeOf(configText(folder));
  const pooling = poolingOf(folder, modules);
  const tokenizer = openTokenizer({
    tokenizer: new TextDecoder().decode(required(folder, "tokenizer.json", NEEDS)),
    config: textOf(folder, "tokenizer_config.json"),
  });
  checkVocabulary(tokenizer, shape);
  const maxTokens = maxTokensOf(folder, shape);
  const table = parameterTable(shape);
  const tensors = placed(yield* storedTensors("", { folder, sizes, needs: NEEDS }), table);
  const weights = yield* arenaWith(tensors, table.floats);
  return { shape, pooling, maxTokens, table, weights, tokenizer };
}

/** Files that describe the tokenizer: copied as they are. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "sentencepiece.bpe.model",
];

interface Trained {
  readonly table: ParameterTable;
  readonly card: EncoderCard;
  readonly weights: Float32Array;
  readonly pooling: Pooling;
}

/** The files of the folder with these weights in float32 and this pooling. */
export function transformerFiles(
  folder: EncoderFolder,
  { table, card, weights, pooling }: Trained,
): EncoderFolder["files"] {
  const config = parsedJson(v.looseObject({}), "config.json", configText(folder));
  // transformers 5 says "dtype" for it, and reads both.
  const { torch_dtype: _before, dtype: _newer, ...kept } = config as Record<string, unknown>;
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
