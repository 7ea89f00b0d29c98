import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { crc32 } from "../../src/base/crc32.ts";

/** Bit by bit, as the polynomial is divided. */
function plain(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("has the standard's check value", () => {
  const digits = new TextEncoder().encode("123456789");
  expect(crc32(digits)).toBe(0xcbf43926);
  expect(crc32(digits.subarray(5), crc32(digits.subarray(0, 5)))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("is that of the division bit by bit, at any length and place", () => {
  const source = random(3, "bytes");
  const all = Uint8Array.from({ length: 300 }, () => source.integer(256));
  for (let start = 0; start < 9; start++) {
    for (const length of [1, 7, 8, 9, 16, 33, 129, 291]) {
      const bytes = all.subarray(start, start + length);
      expect(crc32(bytes)).toBe(plain(bytes));
      expect(crc32(bytes.subarray(3), crc32(bytes.subarray(0, 3)))).toBe(plain(bytes));
    }
  }
});
