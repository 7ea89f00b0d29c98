/** What the blocks of all families are made of: norms and linear layers on rows in the heap, there and back. */
import type { BertShape } from "../../domain/encoder.ts";
import type { Dropping } from "./drop.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import { multiply, type Product } from "./product.ts";

/** A model's parameters behind its embedding tables, in the heap. */
export interface Parameters {
  readonly heap: Heap;
  readonly shape: Pick<BertShape, "hidden" | "heads" | "layerNormEpsilon">;
  /** H ones, then zeros to the end of a padded row. */
  readonly ones: number;
  /** H zeros, to the end of a padded row. */
  readonly zeros: number;
  /** The address of a region of the layout. */
  weight(region: string): number;
  /** The address of its gradient, which is added to; undefined where none is wanted. */
  gradient(region: string): number | undefined;
  /** The way back ends at this layer, at the embeddings if it is −1. */
  readonly bottom: number;
  /** What a training step drops of this chunk. */
  readonly dropping?: Dropping | undefined;
  /** Whether the layout has the region. */
  has(region: string): boolean;
}

/** What a LayerNorm keeps: its result before weight and bias, (T, H), and 1/deviation, (T). */
export interface Normal {
  readonly values: Matrix;
  readonly inverse: number;
}

export function takeNormal(heap: Heap, tokens: number, hidden: number): Normal {
  return { values: heap.takeMatrix(tokens, hidden), inverse: heap.take(tokens) };
}

export const endOf = ({ at, row, rows }: Matrix): number => at + row * rows;

/** Rows without padding: a weight, or its gradient. */
export const dense = (at: number, rows: number, columns: number): Matrix => ({
  at,
  row: columns * floatBytes,
  rows,
  columns,
  padded: false,
});

const biasOf = ({ weight, zeros, has }: Parameters, region: string): number =>
  has(`${region}.bias`) ? weight(`${region}.bias`) : zeros;

/** y = n·weight + bias, n = x, or x + other, normalised. y may be x. */
export function norm(
  parameters: Parameters,
  region: string,
  { x, other, y }: { readonly x: Matrix; readonly other?: Matrix; readonly y: Matrix },
  { values, inverse }: Normal,
): void {
  const { heap, shape, ones, zeros, weight } = parameters;
  const { hidden, layerNormEpsilon } = shape;
  const [w, b] = [weight(`${region}.weight`), biasOf(parameters, region)];
  const [added, addedRow] = other ? [other.at, other.row] : [zeros, 0];
  // prettier-ignore
  heap.kernels.norm(y.at, values.at, inverse, x.at, added, addedRow, w, b, ones, x.row, x.rows, 1 / hidden, layerNormEpsilon);
}

/** d, the gradient of the norm's result → that of its input. */
export function normBackward(
  { heap, shape, ones, weight, gradient }: Parameters,
  region: string,
  d: Matrix,
  { values, inverse }: Normal,
): void {
  const w = weight(`${region}.weight`);
  heap.during(() => {
    const unwanted = () => heap.takeZeros(d.row / floatBytes);
    const dw = gradient(`${region}.weight`) ?? unwanted();
    const db = gradient(`${region}.bias`) ?? unwanted();
    // prettier-ignore
    heap.kernels.normBackward(d.at, dw, db, d.at, values.at, inverse, w, ones, d.row, d.rows, 1 / shape.hidden);
  });
}

/** y, the norm's result once more. */
export function normAgain(parameters: Parameters, region: string, y: Matrix, { values }: Normal): void {
  const w = parameters.weight(`${region}.weight`);
  parameters.heap.kernels.affine(y.at, values.at, w, biasOf(parameters, region), y.row, y.rows);
}

/** y = from + x·Wᵀ */
export function times(heap: Heap, w: Matrix, { x, y, from }: Times): void {
  multiply(heap, { a: { matrix: x }, b: { matrix: w, transposed: true }, c: y, ...(from !== undefined && { from }) });
}

interface Times {
  readonly x: Matrix;
  readonly y: Matrix;
  readonly from?: Product["from"];
}

/** dx = from + dy·W */
export function timesBackward(heap: Heap, w: Matrix, { dx, dy, from }: TimesBackward): void {
  multiply(heap, { a: { matrix: dy }, b: { matrix: w }, c: dx, ...(from !== undefined && { from }) });
}

interface TimesBackward {
  readonly dx: Matrix;
  readonly dy: Matrix;
  readonly from?: Product["from"];
}

/** dW += dyᵀ·x, from row `first` of W on; nothing where it is not wanted. */
export function timesGradient(
  { heap, gradient }: Parameters,
  region: string,
  { x, dy, first = 0 }: { readonly x: Matrix; readonly dy: Matrix; readonly first?: number },
): void {
  const at = gradient(`${region}.weight`);
  if (at === undefined) return;
  const dw = dense(at + first * x.columns * floatBytes, dy.columns, x.columns);
  multiply(heap, { a: { matrix: dy, transposed: true }, b: { matrix: x }, c: dw, from: "c" });
}
