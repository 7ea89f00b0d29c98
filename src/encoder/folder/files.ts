/** What both families of encoder folders have in common: files by path, JSON that is checked, a list of modules. */
import * as v from "valibot";
import { UserError } from "../../base/errors.ts";
import type { EncoderFolder, EncoderShape, Pooling, WeightPrecision } from "../../domain/encoder.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { size, type ParameterTable } from "../parameters.ts";
import { writeSafetensors, type NamedNumbers } from "../safetensors.ts";
import type { Placed } from "./weights.ts";

/** An encoder folder that lacks a file, contradicts itself, or is of a kind that Decoy does not train. */
export class UnreadableEncoder extends UserError {
  override readonly name = "UnreadableEncoder";
}

/** Weights that 16 bits cannot hold. */
export class WeightsTooLarge extends UserError {
  override readonly name = "WeightsTooLarge";
}

/** What a folder holds beside its name and its prompts. */
export interface Contents {
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly maxTokens: number;
  readonly table: ParameterTable;
  /** Which tensor of the files goes where in the layout of `table`. */
  readonly placed: readonly Placed[];
  readonly tokenizer: Tokenizer;
}

type Files = EncoderFolder["files"];

export function textOf(folder: EncoderFolder, path: string): string | undefined {
  const bytes = folder.files[path];
  return bytes && new TextDecoder().decode(bytes);
}

/** The bytes of a file. `needs` says what a folder of this family has to hold. */
export function required(folder: EncoderFolder, path: string, needs: string): Files[string] {
  const bytes = folder.files[path];
  if (bytes) return bytes;
  const found = Object.keys(folder.files).slice(0, 12).join(", ") || "nothing";
  throw new UnreadableEncoder(`This folder has no ${path}. ${needs}; found: ${found}.`);
}

export function parsedJson<S extends v.GenericSchema>(schema: S, path: string, content: string): v.InferOutput<S> {
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

export function optionalJson<S extends v.GenericSchema>(
  schema: S,
  folder: EncoderFolder,
  path: string,
): v.InferOutput<S> | undefined {
  const content = textOf(folder, path);
  return content === undefined ? undefined : parsedJson(schema, path, content);
}

export interface Module {
  /** As modules.json names it. */
  readonly type: string;
  /** The last part of the type: "Transformer", "StaticEmbedding", … */
  readonly kind: string;
  /** Of its folder, "" for the root or ending in a slash. */
  readonly path: string;
}

const modulesJson = v.array(v.looseObject({ type: v.string(), path: v.optional(v.string(), "") }));

/** "0_StaticEmbedding" → "0_StaticEmbedding/"; "" and "." are the root. */
const asPrefix = (path: string): string =>
  path
    .replace(/^(\.\/)+|\/+$/gu, "")
    .replace(/^\.$/u, "")
    .replace(/.$/u, "$&/");

/** The modules in their order; none where there is no modules.json. */
export const modulesOf = (folder: EncoderFolder): readonly Module[] =>
  (optionalJson(modulesJson, folder, "modules.json") ?? []).map(({ type, path }) => ({
    type,
    kind: type.split(".").at(-1) ?? "",
    path: asPrefix(path),
  }));

/** Errors: a tokenizer whose ids reach beyond the encoder's vectors. */
export function checkVocabulary(tokenizer: Tokenizer, { vocabulary }: EncoderShape): void {
  if (tokenizer.vocabulary <= vocabulary) return;
  throw new UnreadableEncoder(
    `tokenizer.json has ${tokenizer.vocabulary} entries, the encoder only ${vocabulary} vectors: they do not belong together.`,
  );
}

/** Half of what lies between the largest number of 16 bits and the next that there would be: from here on it is rounded to infinity. */
const BEYOND_HALF = 65_520;

function checkHalf({ name, values }: NamedNumbers): void {
  const large = values.find((value) => Math.abs(value) >= BEYOND_HALF);
  if (large === undefined) return;
  throw new WeightsTooLarge(
    `${name} has the weight ${large.toPrecision(6)}, and 16 bits end at 65504. Choose 32 bits for this encoder.`,
  );
}

/** model.safetensors. Errors: {@link WeightsTooLarge}. */
export function weightsFile(
  { tensors }: ParameterTable,
  weights: Float32Array,
  precision: WeightPrecision,
): Files[string] {
  const named = tensors.map(({ name, offset, shape }) => ({
    name,
    shape,
    values: weights.subarray(offset, offset + size(shape)),
  }));
  if (precision === "f16") named.forEach(checkHalf);
  return writeSafetensors(named, precision === "f16" ? "F16" : "F32");
}

export const utf8 = (content: string): Files[string] => new TextEncoder().encode(content);
export const asJson = (value: unknown): Files[string] => utf8(`${JSON.stringify(value, undefined, 2)}\n`);

/** modules.json of modules in these folders; the class paths are those that versions 2 to 6 read. */
export const modulesFile = (modules: readonly { readonly kind: string; readonly path: string }[]): Files[string] =>
  asJson(
    modules.map(({ kind, path }, idx) => ({
      idx,
      name: String(idx),
      path,
      type: `sentence_transformers.models.${kind}`,
    })),
  );
