/**
 * Products of matrices in the heap, of any size, by the kernel for tiles of 4 × 8: the right factor is copied into panels of
 * eight columns, a left factor that is read by its columns into tiles of four. Blocks are such that a panel stays in the
 * first-level cache and a block of the left factor in the second (Goto and van de Geijn, 2008).
 */
import { assert } from "../../base/assert.ts";
import { floatBytes, roundUp, type Heap, type Matrix } from "./heap.ts";
import { lanes } from "./kernels/code.ts";
import { panelColumns, panelRowBytes, tileRows } from "./kernels/product.ts";

/** Products a sum in one go. A panel of so many rows is 12 KiB. */
const DEPTH = 384;
/** Rows of the left factor in one go: with {@link DEPTH}, 192 KiB. */
const ROWS = 128;
const tileBytes = tileRows * floatBytes;

/** A matrix, or its transpose. */
export interface Factor {
  readonly matrix: Matrix;
  readonly transposed?: boolean;
}

export interface Product {
  readonly a: Factor;
  readonly b: Factor;
  readonly c: Matrix;
  /**
   * What the sums start from: nothing; "c" itself; or, where c is padded, a padded matrix or one row for all, at an address.
   */
  readonly from?: "c" | Matrix | number;
}

interface Block {
  /** First product of each sum, and how many. */
  readonly k: number;
  readonly depth: number;
}

/** Floats that a product takes whose right factor has so many columns, at most. */
export const productFloats = (columns: number): number =>
  (roundUp(columns, panelColumns) + ROWS) * DEPTH + 2 * tileRows * panelColumns;

const columnsOf = ({ matrix, transposed = false }: Factor): number => (transposed ? matrix.rows : matrix.columns);
const rowsOf = ({ matrix, transposed = false }: Factor): number => (transposed ? matrix.columns : matrix.rows);

/** c = from + a·b */
export function multiply(heap: Heap, { a, b, c, from }: Product): void {
  const [rows, depth, columns] = [rowsOf(a), columnsOf(a), columnsOf(b)];
  assert(rowsOf(b) === depth && c.rows === rows && c.columns === columns, "sizes of a product");
  assert(c.padded || from === undefined || from === "c", "only a padded product starts from another matrix");
  const blocks = Math.ceil(depth / DEPTH);
  const size = roundUp(Math.ceil(depth / blocks), lanes);
  heap.during(() => {
    const panels = heap.take(roundUp(columns, panelColumns) * size);
    const zeros = heap.takeZeros(panelColumns);
    const tiles = a.transposed === true ? heap.take(ROWS * size) : 0;
    const tile = heap.take(tileRows * panelColumns);
    for (let k = 0; k < depth; k += size) {
      const block = { k, depth: Math.min(size, depth - k) };
      takePanels(heap, b, block, panels);
      for (let row = 0; row < rows; row += ROWS) {
        const left = takeRows(heap, a, block, { row, rows: Math.min(ROWS, rows - row), tiles });
        multiplyRows(heap, { left, block, panels, zeros, tile, c, from: k === 0 ? from : "c" });
      }
    }
  });
}

/** Copies a block of b's rows into panels, half a panel at a time. Columns beyond the last are zeros. */
function takePanels({ kernels, floats }: Heap, b: Factor, { k, depth }: Block, panels: number): void {
  const { at, row } = b.matrix;
  const transposed = b.transposed === true;
  const step = transposed ? floatBytes : row;
  const apart = transposed ? row : floatBytes;
  const columns = columnsOf(b);
  for (let column = 0; column < roundUp(columns, panelColumns); column += lanes) {
    const panel = panels + Math.floor(column / panelColumns) * depth * panelRowBytes;
    const to = panel + (column % panelColumns) * floatBytes;
    const from = at + k * step + column * apart;
    if (column + lanes > columns || (transposed && depth % lanes > 0)) {
      takeRest(floats, { to, from, rows: depth, step, apart, columns: columns - column });
    } else if (transposed) {
      kernels.transpose(to, panelRowBytes, from, from + row, from + 2 * row, from + 3 * row, depth / lanes);
    } else {
      kernels.gather(to, panelRowBytes, from, row, depth);
    }
  }
}

interface Rest {
  readonly to: number;
  readonly from: number;
  readonly rows: number;
  readonly step: number;
  readonly apart: number;
  readonly columns: number;
}

