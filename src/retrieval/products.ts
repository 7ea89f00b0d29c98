/**
 * Inner products of many documents with many queries in float32, in WebAssembly: a tile of 4 documents × 8 queries is
 * summed in registers, so that each number that is loaded is multiplied eight or four times. Lanes are queries: any
 * number of dimensions goes without a rest, and a product is one sum in the order of the dimensions wherever it stands.
 */
import { assert, present } from "../base/assert.ts";
import {
  f32x4,
  hasSimd,
  i32,
  instantiate,
  local,
  pageBytes,
  repeatWhile,
  v128,
  wasmModule,
  type Code,
} from "../base/wasm.ts";

/** Documents a block: 256 of 384 dimensions are 384 KiB, and stay in the second-level cache for all queries of a group. */
export const blockSize = 256;
/** Queries a group. A block is copied once for all of them: with 128 that is a twentieth of the time. */
export const groupSize = 128;
/** Queries whose products are made in one go: two vectors of four. */
export const panelSize = 8;

/** Documents a tile: with eight sums, two vectors of queries and one of a document it fits in 16 registers. */
const tileRows = 4;
const lanes = 4;
const tileVectors = panelSize / lanes;
const vectorBytes = 16;
const floatBytes = 4;

export interface Products {
  /** Takes at most `groupSize` queries, (queries, dimensions). */
  takeQueries(values: Float32Array): void;
  /** Takes at most `blockSize` documents, (documents, dimensions). */
  takeDocuments(values: Float32Array): void;
  /** Multiplies the documents that were taken with the queries from `panel` · `panelSize` on. */
  multiply(panel: number): void;
  /** (blockSize, panelSize), of the last `multiply`; rows and columns beyond what was taken mean nothing. */
  readonly scores: Float32Array;
}

/** `multiply`'s parameters and locals, by their numbers: addresses of the tile's documents, of the panel and of the tile's scores. */
const [tile, panel, scores, tiles, row, column, end] = [0, 1, 2, 3, 4, 5, 6];
const firstSum = 7;
const sumOf = (r: number, v: number): number => firstSum + r * tileVectors + v;
const queryVector = (v: number): number => firstSum + tileRows * tileVectors + v;
const element = firstSum + tileRows * tileVectors + tileVectors;
const vectorLocals = tileRows * tileVectors + tileVectors + 1;

const each = (count: number, code: (i: number) => Code): Code =>
  Array.from({ length: count }, (_, i) => code(i)).flat();
const eachSum = (code: (r: number, v: number) => Code): Code =>
  each(tileRows, (r) => each(tileVectors, (v) => code(r, v)));
/** to = from + bytes, of two addresses. */
const move = (to: number, from: number, bytes: number): Code => [
  ...local.get(from),
  ...i32.const(bytes),
  ...i32.add,
  ...local.set(to),
];

/** Adds the products of one dimension to all sums of the tile. Not unrolled: V8 then runs out of registers, and is slower. */
function addDimension(rowBytes: number): Code {
  const addProduct = (r: number, v: number): Code => [
    ...local.get(sumOf(r, v)),
    ...local.get(element),
    ...local.get(queryVector(v)),
    ...f32x4.mul,
    ...f32x4.add,
    ...local.set(sumOf(r, v)),
  ];
  return [
    ...each(tileVectors, (v) => [...local.get(column), ...v128.load(v * vectorBytes), ...local.set(queryVector(v))]),
    ...each(tileRows, (r) => [
      ...local.get(row),
      ...v128.load32Splat(r * rowBytes),
      ...local.set(element),
      ...each(tileVectors, (v) => addProduct(r, v)),
    ]),
  ];
}

/** multiply(tile, panel, scores, tiles): the products of `tiles` tiles of documents with one panel of queries. */
function multiplyCode(dimensions: number): Code {
  const rowBytes = dimensions * floatBytes;
  const oneDimension = [
    ...addDimension(rowBytes),
    ...move(row, row, floatBytes),
    ...move(column, column, tileVectors * vectorBytes),
  ];
  const oneTile = [
    ...eachSum((r, v) => [...v128.zero, ...local.set(sumOf(r, v))]),
    ...move(row, tile, 0),
    ...move(end, tile, rowBytes),
    ...move(column, panel, 0),
    ...repeatWhile([...local.get(row), ...local.get(end), ...i32.ltU], oneDimension),
    ...eachSum((r, v) => [
      ...local.get(scores),
      ...local.get(sumOf(r, v)),
      ...v128.store((r * tileVectors + v) * vectorBytes),
    ]),
    ...move(tile, tile, tileRows * rowBytes),
    ...move(scores, scores, tileRows * tileVectors * vectorBytes),
  ];
  const oneLess = [...local.get(tiles), ...i32.const(-1), ...i32.add, ...local.tee(tiles)];
  return repeatWhile(oneLess, oneTile);
}

/** The bytes of the kernel for vectors of `dimensions`. */
export function productsModule(dimensions: number): Uint8Array<ArrayBuffer> {
  return wasmModule([
    {
      name: "multiply",
      parameters: ["i32", "i32", "i32", "i32"],
      locals: ["i32", "i32", "i32", ...Array.from({ length: vectorLocals }, () => "v128" as const)],
      body: multiplyCode(dimensions),
    },
  ]);
}

/** Undefined where WebAssembly has no vector instructions. Holds one block and one group: 600 KiB at 384 dimensions. */
export function createProducts(dimensions: number): Products | undefined {
  assert(dimensions > 0, "vectors without dimensions");
  if (!hasSimd()) return undefined;
  const panelFloats = dimensions * panelSize;
  const queriesAt = blockSize * dimensions * floatBytes;
  const scoresAt = queriesAt + groupSize * dimensions * floatBytes;
  const bytes = scoresAt + blockSize * panelSize * floatBytes;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  const multiply = present(instantiate(productsModule(dimensions), memory)["multiply"], "the kernel");
  const documents = new Float32Array(memory.buffer, 0, blockSize * dimensions);
  const queries = new Float32Array(memory.buffer, queriesAt, groupSize * dimensions);
  let rows = 0;
  return {
    scores: new Float32Array(memory.buffer, scoresAt, blockSize * panelSize),
    takeDocuments(values) {
      assert(values.length > 0, "no documents");
      documents.set(values);
      rows = values.length / dimensions;
    },
    // Dimension by dimension, the panel's queries side by side.
    takeQueries(values) {
      for (let q = 0; q * dimensions < values.length; q++) {
        const lane = Math.floor(q / panelSize) * panelFloats + (q % panelSize);
        for (let k = 0; k < dimensions; k++) queries[lane + k * panelSize] = values[q * dimensions + k] ?? 0;
      }
    },
    multiply(panel) {
      multiply(0, queriesAt + panel * panelFloats * floatBytes, scoresAt, Math.ceil(rows / tileRows));
    },
  };
}
