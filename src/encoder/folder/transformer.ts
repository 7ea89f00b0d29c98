/** A transformer's folder: config.json, model.safetensors and tokenizer.json at the root, 1_Pooling, lengths. */
import * as v from "valibot";
import { mostTokens, type EncoderCard, type EncoderFolder } from "../../domain/encoder.ts";
import type { Pooling, WeightPrecision } from "../../domain/encoder.ts";
import { parameterTable, type ParameterTable } from "../parameters.ts";
import { asJson, checkVocabulary, modulesFile, optionalJson, parsedJson } from "./files.ts";
import { required, textOf, UnreadableEncoder, weightsFile, type Contents, type Module } from "./files.ts";
import type { Reading, Sizes } from "./reading.ts";
import { longestOf, poolingOf, prefixesOf } from "./sentence.ts";
import { openTokenizer } from "./tokenizer.ts";
import { shapeOf } from "./shapes.ts";
import { describeTensor, storedTensors, type Placed, type StoredTensor, type StoredTensors } from "./weights.ts";

const NEEDS = "An encoder needs config.json, model.safetensors and tokenizer.json";

const tokenizerConfigJson = v.looseObject({
  model_max_length: v.nullish(v.number()),
  truncation_side: v.nullish(v.string()),
});

const configText = (folder: EncoderFolder): string => new TextDecoder().decode(required(folder, "config.json", NEEDS));

function maxTokensOf(folder: EncoderFolder, shape: ReturnType<typeof shapeOf>): number {
  const tokenizer = optionalJson(tokenizerConfigJson, folder, "tokenizer_config.json");
  const side = tokenizer?.truncation_side ?? "right";
  if (side !== "right")
    throw new UnreadableEncoder(
      `tokenizer_config.json: truncation_side "${side}" is not supported. Decoy keeps the beginning of a long text: take the key out to train the encoder so, or choose another.`,
    );
  return Math.min(longestOf(folder) ?? tokenizer?.model_max_length ?? Infinity, mostTokens(shape));
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
function placedIn(file: StoredTensors, table: ParameterTable): Placed[] {
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
  const pooling = poolingOf(folder, modules, prefixesOf(folder));
  const tokenizer = openTokenizer({
    tokenizer: new TextDecoder().decode(required(folder, "tokenizer.json", NEEDS)),
    config: textOf(folder, "tokenizer_config.json"),
  });
  checkVocabulary(tokenizer, shape);
  const maxTokens = maxTokensOf(folder, shape);
  const table = parameterTable(shape);
  const tensors = yield* storedTensors("", { folder, sizes, needs: NEEDS });
  return { shape, pooling, maxTokens, table, placed: placedIn(tensors, table), tokenizer };
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
  readonly precision: WeightPrecision;
  readonly pooling: Pooling;
}

const torchTypes = { f32: "float32", f16: "float16" } as const satisfies Record<WeightPrecision, string>;

/** The files of the folder with these weights and this pooling. */
export function transformerFiles(
  folder: EncoderFolder,
  { table, card, weights, precision, pooling }: Trained,
): EncoderFolder["files"] {
  const config = parsedJson(v.looseObject({}), "config.json", configText(folder));
  // transformers 5 says "dtype" for it, and reads both.
  const { torch_dtype: _before, dtype: _newer, ...kept } = config as Record<string, unknown>;
  const tokenizer = TOKENIZER_FILES.flatMap((path) => {
    const bytes = folder.files[path];
    return bytes ? [[path, bytes] as const] : [];
  });
  return {
    "config.json": asJson({ ...kept, torch_dtype: torchTypes[precision] }),
    "model.safetensors": weightsFile(table, weights, precision),
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
