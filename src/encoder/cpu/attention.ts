/**
 * Softmax attention within each text of a chunk, head by head, for some rows of queries at a time: a text's scores with one
 * head never lie in memory as a whole where it is long. The way back makes the weights again from what {@link attend} kept.
 */
import type { PackedTexts } from "../../domain/engine.ts";
import { eachText } from "./chunks.ts";
import { floatBytes, roundUp, type Heap, type Matrix } from "./heap.ts";
import { panelColumns } from "./kernels/product.ts";
import { multiply } from "./product.ts";

/** Queries whose scores are made at a time. */
const QUERIES = 128;
/** Of no token; times the scale and after exp it is nothing. */
const NOWHERE = -1e30;

export interface Attention {
  readonly texts: PackedTexts;
  readonly heads: number;
  /** (T, 3H): queries, keys and values, head by head. */
  readonly qkv: Matrix;
  /** (T, H) */
  readonly context: Matrix;
  /** (N, T, 2): of each head and query the highest score and 1/Σexp. */
  readonly kept: number;
}

/** Floats of {@link Attention.kept}. */
export const keptFloats = (tokens: number, heads: number): number => 2 * tokens * heads;

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

/** Calls `visit` for each head of each text, with a row that all its scores start from: their padding is no token. */
function eachHead(heap: Heap, { texts, heads }: Attention, visit: (head: Head, start: number) => void): void {
  eachText(texts, (_, first, length) => {
    heap.during(() => {
      const width = roundUp(length, panelColumns);
      const start = heap.takeZeros(width);
      heap.view(start, width).fill(NOWHERE, length);
      for (let head = 0; head < heads; head++) visit({ first, length, head }, start);
    });
  });
}

function eachBlock(length: number, visit: (from: number, rows: number) => void): void {
  for (let from = 0; from < length; from += QUERIES) visit(from, Math.min(QUERIES, length - from));
}

const keptAt = ({ kept, texts }: Attention, { head, first }: Head, from: number): number =>
  kept + 2 * floatBytes * (head * texts.tokenIds.length + first + from);

/** 1/√D */
const scaleOf = ({ context, heads }: Attention): number => 1 / Math.sqrt(context.columns / heads);

/** Writes `context` and `kept`. */
export function attend(heap: Heap, attention: Attention): void {
  const scale = scaleOf(attention);
  eachHead(heap, attention, (head, start) => {
    const { q, k, v } = thirds(attention.qkv, attention, head);
    const context = slice(attention.context, attention, head);
    eachBlock(head.length, (from, rows) => {
      heap.during(() => {
        const scores = heap.takeMatrix(rows, head.length);
        const queries = someRows(q, from, rows);
        multiply(heap, { a: { matrix: queries }, b: { matrix: k, transposed: true }, c: scores, from: start });
        heap.kernels.softmax(scores.at, keptAt(attention, head, from), scores.row, rows, scale);
        multiply(heap, { a: { matrix: scores }, b: { matrix: v }, c: someRows(context, from, rows) });
      });
    });
  });
}

/** Writes `dqkv`, of the same layout as `qkv`, from the gradient of `context` (Dao et al., 2022, with dS from P and dP alone). */
export function attendBackward(heap: Heap, attention: Attention, dContext: Matrix, dqkv: Matrix): void {
  const scale = scaleOf(attention);
  eachHead(heap, attention, (head, start) => {
    const { q, k, v } = thirds(attention.qkv, attention, head);
    const { q: dq, k: dk, v: dv } = thirds(dqkv, attention, head);
    const dOut = slice(dContext, attention, head);
    eachBlock(head.length, (from, rows) => {
      heap.during(() => {
        const weights = heap.takeMatrix(rows, head.length);
        const dScores = heap.takeMatrix(rows, head.length);
        const [queries, dSome] = [someRows(q, from, rows), someRows(dOut, from, rows)];
        const sum = from === 0 ? {} : ({ from: "c" } as const);
        multiply(heap, { a: { matrix: queries }, b: { matrix: k, transposed: true }, c: weights, from: start });
        multiply(heap, { a: { matrix: dSome }, b: { matrix: v, transposed: true }, c: dScores });
        const kept = keptAt(attention, head, from);
        heap.kernels.softmaxBackward(weights.at, dScores.at, kept, weights.row, rows, scale);
        multiply(heap, { a: { matrix: weights, transposed: true }, b: { matrix: dSome }, c: dv, ...sum });
        multiply(heap, { a: { matrix: dScores }, b: { matrix: k }, c: someRows(dq, from, rows) });
        multiply(heap, { a: { matrix: dScores, transposed: true }, b: { matrix: queries }, c: dk, ...sum });
      });
    });
  });
}
