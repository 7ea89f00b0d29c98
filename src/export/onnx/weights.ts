/** Parts of an arena of weights as an ONNX file stores them: in 32, 16 or 8 bits, matrices turned to (inputs, outputs). */
import { floatToHalf } from "../../encoder/safetensors.ts";
import type { ElementType } from "./proto.ts";
import type { Later } from "./protobuf.ts";

/** Numbers, row by row. */
export interface Rows {
  readonly values: Float32Array<ArrayBuffer>;
  readonly rows: number;
  readonly columns: number;
}

/** Rows at a time of a table, in numbers: 4 MiB of them in 32 bits. */
const PIECE = 2 ** 20;

const bytesOf = ({ buffer, byteOffset, byteLength }: { buffer: ArrayBuffer; byteOffset: number; byteLength: number }) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function halves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = floatToHalf(values[i] ?? 0);
  return result;
}

/** Little-endian, as every machine is that has WebAssembly's memory. Without a copy where the numbers stay what they are. */
const encoded = (values: Float32Array<ArrayBuffer>, type: ElementType): Uint8Array<ArrayBuffer> =>
  bytesOf(type === "float16" ? halves(values) : values);

const pieceRows = (columns: number): number => Math.max(1, Math.floor(PIECE / columns));

function* pieces({ values, rows, columns }: Rows): Generator<Rows> {
  const step = pieceRows(columns);
  for (let row = 0; row < rows; row += step) {
    const end = Math.min(rows, row + step);
    yield { values: values.subarray(row * columns, end * columns), rows: end - row, columns };
  }
}

/** Rows that are turned together: their numbers then lie side by side. */
const BLOCK = 16;

function transposed<T extends Float32Array | Uint8Array>({ rows, columns }: Rows, from: T, to: T): T {
  for (let first = 0; first < rows; first += BLOCK) {
    const end = Math.min(rows, first + BLOCK);
    for (let c = 0; c < columns; c++) {
      for (let r = first; r < end; r++) to[c * rows + r] = from[r * columns + c] ?? 0;
    }
  }
  return to;
}

/** The rows as they are. */
export const stored = (source: Rows, type: "float32" | "float16"): Later => ({
  length: source.rows * source.columns * (type === "float16" ? 2 : 4),
  *make() {
    for (const { values } of pieces(source)) yield encoded(values, type);
  },
});

/** (columns, rows) */
export const storedTransposed = (source: Rows, type: "float32" | "float16"): Later => ({
  length: source.rows * source.columns * (type === "float16" ? 2 : 4),
  *make() {
    yield encoded(transposed(source, source.values, new Float32Array(source.values.length)), type);
  },
});

/** The largest magnitude that a row's numbers in 8 bits stand for. */
const MOST = 127;

/** What a unit of each row's numbers in 8 bits is worth, so that its largest is ±127. */
export function rowScales({ values, rows, columns }: Rows): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let most = 0;
    for (let c = 0; c < columns; c++) most = Math.max(most, Math.abs(values[r * columns + c] ?? 0));
    scales[r] = most > 0 ? most / MOST : 1;
  }
  return scales;
}

/** Each number in units of its row's scale, and `zero` more. */
function quantized(source: Rows, zero: number): Uint8Array<ArrayBuffer> {
  const { values, rows, columns } = source;
  const scales = rowScales(source);
  const result = new Uint8Array(values.length);
  for (let r = 0; r < rows; r++) {
    const scale = scales[r] ?? 1;
    for (let i = r * columns; i < (r + 1) * columns; i++) {
      // No magnitude is above MOST by more than rounding. Kept modulo 256: below zero in two's complement.
      result[i] = Math.round((values[i] ?? 0) / scale) + zero;
    }
  }
  return result;
}

/** What 0 is in {@link storedUnsigned}. */
export const ZERO_POINT = 128;

/** The rows in signed 8 bits, by {@link rowScales}. */
export const storedSigned = (source: Rows): Later => ({
  length: source.rows * source.columns,
  *make() {
    for (const piece of pieces(source)) yield quantized(piece, 0);
  },
});

/** (columns, rows) in unsigned 8 bits around {@link ZERO_POINT}, by {@link rowScales}. */
export const storedUnsigned = (source: Rows): Later => ({
  length: source.rows * source.columns,
  *make() {
    yield transposed(source, quantized(source, ZERO_POINT), new Uint8Array(source.values.length));
  },
});

/** Numbers that are computed when they are asked for. */
export const computed = (length: number, values: () => Float32Array<ArrayBuffer>, type: ElementType): Later => ({
  length: length * (type === "float16" ? 2 : 4),
  *make() {
    yield encoded(values(), type);
  },
});
