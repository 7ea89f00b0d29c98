/**
 * The two ends of the encoder in plain loops, which are little work: embedding lookup with its gradient, and pooling to unit
 * vectors with its gradient. Matrices here are rows in an array of floats.
 */
import { assert, present } from "../../base/assert.ts";
import type { BertShape, Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { ParameterTable } from "../parameters.ts";
import { eachText, type Chunk } from "./chunks.ts";
import type { Arena } from "./network.ts";
import { clampedNorm, throughNorm } from "./unit.ts";

export interface Layout {
  readonly shape: BertShape;
  readonly table: ParameterTable;
}

/** (rows, H) in `floats`: row r starts at `at` + r·`step`. */
export interface FloatRows {
  readonly floats: Float32Array;
  readonly at: number;
  readonly step: number;
}

const offsetOf = (table: ParameterTable, region: string) => present(table.regions[region], region).offset;

/** Calls `visit` with each token's number, and where its word's and its position's vectors are in an arena. */
function eachToken(
  { shape, table }: Layout,
  texts: PackedTexts,
  visit: (token: number, word: number, position: number) => void,
): void {
  const { hidden, positions, vocabulary } = shape;
  const [words, places] = [offsetOf(table, "embeddings.word"), offsetOf(table, "embeddings.position")];
  eachText(texts, (_, first, length) => {
    assert(length <= positions, `a text of ${length} tokens for ${positions} positions`);
    for (let i = 0; i < length; i++) {
      const id = texts.tokenIds[first + i] ?? 0;
      assert(id >= 0 && id < vocabulary, `token id ${id} is not below ${vocabulary}`);
      visit(first + i, words + id * hidden, places + i * hidden);
    }
  });
}

/** Each token's word vector to `word`, its position's and type 0's to `place`: the embedding is their sum. */
export function lookUp(
  layout: Layout,
  weights: Float32Array,
  texts: PackedTexts,
  { word, place }: { readonly word: FloatRows; readonly place: FloatRows },
): void {
  const { hidden } = layout.shape;
  const type = offsetOf(layout.table, "embeddings.type");
  eachToken(layout, texts, (token, wordAt, positionAt) => {
    const [words, places] = [word.at + token * word.step, place.at + token * place.step];
    for (let h = 0; h < hidden; h++) {
      word.floats[words + h] = weights[wordAt + h] ?? 0;
      place.floats[places + h] = (weights[positionAt + h] ?? 0) + (weights[type + h] ?? 0);
    }
    word.floats.fill(0, words + hidden, words + word.step);
    place.floats.fill(0, places + hidden, places + place.step);
  });
}

/** Adds the gradient `dx` of {@link lookUp}'s sum to that of the embeddings in `gradient`. */
export function scatterAdd(layout: Layout, gradient: Arena, texts: PackedTexts, dx: FloatRows): void {
  const { hidden } = layout.shape;
  const type = offsetOf(layout.table, "embeddings.type");
  eachToken(layout, texts, (token, word, position) => {
    const at = dx.at + token * dx.step;
    for (let h = 0; h < hidden; h++) {
      const d = dx.floats[at + h] ?? 0;
      gradient[word + h] = (gradient[word + h] ?? 0) + d;
      gradient[position + h] = (gradient[position + h] ?? 0) + d;
      gradient[type + h] = (gradient[type + h] ?? 0) + d;
    }
  });
}

/** Pools the last block's result `y` for a chunk, into its texts' rows of `pooled` (S, H). */
export function pool({ first, texts }: Chunk, pooling: Pooling, y: FloatRows, pooled: Rows): void {
  const { values, hidden } = pooled;
  eachText(texts, (text, token, length) => {
    const at = (first + text) * hidden;
    const count = pooling === "mean" ? length : 1;
    for (let i = 0; i < count; i++) {
      const row = y.at + (token + i) * y.step;
      for (let h = 0; h < hidden; h++) values[at + h] = (values[at + h] ?? 0) + (y.floats[row + h] ?? 0);
    }
    for (let h = 0; h < hidden; h++) values[at + h] = (values[at + h] ?? 0) / count;
  });
}

/** (S, H) */
export interface Rows {
  readonly values: Float64Array;
  readonly hidden: number;
}

/** Unit vectors of pooled ones. */
export function unitVectors({ values, hidden }: Rows): Arena {
  const embeddings = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += hidden) {
    const norm = clampedNorm(values.subarray(at, at + hidden));
    for (let h = 0; h < hidden; h++) embeddings[at + h] = (values[at + h] ?? 0) / norm;
  }
  return embeddings;
}

/** The gradient of a chunk's y, all of it, from that of the embeddings. */
export function poolBackward(
  { first, texts }: Chunk,
  pooling: Pooling,
  { pooled, dEmbeddings }: { readonly pooled: Rows; readonly dEmbeddings: Float64Array },
  dy: FloatRows,
): void {
  const { values, hidden } = pooled;
  dy.floats.fill(0, dy.at, dy.at + texts.tokenIds.length * dy.step);
  eachText(texts, (text, token, length) => {
    const at = (first + text) * hidden;
    const d = values.slice(at, at + hidden);
    throughNorm(d, { values: dEmbeddings, at });
    const count = pooling === "mean" ? length : 1;
    for (let i = 0; i < count; i++) {
      const row = dy.at + (token + i) * dy.step;
      for (let h = 0; h < hidden; h++) dy.floats[row + h] = (d[h] ?? 0) / count;
    }
  });
}
