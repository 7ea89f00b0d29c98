/**
 * The transformer block on packed texts: post-LayerNorm BERT (Devlin et al., 2019). The forward pass keeps 6H + I + 2N + 2
 * floats a token; the block's input, the feed-forward's and the activated numbers are made again on the way back.
 */
import type { BertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { attend, attendBackward, keptFloats } from "./attention.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import { multiply, type Product } from "./product.ts";

/** A model's parameters behind its embedding tables, in the heap. */
export interface Parameters {
  readonly heap: Heap;
  readonly shape: BertShape;
  /** H ones, then zeros to the end of a padded row. */
  readonly ones: number;
  /** The address of a region of the layout. */
  weight(region: string): number;
  /** The address of its gradient, which is added to. */
  gradient(region: string): number;
}

/** What a LayerNorm keeps: its result before weight and bias, (T, H), and 1/deviation, (T). */
export interface Normal {
  readonly values: Matrix;
  readonly inverse: number;
}

export function takeNormal(heap: Heap, tokens: number, hidden: number): Normal {
  return { values: heap.takeMatrix(tokens, hidden), inverse: heap.take(tokens) };
}

/** What a block keeps of its forward pass. */
export interface Kept {
  readonly qkv: Matrix;
  readonly attention: number;
  readonly context: Matrix;
  readonly attentionNorm: Normal;
  /** (T, I), what GELU gets. */
  readonly inner: Matrix;
  readonly outputNorm: Normal;
}

export function takeKept(heap: Heap, tokens: number, { hidden, heads, intermediate }: BertShape): Kept {
  return {
    qkv: heap.takeMatrix(tokens, 3 * hidden),
    attention: heap.take(keptFloats(tokens, heads)),
    context: heap.takeMatrix(tokens, hidden),
    attentionNorm: takeNormal(heap, tokens, hidden),
    inner: heap.takeMatrix(tokens, intermediate),
    outputNorm: takeNormal(heap, tokens, hidden),
  };
}

const endOf = ({ at, row, rows }: Matrix): number => at + row * rows;
const dense = (at: number, rows: number, columns: number): Matrix => ({
  at,
  row: columns * floatBytes,
  rows,
  columns,
  padded: false,
});

/** y = n·weight + bias, n = (x + other) normalised. */
export function norm(
  { heap, shape, ones, weight }: Parameters,
  region: string,
  { x, other, y }: { readonly x: Matrix; readonly other: Matrix; readonly y: Matrix },
  { values, inverse }: Normal,
): void {
  const { hidden, layerNormEpsilon } = shape;
  const [w, b] = [weight(`${region}.weight`), weight(`${region}.bias`)];
  // prettier-ignore
  heap.kernels.norm(y.at, values.at, inverse, x.at, other.at, w, b, ones, x.row, x.rows, 1 / hidden, layerNormEpsilon);
}

/** d, the gradient of the norm's result → that of its input. */
export function normBackward(
  { heap, shape, ones, weight, gradient }: Parameters,
  region: string,
  d: Matrix,
  { values, inverse }: Normal,
): void {
  const [dw, db] = [gradient(`${region}.weight`), gradient(`${region}.bias`)];
  const w = weight(`${region}.weight`);
  // prettier-ignore
  heap.kernels.normBackward(d.at, dw, db, d.at, values.at, inverse, w, ones, d.row, d.rows, 1 / shape.hidden);
}

/** y, the norm's result once more. */
function normAgain({ heap, weight }: Parameters, region: string, y: Matrix, { values }: Normal): void {
  heap.kernels.affine(y.at, values.at, weight(`${region}.weight`), weight(`${region}.bias`), y.row, y.rows);
}

/** y = x·Wᵀ + b */
function linear({ heap, weight }: Parameters, region: string, x: Matrix, y: Matrix): void {
  const w = dense(weight(`${region}.weight`), y.columns, x.columns);
  multiply(heap, { a: { matrix: x }, b: { matrix: w, transposed: true }, c: y, from: weight(`${region}.bias`) });
}

/** dx = from + dy·W */
function linearBackward(
  { heap, weight }: Parameters,
  region: string,
  { dx, dy, from }: { readonly dx: Matrix; readonly dy: Matrix; readonly from?: Product["from"] },
): void {
  const w = dense(weight(`${region}.weight`), dy.columns, dx.columns);
  multiply(heap, { a: { matrix: dy }, b: { matrix: w }, c: dx, ...(from !== undefined && { from }) });
}

/** dW += dyᵀ·x, db += the sum of dy's rows. */
function linearGradient({ heap, gradient }: Parameters, region: string, x: Matrix, dy: Matrix): void {
  const dw = dense(gradient(`${region}.weight`), dy.columns, x.columns);
  multiply(heap, { a: { matrix: dy, transposed: true }, b: { matrix: x }, c: dw, from: "c" });
  heap.kernels.sumRows(gradient(`${region}.bias`), dy.at, dy.row, dy.rows);
}

/** Block i; x (T, H) becomes its result. */
export function blockForward(
  parameters: Parameters,
  i: number,
  { texts, kept }: { readonly texts: PackedTexts; readonly kept: Kept },
  x: Matrix,
): void {
  const { heap, shape } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = kept;
  heap.during(() => {
    const sum = heap.takeMatrix(x.rows, x.columns);
    const middle = heap.takeMatrix(x.rows, x.columns);
    const activated = heap.takeMatrix(x.rows, inner.columns);
    linear(parameters, `${at}.attention.qkv`, x, qkv);
    attend(heap, { texts, heads: shape.heads, qkv, context, kept: kept.attention });
    linear(parameters, `${at}.attention.output`, context, sum);
    norm(parameters, `${at}.attention.norm`, { x: sum, other: x, y: middle }, attentionNorm);
    linear(parameters, `${at}.intermediate`, middle, inner);
    heap.kernels.gelu(activated.at, inner.at, endOf(inner));
    linear(parameters, `${at}.output`, activated, sum);
    norm(parameters, `${at}.output.norm`, { x: sum, other: middle, y: x }, outputNorm);
  });
}

/** Where a block's input came from: the norm before it. */
export interface Input {
  readonly region: string;
  readonly normal: Normal;
}

/** Block i; d, the gradient of its result, becomes that of its input. */
export function blockBackward(
  parameters: Parameters,
  i: number,
  { texts, input, kept }: { readonly texts: PackedTexts; readonly input: Input; readonly kept: Kept },
  d: Matrix,
): void {
  const { heap, shape } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = kept;
  heap.during(() => {
    const [x, dContext] = [heap.takeMatrix(d.rows, d.columns), heap.takeMatrix(d.rows, d.columns)];
    const activated = heap.takeMatrix(d.rows, inner.columns);
    const dInner = heap.takeMatrix(d.rows, inner.columns);
    const dqkv = heap.takeMatrix(d.rows, qkv.columns);
    // Attention writes no padding, and the bias's gradient sums it.
    heap.view(dqkv.at, (dqkv.row * dqkv.rows) / floatBytes).fill(0);

    normBackward(parameters, `${at}.output.norm`, d, outputNorm);
    linearBackward(parameters, `${at}.output`, { dx: dInner, dy: d });
    heap.kernels.geluBackward(activated.at, dInner.at, inner.at, endOf(inner));
    linearGradient(parameters, `${at}.output`, activated, d);
    normAgain(parameters, `${at}.attention.norm`, x, attentionNorm);
    linearGradient(parameters, `${at}.intermediate`, x, dInner);
    linearBackward(parameters, `${at}.intermediate`, { dx: d, dy: dInner, from: "c" });

    normBackward(parameters, `${at}.attention.norm`, d, attentionNorm);
    linearGradient(parameters, `${at}.attention.output`, context, d);
    linearBackward(parameters, `${at}.attention.output`, { dx: dContext, dy: d });
    const attention = { texts, heads: shape.heads, qkv, context, kept: kept.attention };
    attendBackward(heap, attention, dContext, dqkv);
    normAgain(parameters, input.region, x, input.normal);
    linearGradient(parameters, `${at}.attention.qkv`, x, dqkv);
    linearBackward(parameters, `${at}.attention.qkv`, { dx: d, dy: dqkv, from: "c" });
  });
}
