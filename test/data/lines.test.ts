import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Line } from "../../src/data/lines.ts";
import { createLineSplitter, maxLineBytes } from "../../src/data/lines.ts";
import { reasonOf } from "../../src/data/problem.ts";
import { utf8 } from "./import.ts";

function split(...chunks: readonly Uint8Array[]): Line[] {
  const splitter = createLineSplitter();
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
}

const textsOf = (lines: readonly Line[]) =>
  lines.map((line) => ("text" in line ? [line.number, line.text] : line.number));

test("lines end with LF or CRLF, the last with nothing; blank ones only count", () => {
  expect(textsOf(split(utf8("a\r\n\n  \nb\nc")))).toEqual([
    [1, "a"],
    [4, "b"],
    [5, "c"],
  ]);
});

test("a byte order mark is not part of the first line", () => {
  expect(textsOf(split(utf8('\uFEFF{"_id":1}\n')))).toEqual([[1, '{"_id":1}']]);
});

test("where the chunks are cut makes no difference, inside a character neither", () => {
  const text = 'première\nзверь "🦦"\r\n\nlast';
  const whole = textsOf(split(utf8(text)));
  fc.assert(
    fc.property(fc.array(fc.nat(40)), (cuts) => {
      const bytes = utf8(text);
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.slice(places[i], end));
      expect(textsOf(split(...chunks))).toEqual(whole);
    }),
  );
});

test("a line that is not UTF-8 is one bad line, with what can be read of it", () => {
  const lines = split(utf8("good\n"), new Uint8Array([0x61, 0xff, 0x62, 10]), utf8("good again"));
  expect(textsOf(lines)).toEqual([[1, "good"], 2, [3, "good again"]]);
  const [, bad] = lines;
  expect(bad && "problem" in bad && [reasonOf(bad.problem), bad.excerpt]).toEqual([
    "not UTF-8: the bytes of this line are not UTF-8 text; save the file as UTF-8",
    "a\uFFFDb",
  ]);
});

test("a replacement character that is in the file is a character", () => {
  expect(textsOf(split(utf8("a\uFFFDb\n")))).toEqual([[1, "a\uFFFDb"]]);
});

test.each([
  [[0xc0, 0x80]],
  [[0xed, 0xa0, 0x80]],
  [[0xf4, 0x90, 0x80, 0x80]],
  [[0xe2, 0x82]],
  [[0xef, 0xbf, 0xbd, 0x80]],
])("overlong forms, surrogates, what is beyond Unicode, and halves of characters are not UTF-8: %j", (bytes) => {
  expect(textsOf(split(new Uint8Array([0x61, ...bytes])))).toEqual([1]);
});

test("a line of exactly 1 MiB is read, one byte more is not, and the next line is", () => {
  const full = new Uint8Array(maxLineBytes).fill(0x61);
  expect(split(full, utf8("\nnext")).map((line) => "text" in line && line.text.length)).toEqual([maxLineBytes, 4]);
  const lines = split(full, utf8("b\nnext"));
  expect(textsOf(lines)).toEqual([1, [2, "next"]]);
  const [long] = lines;
  expect(long && "problem" in long && reasonOf(long.problem)).toContain("it has 1,048,577 bytes");
  expect(long && "problem" in long && long.excerpt).toBe("a".repeat(200));
});

test("the excerpt of a long line is its start, however it was cut", () => {
  const [long] = split(utf8("abc"), new Uint8Array(maxLineBytes).fill(0x64), utf8("e"));
  expect(long && "problem" in long && long.excerpt).toBe(`abc${"d".repeat(197)}`);
});

test("a line of 5 MB is skipped, its size is told", () => {
  const chunk = new Uint8Array(50_000).fill(0x61);
  const lines = split(...Array.from({ length: 100 }, () => chunk), utf8("\nnext"));
  expect(textsOf(lines)).toEqual([1, [2, "next"]]);
  expect(JSON.stringify(lines[0])).toContain("5,000,000 bytes");
});
