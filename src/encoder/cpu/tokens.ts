/**
 * The two ends of the encoder in plain loops, which are little work: embedding lookup with its gradient, and pooling to unit
 * vectors with its gradient. Matrices here are rows in an array of floats.
 */
import { assert, present } from "../../base/assert.ts";
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { ParameterTable } from "../parameters.ts";
import { eachText, type Chunk } from "./chunks.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import type { Arena } from "./network.ts";
import { clampedNorm, throughNorm } from "./unit.ts";

export interface Layout {
  readonly shape: Pick<BertShape, "hidden" | "vocabulary" | "positions" | "firstPosition">;
  readonly table: ParameterTable;
}

/** (rows, H) in `floats`: row r starts at `at` + r·`step`. */
export interface FloatRows {
  readonly floats: Float32Array;
  readonly at: number;
  readonly step: number;
}

export const rowsOf = ({ floats }: Heap, { at, row }: Matrix): FloatRows => ({
  floats,
  at: at / floatBytes,
  step: row / floatBytes,
});

/** Where the vectors are in an arena that make up a token's embedding: its word's; its position's and type 0's, if there are any. */
interface Sources {
  readonly word: number;
  readonly places: readonly number[];
}

function eachToken(
  { shape, table: { regions } }: Layout,
  texts: PackedTexts,
  visit: (token: number, sources: Sources) => void,
): void {
  const { hidden, vocabulary, firstPosition = 0 } = shape;
  const most = mostTokens(shape);
  const words = present(regions["embeddings.word"], "the table of token vectors").offset;
  const positions = regions["embeddings.position"]?.offset;
  const type = regions["embeddings.type"]?.offset;
  eachText(texts, (_, first, length) => {
    assert(length <= most, `a text of ${length} tokens for ${most} positions`);
    for (let i = 0; i < length; i++) {
      const id = texts.tokenIds[first + i] ?? 0;
      assert(id >= 0 && id < vocabulary, `token id ${id} is not below ${vocabulary}`);
      const position = positions === undefined ? undefined : positions + (firstPosition + i) * hidden;
      const places = [position, type].filter((at) => at !== undefined);
      visit(first + i, { word: words + id * hidden, places });
    }
  });
}

/** Each token's word vector to `word`, its position's and type 0's to `place`, if there are any: the embedding is their sum. */
export function lookUp(
  layout: Layout,
  weights: Float32Array,
  texts: PackedTexts,
  { word, place }: { readonly word: FloatRows; readonly place?: FloatRows },
): void {
  const { hidden } = layout.shape;
  eachToken(layout, texts, (token, sources) => {
    const at = word.at + token * word.step;
    word.floats.set(weights.subarray(sources.word, sources.word + hidden), at);
    word.floats.fill(0, at + hidden, at + word.step);
    if (!place) return;
    const to = place.at + token * place.step;
    for (let h = 0; h < hidden; h++) {
      let sum = 0;
      for (const source of sources.places) sum += weights[source + h] ?? 0;
      place.floats[to + h] = sum;
    }
    place.floats.fill(0, to + hidden, to + place.step);
  });
}

/** Adds the gradient `dx` of {@link lookUp}'s sum to that of the embeddings in `gradient`. */
export function scatterAdd(layout: Layout, gradient: Arena, texts: PackedTexts, dx: FloatRows): void {
  const { hidden } = layout.shape;
  eachToken(layout, texts, (token, { word, places }) => {
    const at = dx.at + token * dx.step;
    for (const target of [word, ...places]) {
      for (let h = 0; h < hidden; h++) gradient[target + h] = (gradient[target + h] ?? 0) + (dx.floats[at + h] ?? 0);
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
