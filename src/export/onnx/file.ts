/**
 * An encoder as an ONNX file: token ids and their mask in, the last layer's tokens out, in float32 in every precision. A graph in
 * float16 is computed in float16 where the runtime can (WebGPU with shader-f16); ONNX Runtime on a processor, in WebAssembly too,
 * puts casts around its operators and computes in float32.
 */
import { assert } from "../../base/assert.ts";
import { UserError } from "../../base/errors.ts";
import type { EncoderShape } from "../../domain/encoder.ts";
import { bertGraph, hasTypes } from "./bert.ts";
import { createBuilder, type Builder, type Name, type Precision, type Source } from "./builder.ts";
import { modernBertGraph } from "./modernbert.ts";
import { model, type Value } from "./proto.ts";
import { chunks } from "./protobuf.ts";
import { staticGraph } from "./static.ts";

export type { Precision } from "./builder.ts";

/** An encoder that does not fit into one ONNX file. */
export class OnnxTooLarge extends UserError {
  override readonly name = "OnnxTooLarge";
}

export interface OnnxFile {
  readonly precision: Precision;
  /** Bytes. */
  readonly length: number;
  /**
   * The file's bytes in order. Made anew at each call, a tensor at a time; those in float32 may be views of the weights: read them
   * before the weights change, and do not transfer them.
   */
  chunks(): Iterable<Uint8Array<ArrayBuffer>>;
}

export interface OnnxInput extends Source {
  readonly shape: EncoderShape;
  readonly precision: Precision;
}

/** Protocol buffers end here. */
const MOST_BYTES = 2 ** 31 - 1;

const lesser = {
  f32: "16 or 8 bits, or as safetensors",
  f16: "8 bits, or as safetensors",
  int8: "safetensors",
} as const satisfies Record<Precision, string>;

/** Errors: {@link OnnxTooLarge}. */
export function checkSize(bytes: number, precision: Precision): void {
  if (bytes <= MOST_BYTES) return;
  throw new OnnxTooLarge(
    `This encoder would be an ONNX file of ${(bytes / 1e9).toFixed(2)} GB, and such a file ends at ${(MOST_BYTES / 1e9).toFixed(2)} GB. ` +
      `Export it in ${lesser[precision]}.`,
  );
}

function tokensOf(b: Builder, shape: EncoderShape, inputs: { ids: Name; mask: Name }): Name {
  switch (shape.family) {
    case "bert":
      return bertGraph(b, shape, inputs);
    case "modernbert":
      return modernBertGraph(b, shape, inputs);
    case "static":
      return staticGraph(b, inputs);
    default:
      return shape satisfies never;
  }
}

const TOKENS = ["batch_size", "sequence_length"] as const;

/** What a graph of this shape wants fed: int64, (batch, sequence) each. */
export const inputNames = (shape: EncoderShape): readonly string[] => [
  "input_ids",
  "attention_mask",
  ...(shape.family === "bert" && hasTypes(shape) ? ["token_type_ids"] : []),
];

export const OUTPUT = "last_hidden_state";

/** The encoder in ONNX. Errors: {@link OnnxTooLarge}. */
export function onnxFile({ shape, table, weights, precision }: OnnxInput): OnnxFile {
  assert(weights.length === table.floats, `${weights.length} weights for an arena of ${table.floats}`);
  const b = createBuilder({ table, weights }, precision);
  const tokens = tokensOf(b, shape, { ids: "input_ids", mask: "attention_mask" });
  const inputs = inputNames(shape).map((name): Value => ({ name, type: "int64", shape: TOKENS }));
  const output: Value = { name: OUTPUT, type: "float32", shape: [...TOKENS, shape.hidden] };
  b.result(tokens, OUTPUT);
  const content = model(b.graph(inputs, [output]));
  checkSize(content.length, precision);
  return { precision, length: content.length, chunks: () => chunks(content) };
}
