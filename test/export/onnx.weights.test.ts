import { expect, test } from "vitest";
import type { Later } from "../../src/export/onnx/protobuf.ts";
import {
  rowScales,
  stored,
  storedSigned,
  storedTransposed,
  storedUnsigned,
  type Rows,
} from "../../src/export/onnx/weights.ts";

const source: Rows = { values: Float32Array.of(1, -2, 0.5, 0, 0, 0), rows: 2, columns: 3 };
const ranges: Rows = { values: Float32Array.of(127, -127, 50.4, 0, 0, 0, 1, -2.1, 4), rows: 3, columns: 3 };

function bytesOf(later: Later): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from([...later.make()].flatMap((chunk) => [...chunk]));
  expect(result.length).toBe(later.length);
  return result;
}

test("numbers are stored in 32 and in 16 bits, as they are and turned", () => {
  expect([...new Float32Array(bytesOf(stored(source, "float32")).buffer)]).toEqual([1, -2, 0.5, 0, 0, 0]);
  expect([...new Float32Array(bytesOf(storedTransposed(source, "float32")).buffer)]).toEqual([1, 0, -2, 0, 0.5, 0]);
  // 1, −2 and .5 in IEEE 754 binary16.
  expect([...new Uint16Array(bytesOf(stored(source, "float16")).buffer)]).toEqual([0x3c00, 0xc000, 0x3800, 0, 0, 0]);
});

test("in 32 bits a table is not copied", () => {
  const [first] = stored(source, "float32").make();
  expect(first?.buffer).toBe(source.values.buffer);
});

test("in 8 bits a row's largest number is ±127, and a row of zeros stays one", () => {
  expect([...rowScales(ranges)]).toEqual([1, 1, Math.fround(4 / 127)]);
  // 1 and −2.1 are 31.75 and −66.675 times 4/127.
  expect([...new Int8Array(bytesOf(storedSigned(ranges)).buffer)]).toEqual([127, -127, 50, 0, 0, 0, 32, -67, 127]);
  expect([...bytesOf(storedUnsigned(ranges))]).toEqual([255, 128, 160, 1, 128, 61, 178, 128, 255]);
});

test("a large table comes in pieces of whole rows", () => {
  const columns = 3000;
  const values = Float32Array.from({ length: 800 * columns }, (_, i) => (i % 255) - 127);
  const large: Rows = { values, rows: 800, columns };
  const pieces = [...storedSigned(large).make()];
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.every(({ length }) => length % columns === 0 && length <= 2 ** 20)).toBe(true);
  expect(Buffer.compare(Buffer.concat(pieces), Buffer.from(Int8Array.from(values).buffer))).toBe(0);
});

test("turning works at sizes that blocks do not divide", () => {
  const [rows, columns] = [37, 19];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const turned = new Float32Array(bytesOf(storedTransposed({ values, rows, columns }, "float32")).buffer);
  const expected = Array.from({ length: rows * columns }, (_, i) => (i % rows) * columns + Math.floor(i / rows));
  expect([...turned]).toEqual(expected);
});
