import { expect, test } from "vitest";
import {
  copyNumbers,
  floatToHalf,
  halfToFloat,
  readSafetensors,
  writeSafetensors,
} from "../../src/encoder/safetensors.ts";
import { UnreadableSafetensors } from "../../src/encoder/safetensorsHeader.ts";
import { goldenNames, loadGolden } from "../support/golden.ts";

const tensors = [
  { name: "a", shape: [2, 3], values: Float32Array.of(1, -2, 0.5, 65504, 0, 3e-5) },
  { name: "b", shape: [1], values: Float32Array.of(7) },
];

const raw = (header: string, data = 0, length = header.length) => {
  const file = new Uint8Array(8 + header.length + data);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(new TextEncoder().encode(header), 8);
  return file;
};
const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype = "F32") =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

test.each(goldenNames)("reads the float64 fixture %s", (name) => {
  const golden = loadGolden(name);
  expect(golden.expected.embedding.length).toBe((golden.batch.texts.cuSeqlens.length - 1) * golden.shape.hidden);
  expect(golden.expected.gradNorm[0]).toBeCloseTo(Math.hypot(...golden.expected.gradient), 9);
});

test.each(["F32", "F16"] as const)("what is written in %s is read back", (dtype) => {
  const read = readSafetensors(writeSafetensors(tensors, dtype));
  expect([...read.keys()]).toEqual(["a", "b"]);
  const values = new Float32Array(6);
  const a = read.get("a");
  if (a) copyNumbers(a, values);
  tensors[0]?.values.forEach((value, i) =>
    expect(Math.abs((values[i] ?? NaN) - value)).toBeLessThanOrEqual(dtype === "F32" ? 0 : 3e-8),
  );
});

test("every half survives a round trip, and rounding is to nearest even", () => {
  for (let half = 0; half < 65536; half++) {
    const value = halfToFloat(half);
    if (Number.isNaN(value)) expect(halfToFloat(floatToHalf(value))).toBeNaN();
    else expect(floatToHalf(value)).toBe(half);
  }
  expect(floatToHalf(1 + 2 ** -11)).toBe(floatToHalf(1));
  expect(floatToHalf(1 + 3 * 2 ** -11)).toBe(floatToHalf(1 + 2 ** -9));
  expect(floatToHalf(65520)).toBe(0x7c00);
});

test.each([
  ["too short", new Uint8Array(3)],
  ["header longer than the file", raw("{}", 0, 5000)],
  ["header of a terabyte", raw("{}", 0, 2 ** 40)],
  ["not JSON", raw("{oops")],
  ["a list", raw("[1]")],
  ["overlap", raw(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12)],
  ["gap", raw(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12)],
  ["bytes left over", raw(`{"a":${entry(0, 4)}}`, 12)],
  ["past the end", raw(`{"a":${entry(0, 16)}}`, 12)],
  ["shape does not match", raw(`{"a":${entry(0, 12, [4])}}`, 12)],
  ["shape overflows", raw(`{"a":${entry(0, 12, [2 ** 31, 2 ** 31, 2 ** 31])}}`, 12)],
  ["negative size", raw(`{"a":${entry(0, 12, [-3])}}`, 12)],
  ["unknown dtype", raw(`{"a":${entry(0, 12, [3], "F8")}}`, 12)],
])("refuses a file: %s", (_, file) => {
  expect(() => readSafetensors(file)).toThrow(UnreadableSafetensors);
});
