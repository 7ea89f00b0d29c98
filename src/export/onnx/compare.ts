/** Whether an ONNX file computes what the encoder does: its pooled vectors in ONNX Runtime beside the engine's. */
import { assert } from "../../base/assert.ts";
import { messageOf, UserError } from "../../base/errors.ts";
import type { EncoderShape, Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { OpenFolder } from "../../encoder/folder.ts";
import { inputNames, OUTPUT, type OnnxFile } from "./file.ts";
import { openSession, type Feeds, type Session } from "./runtime.ts";

/** ONNX Runtime could not open or run the file here: nothing is known of what it computes. */
export class OnnxUnchecked extends UserError {
  override readonly name = "OnnxUnchecked";
}

/** The file computes other vectors than the encoder. */
export class OnnxDiffers extends UserError {
  override readonly name = "OnnxDiffers";
}

/** The least cosine of a text's two vectors. */
export const leastCosine = { f32: 0.99999, f16: 0.9999, int8: 0.98 } as const satisfies Record<
  OnnxFile["precision"],
  number
>;

export interface Reference {
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  /** Some 32 texts of different lengths, of at most 256 tokens: memory goes with the square of the longest. */
  readonly texts: PackedTexts;
  /** (S, H), the engine's unit vectors of the texts. */
  readonly vectors: Float32Array;
}

/** What the engine was given: its texts, prefixes included, and how many tokens it kept of each. */
export interface Given {
  readonly texts: readonly string[];
  readonly maxTokens: number;
  /** (S, H), the engine's unit vectors of the texts. */
  readonly vectors: Float32Array;
}

/** The engine's vectors as {@link compareOnnx} wants them. */
export function referenceOf({ card, tokenizer }: OpenFolder, { texts, maxTokens, vectors }: Given): Reference {
  const ids = texts.map((text) => tokenizer.encode(text, Math.min(maxTokens, card.maxTokens)));
  const cuSeqlens = new Int32Array(ids.length + 1);
  ids.forEach(({ length }, s) => (cuSeqlens[s + 1] = (cuSeqlens[s] ?? 0) + length));
  return {
    shape: card.shape,
    pooling: card.pooling,
    texts: { tokenIds: Int32Array.from(ids.flat()), cuSeqlens },
    vectors,
  };
}

/** Cosines of the texts' vectors with the engine's. */
export interface Comparison {
  readonly texts: number;
  readonly worst: number;
  readonly mean: number;
}

/** Texts at once, so that some are padded. */
const BATCH = 8;

interface Batch extends Feeds {
  /** Number of its first text. */
  readonly first: number;
  readonly lengths: readonly number[];
}

function batchOf({ texts, shape }: Reference, first: number): Batch {
  const { tokenIds, cuSeqlens } = texts;
  const starts = [...cuSeqlens.subarray(first, Math.min(first + BATCH, cuSeqlens.length - 1) + 1)];
  const lengths = starts.slice(1).map((end, i) => end - (starts[i] ?? 0));
  const columns = Math.max(...lengths);
  // Where positions do not count from 0, padding is the number before the first.
  const padding = shape.family === "bert" ? (shape.firstPosition ?? 1) - 1 : 0;
  const ids = new BigInt64Array(lengths.length * columns).fill(BigInt(padding));
  const mask = new BigInt64Array(ids.length);
  lengths.forEach((length, row) => {
    for (let i = 0; i < length; i++) {
      ids[row * columns + i] = BigInt(tokenIds[(starts[row] ?? 0) + i] ?? 0);
      mask[row * columns + i] = 1n;
    }
  });
  const all: Feeds["inputs"] = { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) };
  const inputs = Object.fromEntries(Object.entries(all).filter(([name]) => inputNames(shape).includes(name)));
  return { first, lengths, rows: lengths.length, columns, inputs };
}

