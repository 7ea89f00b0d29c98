/**
 * The two ends of the encoder in plain loops: embedding lookup with its gradient, and pooling to unit vectors with its
 * gradient. jax-js has no fast scatter on its wasm device, and these are a small part of the work.
 */
import type { PackedTexts } from "../../domain/engine.ts";
import type { Pooling } from "../../domain/encoder.ts";
import { present } from "../../base/assert.ts";
import type { ParameterTable } from "../parameters.ts";
import type { Chunk, Placed } from "./arrange.ts";
import { clampedNorm, throughNorm } from "./unit.ts";

export interface Lookup {
  readonly table: ParameterTable;
  readonly hidden: number;
}

const offsetOf = (table: ParameterTable, region: string) => present(table.regions[region], region).offset;

/** Word + position + type-0 embedding of every place, (C, H); padding is zero. */
export function lookUp(
  weights: Float32Array,
  { table, hidden }: Lookup,
  chunk: Chunk,
  { tokenIds }: PackedTexts,
): Float32Array<ArrayBuffer> {
  const x = new Float32Array(chunk.rows * chunk.length * hidden);
  const [words, positions, type] = embeddingOffsets(table);
  for (const { place, token, length } of chunk.texts) {
    for (let i = 0; i < length; i++) {
      const at = (place + i) * hidden;
      const word = words + (tokenIds[token + i] ?? 0) * hidden;
      const position = positions + i * hidden;
      for (let h = 0; h < hidden; h++) {
        x[at + h] = (weights[word + h] ?? 0) + (weights[position + h] ?? 0) + (weights[type + h] ?? 0);
      }
    }
  }
  return x;
}

/** Adds the gradient `dx` (C, H) of {@link lookUp}'s result to that of the embeddings in `gradient`. */
export function scatterAdd(
  gradient: Float32Array,
  { table, hidden }: Lookup,
  { chunk, texts }: { readonly chunk: Chunk; readonly texts: PackedTexts },
  dx: Float32Array,
): void {
  const { tokenIds } = texts;
  const [words, positions, type] = embeddingOffsets(table);
  for (const { place, token, length } of chunk.texts) {
    for (let i = 0; i < length; i++) {
      const at = (place + i) * hidden;
      const word = words + (tokenIds[token + i] ?? 0) * hidden;
      const position = positions + i * hidden;
      for (let h = 0; h < hidden; h++) {
        const d = dx[at + h] ?? 0;
        gradient[word + h] = (gradient[word + h] ?? 0) + d;
        gradient[position + h] = (gradient[position + h] ?? 0) + d;
        gradient[type + h] = (gradient[type + h] ?? 0) + d;
      }
    }
  }
}

const embeddingOffsets = (table: ParameterTable) =>
  [
    offsetOf(table, "embeddings.word"),
    offsetOf(table, "embeddings.position"),
    offsetOf(table, "embeddings.type"),
  ] as const;

/** The last block's output (C, H) for a chunk of texts. */
export interface Output {
  readonly y: Float32Array;
  readonly chunk: Chunk;
}

/** Unit vectors of the chunk's texts, into `embeddings` (S, H). */
export function pool({ y, chunk }: Output, pooling: Pooling, embeddings: Float32Array, hidden: number): void {
  const mean = new Float64Array(hidden);
  for (const text of chunk.texts) {
    pooled(y, text, pooling, mean);
    const norm = clampedNorm(mean);
    for (let h = 0; h < hidden; h++) embeddings[text.text * hidden + h] = (mean[h] ?? 0) / norm;
  }
}

/** Writes a text's pooled vector into `mean`. */
function pooled(y: Float32Array, { place, length }: Placed, pooling: Pooling, mean: Float64Array): void {
  const hidden = mean.length;
  const count = pooling === "mean" ? length : 1;
  for (let h = 0; h < hidden; h++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += y[(place + i) * hidden + h] ?? 0;
    mean[h] = sum / count;
  }
}

/** The gradient (C, H) of y from that of the embeddings (S, H). */
export function poolBackward(
  { y, chunk }: Output,
  pooling: Pooling,
  dEmbeddings: Float64Array,
  hidden: number,
): Float32Array<ArrayBuffer> {
  const dy = new Float32Array(y.length);
  const mean = new Float64Array(hidden);
  for (const text of chunk.texts) {
    pooled(y, text, pooling, mean);
    throughNorm(mean, { values: dEmbeddings, at: text.text * hidden });
    const count = pooling === "mean" ? text.length : 1;
    for (let h = 0; h < hidden; h++) {
      const d = (mean[h] ?? 0) / count;
      for (let i = 0; i < count; i++) dy[(text.place + i) * hidden + h] = d;
    }
  }
  return dy;
}
