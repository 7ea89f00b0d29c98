/** Matrices in a heap of the CPU engine, poisoned where nothing may be read or has to be written. */
import { Heap, type Matrix } from "../../src/encoder/cpu/heap.ts";

export const newHeap = (fused?: boolean): Heap => new Heap(() => undefined, fused);

/** (rows, columns) between numbers that are none, padding too unless it is asked to be zeros. */
export function put(heap: Heap, columns: number, values: Float64Array | Float32Array, padding = NaN): Matrix {
  const matrix = heap.takeMatrix(values.length / columns, columns);
  const step = matrix.row / 4;
  heap.view(matrix.at, Math.ceil(matrix.rows / 4) * 4 * step).fill(padding);
  for (let row = 0; row < matrix.rows; row++) {
    heap.view(matrix.at + row * matrix.row, columns).set(values.subarray(row * columns, (row + 1) * columns));
  }
  return matrix;
}

export const empty = (heap: Heap, rows: number, columns: number): Matrix =>
  put(heap, columns, new Float64Array(rows * columns).fill(NaN));

/** The numbers of a matrix, without padding. */
export function read(heap: Heap, { at, row, rows, columns }: Matrix): Float32Array {
  const values = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) values.set(heap.view(at + r * row, columns), r * columns);
  return values;
}

/** The numbers of a padded matrix that are in the padding of its rows. */
export function paddingOf(heap: Heap, { at, row, rows, columns }: Matrix): number[] {
  return Array.from({ length: rows }, (_, r) => [...heap.view(at + r * row + 4 * columns, row / 4 - columns)]).flat();
}

/** A vector with zeros behind it, up to the end of a padded row; its address. */
export const putVector = (heap: Heap, values: Float64Array): number => put(heap, values.length, values, 0).at;
