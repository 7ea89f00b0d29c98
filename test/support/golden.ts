/** PyTorch's truth for an encoder: a folder as the scripts in test/fixtures/golden make it, and as they made those beside them. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { ContrastiveBatch, PackedTexts, TrainerSettings } from "../../src/domain/engine.ts";
import type { EncoderShape, Pooling } from "../../src/domain/encoder.ts";
import { shapeOf as transformerShape } from "../../src/encoder/folder/shapes.ts";
import { parameterTable, size, type ParameterTable } from "../../src/encoder/parameters.ts";
import { copyNumbers, readSafetensors, type TensorView } from "../../src/encoder/safetensors.ts";

export interface Golden {
  readonly name: string;
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly table: ParameterTable;
  readonly weights: Float32Array<ArrayBuffer>;
  readonly batch: ContrastiveBatch;
  readonly settings: TrainerSettings;
  readonly learningRate: number;
  readonly expected: {
    /** (S, H) */
    readonly embedding: Float64Array;
    /** (steps) */
    readonly loss: Float64Array;
    readonly gradNorm: Float64Array;
    /** In the arena's layout. */
    readonly gradient: Float64Array;
    readonly after: Float64Array;
  };
}

/** batch.json */
export interface BatchFile {
  readonly texts: readonly (readonly number[])[];
  readonly groups: readonly {
    readonly query: number;
    readonly positive: number;
    readonly negatives: readonly number[];
  }[];
  readonly pooling: Pooling;
  readonly temperature: number;
  readonly in_batch: boolean;
  readonly optimiser: {
    readonly lr: number;
    readonly betas: [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip: number;
  };
}

export const goldenNames = [
  "mean-hybrid",
  "cls-in-batch",
  "static-in-batch",
  "distilbert-mean",
  "roberta-mean",
  "xlm-roberta-cls",
  "mpnet-mean",
  "modernbert-cls",
] as const;

/** Softmax does not see the bias of the keys: its gradient is 0, and what is left is rounding. By whatever name. */
export const isKeyBias = (tensor: string): boolean => /\.(key|k_lin|k)\.bias$/u.test(tensor);

const committed = (name: string) => new URL(`../fixtures/golden/${name}/`, import.meta.url);
const json = <T>(folder: URL, file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as T;
const tensors = (folder: URL, file: string) => readSafetensors(new Uint8Array(readFileSync(new URL(file, folder))));

export function pack(texts: readonly (readonly number[])[]): PackedTexts {
  const cuSeqlens = new Int32Array(texts.length + 1);
  texts.forEach((text, i) => (cuSeqlens[i + 1] = (cuSeqlens[i] ?? 0) + text.length));
  return { tokenIds: Int32Array.from(texts.flat()), cuSeqlens };
}

export function contrastive({
  texts,
  groups,
  in_batch,
}: Pick<BatchFile, "texts" | "groups" | "in_batch">): ContrastiveBatch {
  const own = groups.map((group) => [group.positive, ...group.negatives]);
  const rows = own.map((row, b) => (in_batch ? [...row, ...own.filter((_, other) => other !== b).flat()] : row));
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, b) => (offsets[b + 1] = (offsets[b] ?? 0) + row.length));
  return {
    texts: pack(texts),
    queries: Int32Array.from(groups.map((group) => group.query)),
    offsets,
    candidates: Int32Array.from(rows.flat()),
  };
}

function numbers(tensor: TensorView | undefined): Float64Array {
  if (!tensor) throw new Error("the fixture lacks a tensor");
  const values = new Float64Array(size(tensor.shape));
  copyNumbers(tensor, values);
  return values;
}

function arena<T extends Float32Array | Float64Array>(
  target: T,
  table: ParameterTable,
  file: ReadonlyMap<string, TensorView>,
  prefix = "",
): T {
  for (const tensor of table.tensors) {
    const found = file.get(prefix + tensor.name);
    if (!found) throw new Error(`the fixture lacks ${prefix}${tensor.name}`);
    copyNumbers(found, target, tensor.offset);
  }
  return target;
}

/** A static encoder has no config.json elsewhere; the others' is read as any other is. */
function shapeOf(folder: URL): EncoderShape {
  const config = json<Readonly<Record<string, number | string>>>(folder, "config.json");
  if (config["model_type"] !== "static") return transformerShape(JSON.stringify(config));
  return { family: "static", hidden: Number(config["hidden_size"]), vocabulary: Number(config["vocab_size"]) };
}

export const loadGolden = (name: (typeof goldenNames)[number]): Golden => readGolden(committed(name), name);

/** What a script left in `path`. */
export const goldenAt = (path: string): Golden => readGolden(pathToFileURL(`${path}/`), path);

function readGolden(folder: URL, name: string): Golden {
  const shape = shapeOf(folder);
  const file = json<BatchFile>(folder, "batch.json");
  const { optimiser } = file;
  const table = parameterTable(shape);
  const expected = tensors(folder, "expected.safetensors");
  return {
    name,
    shape,
    pooling: file.pooling,
    table,
    weights: arena(new Float32Array(table.floats), table, tensors(folder, "model.safetensors")),
    batch: contrastive(file),
    settings: {
      temperature: file.temperature,
      betas: optimiser.betas,
      epsilon: optimiser.eps,
      weightDecay: optimiser.weight_decay,
      clip: optimiser.clip,
    },
    learningRate: optimiser.lr,
    expected: {
      embedding: numbers(expected.get("embedding")),
      loss: numbers(expected.get("loss")),
      gradNorm: numbers(expected.get("grad_norm")),
      gradient: arena(new Float64Array(table.floats), table, expected, "grad."),
      after: arena(new Float64Array(table.floats), table, expected, "after."),
    },
  };
}
