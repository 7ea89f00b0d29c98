/**
 * Dropout on rows in the heap (Srivastava et al., 2014), in plain loops; encoder/dropout.ts says which numbers. A gradient goes back
 * through it as the numbers went forward.
 */
import { dropHash, dropThreshold, sites } from "../dropout.ts";
import type { Dropout } from "../../domain/engine.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";

/** What a step drops of a chunk. */
export interface Dropping extends Dropout {
  /** The step's. */
  readonly seed: number;
  /** The number of the chunk's first token in the step. */
  readonly first: number;
}

export interface Place {
  readonly seed: number;
  readonly site: number;
  readonly rate: number;
  /** Of the first row and column, as the hash counts them. */
  readonly row: number;
  readonly column: number;
}

/** Sets numbers of a matrix to zero by their hash, and scales up the rest. */
export function drop({ floats }: Heap, matrix: Matrix, { seed, site, rate, row, column }: Place): void {
  const threshold = dropThreshold(rate);
  const scale = 1 / (1 - rate);
  for (let r = 0; r < matrix.rows; r++) {
    const at = (matrix.at + r * matrix.row) / floatBytes;
    for (let c = 0; c < matrix.columns; c++) {
      const dropped = dropHash({ seed, site, row: row + r, column: column + c }) < threshold;
      floats[at + c] = dropped ? 0 : (floats[at + c] ?? 0) * scale;
    }
  }
}

/** Of the chunk's rows (T, H) at a site. */
export function dropRows(heap: Heap, x: Matrix, dropping: Dropping | undefined, site: number): void {
  const { seed, hidden: rate = 0, first } = dropping ?? { seed: 0, first: 0 };
  if (rate > 0) drop(heap, x, { seed, site, rate, row: first, column: 0 });
}

/** The gradient before a site, d behind it: d itself if nothing is dropped there, else room is taken for it. */
export function beforeDrop(heap: Heap, d: Matrix, dropping: Dropping | undefined, site: number): Matrix {
  if (!dropping || dropping.hidden === 0) return d;
  const before = heap.takeMatrix(d.rows, d.columns);
  heap.view(before.at, (d.row * d.rows) / floatBytes).set(heap.view(d.at, (d.row * d.rows) / floatBytes));
  dropRows(heap, before, dropping, site);
  return before;
}

/** What attention drops of its weights in a layer. */
export function weightsDropped(dropping: Dropping | undefined, layer: number): Omit<Place, "column"> | undefined {
  if (!dropping || dropping.attention === 0) return undefined;
  return { seed: dropping.seed, site: sites.attention(layer), rate: dropping.attention, row: dropping.first };
}
