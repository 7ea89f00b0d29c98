/**
 * Softmax attention within each text of a chunk, head by head, for some rows of queries at a time: a text's scores with one
 * head never lie in memory as a whole where it is long. The way back makes the weights again from what {@link attend} kept.
 */
import type { PackedTexts } from "../../domain/engine.ts";
import { eachText } from "./chunks.ts";
import { drop, type Place } from "./drop.ts";
import { floatBytes, roundUp, type Heap, type Matrix } from "./heap.ts";
import { panelColumns } from "./kernels/product.ts";
import { multiply } from "./product.ts";

/** Queries whose scores are made at a time. */
const QUERIES = 128;
/** Of no token; times the scale and after exp it is nothing. */
const NOWHERE = -1e30;

/** What is added to the scores by the distance from query to key, from 1 − reach on: (N, 2 · reach − 1). */
export interface DistanceBias {
  readonly reach: number;
  readonly values: Float32Array;
  /** Added to on the way back, where it is wanted. */
  readonly gradient?: Float64Array | undefined;
}

export interface Attention {
  readonly texts: PackedTexts;
  readonly heads: number;
  /** (T, 3H): queries, keys and values, head by head. */
  readonly qkv: Matrix;
  /** (T, H) */
  readonly context: Matrix;
  /** (N, T, 2): of each head and query the highest score and 1/Σexp. */
  readonly kept: number;
  readonly bias?: DistanceBias | undefined;
  /** A query sees so many keys on each side of it; all of its text's if left out. */
  readonly window?: number | undefined;
  /** What is dropped of the weights; its row is the first token's. */
  readonly dropping?: Omit<Place, "column"> | undefined;
}

/** Floats of {@link Attention.kept}. */
export const keptFloats = (tokens: number, heads: number): number => 2 * tokens * heads;

/** Floats that a block of queries takes of a text of so many tokens: what its scores start from, weights, gradient. */
export const blockFloats = (length: number): number => 3 * QUERIES * roundUp(length, panelColumns);

/** One head of one text. */
interface Head {
  readonly first: number;
  readonly length: number;
  readonly head: number;
}

/** The columns of one head, in the rows of a text; `third` is 1 or 2 for keys or values beside queries. */
function slice({ at, row }: Matrix, { heads, context }: Attention, { first, length, head }: Head, third = 0): Matrix {
  const size = context.columns / heads;
  const column = third * context.columns + head * size;
  return { at: at + first * row + column * floatBytes, row, rows: length, columns: size, padded: false };
}

const thirds = (matrix: Matrix, attention: Attention, head: Head) => ({
  q: slice(matrix, attention, head),
  k: slice(matrix, attention, head, 1),
  v: slice(matrix, attention, head, 2),
});

const someRows = (matrix: Matrix, from: number, rows: number): Matrix => ({
  ...matrix,
  at: matrix.at + from * matrix.row,
  rows,
});

function eachHead({ texts, heads }: Attention, visit: (head: Head) => void): void {
  eachText(texts, (_, first, length) => {
    for (let head = 0; head < heads; head++) visit({ first, length, head });
  });
}

/** Some queries of a head, and the keys of their text that they see: from the text's first token. */
interface Block {
  readonly head: Head;
  readonly from: number;
  readonly rows: number;
  readonly key: number;
  readonly keys: number;
}

/** A matrix, or the address of a row for all queries. */
type Start = Matrix | number;

function eachBlock(heap: Heap, attention: Attention, visit: (block: Block, start: Start) => void): void {
  const { window = Infinity } = attention;
  eachHead(attention, (head) => {
    for (let from = 0; from < head.length; from += QUERIES) {
      const rows = Math.min(QUERIES, head.length - from);
      const key = Math.max(0, from - window);
      const keys = Math.min(head.length, from + rows + window) - key;
      heap.during(() => {
        const block = { head, from, rows, key, keys };
        visit(block, startOf(heap, attention, block));
      });
    }
  });
}

/**
 * What the scores of a block start from: in the padding so low that it is no token, as are keys outside the window; the
 * bias over the scale, which the softmax multiplies with. Without either, one row serves all.
 */
function startOf(heap: Heap, attention: Attention, { head, from, rows, key, keys }: Block): Start {
  const { bias, window = Infinity } = attention;
  const width = roundUp(keys, panelColumns);
  if (!bias && window >= head.length) {
    const row = heap.takeZeros(width);
    heap.view(row, width).fill(NOWHERE, keys);
    return row;
  }
  // Along a row the distance grows by one, and from a row to the next it falls by one: all rows are parts of one.
  const diagonal = new Float32Array(rows + keys - 1).map((_, i) => {
    const distance = i - (rows - 1) + key - from;
    if (Math.abs(distance) > window) return NOWHERE;
    return bias ? (bias.values[biasAt(bias, head, distance)] ?? 0) / scaleOf(attention) : 0;
  });
  const start = heap.takeMatrix(rows, keys);
  for (let r = 0; r < rows; r++) {
    const row = heap.view(start.at + r * start.row, width);
    row.set(diagonal.subarray(rows - 1 - r, rows - 1 - r + keys));
    row.fill(NOWHERE, keys);
  }
  return start;
}

