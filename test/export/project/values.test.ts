import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteEntries, rowEntries, valueEntries, type Entry } from "../../../src/export/project/entries.ts";
import { arrayOf, arrayType, packValue, unpackValue } from "../../../src/export/project/values.ts";

const text = fc.string({ unit: "binary", maxLength: 8 });
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined, NaN, -0, Infinity, -Infinity, "$", "\ud800"),
  fc.float32Array().map((array) => new Float32Array(array)),
  fc.int32Array().map((array) => new Int32Array(array)),
  fc.uint8Array().map((array) => new Uint8Array(array)),
);
const key = fc.oneof(text, fc.constantFrom("$", "at", "of", "__proto__", "constructor", "0"));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as unknown),
  ),
}));

test("any value comes back: NaN, −0, undefined, arrays of numbers, keys that look like marks", () => {
  fc.assert(
    fc.property(value, (given) => {
      const { text, arrays } = packValue(given);
      const stored = arrays.map((array) => {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        return arrayOf(arrayType(array), bytes.slice());
      });
      // As text it is JSON that UTF-8 can hold.
      expect(text.isWellFormed()).toBe(true);
      // Vitest asks a value's own "constructor" what it is.
      return isDeepStrictEqual(unpackValue({ text, arrays: stored }), given);
    }),
    { numRuns: 500 },
  );
});

test("the marks are what the format says", () => {
  expect(packValue({ a: NaN, b: -0, c: undefined, d: { $: 1 }, e: Float32Array.of(1) }).text).toBe(
    '{"a":{"$":"NaN"},"b":{"$":"-0"},"c":{"$":"undefined"},"d":{"$":"object","of":{"$":1}},"e":{"$":"array","at":0}}',
  );
});

const collect = <Place>(work: Generator<Entry, Place, void>): { entries: Entry[]; place: Place } => {
  const entries: Entry[] = [];
  for (;;) {
    const next = work.next();
    if (next.done) return { entries, place: next.value };
    entries.push(next.value);
  }
};
const joined = (entries: readonly Entry[]) => Buffer.concat(entries.map(({ bytes }) => bytes));

test("large values, arrays and rows are cut into parts that make the whole again", () => {
  const long = "ä🐦".repeat(400_000);
  const array = Float32Array.from({ length: 1_200_000 }, (_, i) => i);
  const { entries, place } = collect(valueEntries("v", { long, array }));
  expect(place.text).toEqual(["v.json", "v/part-1.json", "v/part-2.json"]);
  expect(place.arrays).toEqual([{ type: "f32", parts: ["v/0/0.bin", "v/0/1.bin"] }]);
  expect(JSON.parse(joined(entries.slice(0, 3)).toString())).toEqual({ long, array: { $: "array", at: 0 } });
  expect(joined(entries.slice(3)).equals(Buffer.from(array.buffer))).toBe(true);
  const rows = Array.from({ length: 12_000 }, (_, i) => ({ i }));
  const stored = collect(rowEntries("r", rows));
  expect(stored.place).toEqual(["r/0.json", "r/1.json", "r/2.json"]);
  expect(stored.entries.flatMap(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as unknown[])).toEqual(rows);
  const wide = collect(
    rowEntries(
      "w",
      Array.from({ length: 9 }, () => "x".repeat(400_000)),
    ),
  );
  expect(wide.entries.map(({ bytes }) => bytes.length)).toEqual([1_200_010, 1_200_010, 1_200_010]);
  expect(collect(rowEntries("r", []))).toEqual({ entries: [], place: [] });
  expect(collect(byteEntries("b", new Uint8Array(0)))).toEqual({ entries: [], place: [] });
});