/** Half a panel, float by float, where it is no whole vectors. */
function takeRest(floats: Float32Array, { to, from, rows, step, apart, columns }: Rest): void {
  for (let r = 0; r < rows; r++) {
    const [target, source] = [(to + r * panelRowBytes) / floatBytes, (from + r * step) / floatBytes];
    for (let i = 0; i < lanes; i++) {
      floats[target + i] = i < columns ? (floats[source + (i * apart) / floatBytes] ?? 0) : 0;
    }
  }
}

/** Where a block of the left factor is, as the kernel wants to know it. */
interface Left {
  readonly at: number;
  readonly row: number;
  readonly step: number;
  readonly tile: number;
  /** Of the product. */
  readonly first: number;
  readonly rows: number;
}

interface Rows {
  readonly row: number;
  readonly rows: number;
  readonly tiles: number;
}

function takeRows({ kernels }: Heap, a: Factor, { k, depth }: Block, { row: first, rows, tiles }: Rows): Left {
  const { at, row } = a.matrix;
  if (a.transposed !== true) {
    return { at: at + first * row + k * floatBytes, row, step: floatBytes, tile: tileRows * row, first, rows };
  }
  for (let i = 0; i < rows; i += tileRows) {
    kernels.gather(tiles + i * depth * floatBytes, tileBytes, at + k * row + (first + i) * floatBytes, row, depth);
  }
  return { at: tiles, row: floatBytes, step: tileBytes, tile: depth * tileBytes, first, rows };
}

interface Multiplication {
  readonly left: Left;
  readonly block: Block;
  readonly panels: number;
  /** The address of a panel's row of zeros. */
  readonly zeros: number;
  readonly tile: number;
  readonly c: Matrix;
  readonly from: Product["from"];
}

/** Where the sums of c's rows from `first` on start, and how far apart rows and panels are there. */
function startOf({ c, from, zeros, left: { first } }: Multiplication) {
  if (from === undefined) return { at: zeros, row: 0, panel: 0 };
  if (typeof from === "number") return { at: from, row: 0, panel: panelRowBytes };
  const { at, row } = from === "c" ? c : from;
  return { at: at + first * row, row, panel: panelRowBytes };
}

/** The products of some rows with all panels; what is no whole tile of an unpadded c goes through `tile`. */
function multiplyRows(heap: Heap, product: Multiplication): void {
  const { left, block, panels, tile, zeros, c } = product;
  const { depth } = block;
  const start = startOf(product);
  for (let panel = 0; panel * panelColumns < c.columns; panel++) {
    const b = panels + panel * depth * panelRowBytes;
    const end = b + depth * panelRowBytes;
    const target = c.at + left.first * c.row + panel * panelRowBytes;
    const columns = c.padded ? panelColumns : Math.min(panelColumns, c.columns - panel * panelColumns);
    const whole = c.padded ? Math.ceil(left.rows / tileRows) : Math.floor(left.rows / tileRows);
    const done = columns < panelColumns ? 0 : whole;
    if (done > 0) {
      const from = start.at + panel * start.panel;
      // prettier-ignore
      heap.kernels.multiply(left.at, left.row, left.step, left.tile, b, end, target, c.row, from, start.row, done);
    }
    for (let t = done; t * tileRows < left.rows && !(c.padded && t >= whole); t++) {
      // prettier-ignore
      heap.kernels.multiply(left.at + t * left.tile, left.row, left.step, left.tile, b, end, tile, panelRowBytes, zeros, 0, 1);
      const rows = Math.min(tileRows, left.rows - t * tileRows);
      const to = target + t * tileRows * c.row;
      takeTile(heap.floats, tile, { at: to, row: c.row, rows, columns, padded: false }, product.from === "c");
    }
  }
}

/** Copies a part of a tile to `to`, or adds it to what is there. */
function takeTile(floats: Float32Array, tile: number, to: Matrix, adds: boolean): void {
  for (let r = 0; r < to.rows; r++) {
    const [target, source] = [(to.at + r * to.row) / floatBytes, tile / floatBytes + r * panelColumns];
    for (let j = 0; j < to.columns; j++) {
      floats[target + j] = (adds ? (floats[target + j] ?? 0) : 0) + (floats[source + j] ?? 0);
    }
  }
}