const biasAt = ({ reach }: DistanceBias, { head }: Head, distance: number): number =>
  head * (2 * reach - 1) + distance + reach - 1;

/** Adds the gradient of a block's scores to that of the bias. */
function addBias(heap: Heap, attention: Attention, { head, from, key }: Block, dScores: Matrix): void {
  const { bias } = attention;
  const gradient = bias?.gradient;
  if (!bias || !gradient) return;
  const { floats } = heap;
  // dScores is that of q·k, which the softmax has multiplied with the scale.
  const unscaled = 1 / scaleOf(attention);
  for (let r = 0; r < dScores.rows; r++) {
    const [at, first] = [(dScores.at + r * dScores.row) / floatBytes, biasAt(bias, head, key - from - r)];
    for (let c = 0; c < dScores.columns; c++) {
      gradient[first + c] = (gradient[first + c] ?? 0) + (floats[at + c] ?? 0) * unscaled;
    }
  }
}

const keptAt = ({ kept, texts }: Attention, { head, first }: Head, from: number): number =>
  kept + 2 * floatBytes * (head * texts.tokenIds.length + first + from);

/** 1/√D */
const scaleOf = ({ context, heads }: Attention): number => 1 / Math.sqrt(context.columns / heads);

/** Of a block's weights, or of the gradient of what is left of them. */
function dropWeights(heap: Heap, { dropping }: Attention, { head, from, key }: Block, weights: Matrix): void {
  if (!dropping) return;
  const row = dropping.row + head.first + from;
  drop(heap, weights, { ...dropping, row, column: head.head * 2 ** 16 + key });
}

/** Writes `context` and `kept`. */
export function attend(heap: Heap, attention: Attention): void {
  const scale = scaleOf(attention);
  eachBlock(heap, attention, (block, start) => {
    const { head, from, rows, key, keys } = block;
    const { q, k, v } = thirds(attention.qkv, attention, head);
    const context = someRows(slice(attention.context, attention, head), from, rows);
    const scores = heap.takeMatrix(rows, keys);
    const queries = someRows(q, from, rows);
    multiply(heap, {
      a: { matrix: queries },
      b: { matrix: someRows(k, key, keys), transposed: true },
      c: scores,
      from: start,
    });
    heap.kernels.softmax(scores.at, keptAt(attention, head, from), scores.row, rows, scale);
    dropWeights(heap, attention, block, scores);
    multiply(heap, { a: { matrix: scores }, b: { matrix: someRows(v, key, keys) }, c: context });
  });
}

/**
 * Writes `dqkv`, of the same layout as `qkv`, from the gradient of `context` (Dao et al., 2022, with dS from P and dP alone).
 * Where there is a window, the keys' and values' part of `dqkv` must be zeros before.
 */
export function attendBackward(heap: Heap, attention: Attention, dContext: Matrix, dqkv: Matrix): void {
  const scale = scaleOf(attention);
  eachBlock(heap, attention, (block, start) => {
    const { head, from, rows, key, keys } = block;
    const seen = (matrix: Matrix): Matrix => someRows(matrix, key, keys);
    const { q, k, v } = thirds(attention.qkv, attention, head);
    const { q: dq, k: dk, v: dv } = thirds(dqkv, attention, head);
    const weights = heap.takeMatrix(rows, keys);
    const dScores = heap.takeMatrix(rows, keys);
    const [queries, dSome] = [someRows(q, from, rows), someRows(slice(dContext, attention, head), from, rows)];
    const sum = from === 0 && keys === head.length ? {} : ({ from: "c" } as const);
    multiply(heap, { a: { matrix: queries }, b: { matrix: seen(k), transposed: true }, c: weights, from: start });
    multiply(heap, { a: { matrix: dSome }, b: { matrix: seen(v), transposed: true }, c: dScores });
    dropWeights(heap, attention, block, dScores);
    const kept = keptAt(attention, head, from);
    heap.kernels.softmaxBackward(weights.at, dScores.at, kept, weights.row, rows, scale);
    addBias(heap, attention, block, dScores);
    dropWeights(heap, attention, block, weights);
    multiply(heap, { a: { matrix: weights, transposed: true }, b: { matrix: dSome }, c: seen(dv), ...sum });
    multiply(heap, { a: { matrix: dScores }, b: { matrix: seen(k) }, c: someRows(dq, from, rows) });
    multiply(heap, { a: { matrix: dScores, transposed: true }, b: { matrix: queries }, c: seen(dk), ...sum });
  });
}