/** (rows, H) of (rows, columns, H): the mean of each text's tokens, or its first token. */
function pooled(tokens: Float32Array, { lengths, columns }: Batch, pooling: Pooling): Float64Array {
  const H = tokens.length / (lengths.length * columns);
  const sums = new Float64Array(lengths.length * H);
  lengths.forEach((length, row) => {
    const count = pooling === "mean" ? length : 1;
    for (let i = 0; i < count; i++) {
      const at = (row * columns + i) * H;
      for (let h = 0; h < H; h++) sums[row * H + h] = (sums[row * H + h] ?? 0) + (tokens[at + h] ?? 0);
    }
  });
  return sums;
}

/** Of two vectors of the same length. */
function cosine(a: Float64Array, b: Float32Array): number {
  let [product, squaresA, squaresB] = [0, 0, 0];
  for (let h = 0; h < a.length; h++) {
    const [x, y] = [a[h] ?? 0, b[h] ?? 0];
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return product / Math.sqrt(squaresA * squaresB);
}

async function cosinesOf(session: Session, reference: Reference, batch: Batch): Promise<number[]> {
  const H = reference.shape.hidden;
  const tokens = await session.run(batch, OUTPUT);
  assert(tokens.length === batch.rows * batch.columns * H, `${tokens.length} numbers came out`);
  const vectors = pooled(tokens, batch, reference.pooling);
  return batch.lengths.map((_, row) => {
    const expected = reference.vectors.subarray((batch.first + row) * H, (batch.first + row + 1) * H);
    return cosine(vectors.subarray(row * H, (row + 1) * H), expected);
  });
}

function wholeFile(file: Pick<OnnxFile, "length" | "chunks">): Uint8Array {
  const bytes = new Uint8Array(file.length);
  let at = 0;
  for (const chunk of file.chunks()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  assert(at === file.length, `${at} bytes came of ${file.length}`);
  return bytes;
}

async function allCosines(file: Pick<OnnxFile, "length" | "chunks">, reference: Reference): Promise<number[]> {
  const session = await openSession(wholeFile(file));
  try {
    const cosines: number[] = [];
    for (let first = 0; first + 1 < reference.texts.cuSeqlens.length; first += BATCH) {
      cosines.push(...(await cosinesOf(session, reference, batchOf(reference, first))));
    }
    return cosines;
  } finally {
    await session.release();
  }
}

const bits = { f32: "32 bits", f16: "16 bits", int8: "8 bits" } as const satisfies Record<
  OnnxFile["precision"],
  string
>;

function differs({ texts, worst, mean }: Comparison, precision: OnnxFile["precision"]): OnnxDiffers {
  const advice =
    precision === "int8" ? "Export it in 16 or 32 bits." : "Export it as safetensors, and report this as a fault.";
  return new OnnxDiffers(
    `The ONNX file in ${bits[precision]} gives other vectors than the encoder: of ${texts} texts, the worst cosine with the encoder's own ` +
      `is ${worst.toFixed(5)} and the mean ${mean.toFixed(5)}; at least ${leastCosine[precision]} is asked of each. ${advice}`,
  );
}

/** Runs the file in ONNX Runtime. Errors: {@link OnnxUnchecked}, {@link OnnxDiffers}. */
export async function compareOnnx(
  file: Pick<OnnxFile, "length" | "chunks" | "precision">,
  reference: Reference,
): Promise<Comparison> {
  let cosines: number[];
  try {
    cosines = await allCosines(file, reference);
  } catch (cause) {
    throw new OnnxUnchecked(
      `ONNX Runtime could not run the ONNX file of ${(file.length / 1e6).toFixed(1)} MB here (${messageOf(cause)}), so it was not checked. ` +
        "Close other tabs and try again, or export in fewer bits.",
      { cause },
    );
  }
  const worst = Math.min(...cosines);
  const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  const comparison = { texts: cosines.length, worst, mean };
  // What is no number fails too.
  if (!(worst >= leastCosine[file.precision])) throw differs(comparison, file.precision);
  return comparison;
}
