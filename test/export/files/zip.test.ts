/** Zips as they go out, read by another program's code, and by the words of the format where no small file can have such numbers. */
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { crc32 } from "../../../src/base/crc32.ts";
import { openZip } from "../../../src/data/zip.ts";
import type { Bytes } from "../../../src/export/files/file.ts";
import { zipChunks, type ZipEntry } from "../../../src/export/files/zip.ts";
import { directory, localHeader, type Place } from "../../../src/export/files/zipFormat.ts";

const utf8 = (content: string): Bytes => new TextEncoder().encode(content);
const entry = (path: string, compress: boolean, ...chunks: Bytes[]): ZipEntry => ({
  path,
  compress,
  chunks: () => chunks,
});

async function zipped(entries: Iterable<ZipEntry>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const chunk of zipChunks(entries)) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

const words = Array.from({ length: 3000 }, (_, i) => `${i} the tide ${(i * i) % 7919}\n`).join("");
const sound = [
  entry("a/words.txt", true, utf8(words.slice(0, 900)), utf8(words.slice(900))),
  entry("weights.bin", false, utf8(words)),
  entry("décoy/☃.txt", true, utf8("snow")),
  entry("empty", true),
  entry("zeros", true, new Uint8Array(5e6)),
];

test("comes back whole from another unzipper and from Decoy's own", async () => {
  const zip = await zipped(sound);
  const files = unzipSync(zip);
  expect(Object.keys(files)).toEqual(sound.map(({ path }) => path));
  const [text, weights, snow, empty, zeros] = Object.values(files).map((bytes) => Buffer.from(bytes));
  expect([text?.toString(), weights?.toString(), snow?.toString(), empty?.length]).toEqual([words, words, "snow", 0]);
  expect(zeros?.equals(Buffer.alloc(5e6))).toBe(true);
  // Packed, and not what would be taken for a bomb.
  expect(zip.length).toBeLessThan(5e6 + 1.6 * words.length);
  expect(zip.length).toBeGreaterThan(5e6 + words.length);
  for (const source of await openZip("x.zip", new Blob([zip]))) {
    const parts: Uint8Array[] = [];
    for await (const chunk of source.bytes()) parts.push(chunk);
    expect(Buffer.concat(parts).equals(files[source.path] ?? Buffer.from("?"))).toBe(true);
  }
});

test("the same contents give the same bytes, with sizes and checksum before the content", async () => {
  const zip = await zipped(sound.slice(1, 2));
  expect(Buffer.from(await zipped(sound.slice(1, 2))).equals(zip)).toBe(true);
  const view = new DataView(zip.buffer);
  // No descriptor behind the bytes: bit 3 of the flags is not set.
  expect(view.getUint16(6, true) & 8).toBe(0);
  expect([14, 18, 22].map((at) => view.getUint32(at, true))).toEqual([crc32(utf8(words)), words.length, words.length]);
});

test("what is stored goes through piece by piece, whatever its size", async () => {
  let made = 0;
  const piece = new Uint8Array(2 ** 16);
  const large: ZipEntry = {
    path: "large",
    compress: false,
    *chunks() {
      for (let i = 0; i < 300; i++) {
        made++;
        yield piece;
      }
    },
  };
  const stream = zipChunks([large]);
  await stream.next();
  // Read once for the header. From there on each piece is made when it is asked for, and given on as it is.
  expect(made).toBe(300);
  for (let i = 1; i <= 300; i++) {
    const { value } = await stream.next();
    expect(value).toBe(piece);
    expect(made).toBe(300 + i);
  }
});

test("content that is another at the second reading is no zip", async () => {
  let times = 0;
  const moody: ZipEntry = { path: "m", compress: false, chunks: () => [new Uint8Array(1 + times++)] };
  await expect(zipped([moody])).rejects.toThrow("m had 1 bytes, and then 2");
});

test("70,000 entries, more than 16 bits count", async () => {
  function* many() {
    for (let i = 0; i < 70_000; i++) yield entry(`${i}`, false);
  }
  const files = unzipSync(await zipped(many()));
  expect(Object.keys(files).length).toBe(70_000);
  expect(files["69999"]).toBeDefined();
});

/** 64-bit numbers behind the id 1 and a length, as an extra field holds them (APPNOTE 4.5.3). */
function large(extra: Bytes): number[] {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  if (extra.length === 0) return [];
  expect([view.getUint16(0, true), view.getUint16(2, true)]).toEqual([1, extra.length - 4]);
  return Array.from({ length: (extra.length - 4) / 8 }, (_, i) => Number(view.getBigUint64(4 + 8 * i, true)));
}

const numbers = (bytes: Bytes, ...places: readonly number[]): number[] =>
  places.map((at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true));

const MOST = 0xffffffff;
const base: Place = { path: "w", method: 0, crc: 7, packed: 5, size: 5, offset: 0 };

test.each<[what: string, place: Place, local: number[], central: number[]]>([
  ["small", base, [], []],
  ["as large as 32 bits hold", { ...base, packed: MOST - 1, size: MOST - 1, offset: MOST - 1 }, [], []],
  ["one more", { ...base, packed: MOST, size: MOST }, [MOST, MOST], [MOST, MOST]],
  ["6 GB", { ...base, packed: 6e9, size: 6e9 }, [6e9, 6e9], [6e9, 6e9]],
  ["6 GB packed to 1", { ...base, method: 8, packed: 1e9, size: 6e9 }, [6e9, 1e9], [6e9]],
  ["small, but behind 6 GB", { ...base, offset: 6e9 }, [], [6e9]],
  ["all", { ...base, packed: 5e9, size: 6e9, offset: 7e9 }, [6e9, 5e9], [6e9, 5e9, 7e9]],
])("the headers of an entry that is %s", (_, place, local, central) => {
  const header = localHeader(place);
  expect(large(header.subarray(31))).toEqual(local);
  const { packed, size, offset } = place;
  expect(numbers(header, 14, 18, 22)).toEqual([7, ...(local.length > 0 ? [MOST, MOST] : [packed, size])]);
  const [inDirectory = new Uint8Array()] = [...directory([place], 100)];
  expect(large(inDirectory.subarray(47))).toEqual(central);
  expect(numbers(inDirectory, 16, 20, 24, 42)).toEqual([
    7,
    ...[packed, size, offset].map((each) => Math.min(each, MOST)),
  ]);
  const needed = (bytes: Bytes, at: number) => bytes[at];
  expect([needed(header, 4), needed(inDirectory, 6)]).toEqual([
    local.length > 0 ? 45 : 20,
    central.length > 0 ? 45 : 20,
  ]);
});

test("a table of contents behind 32 bits is found by the record in 64", () => {
  const [header, end64, end, ...rest] = [...directory([base], 6e9)];
  expect(rest).toEqual([]);
  if (!header || !end64 || !end) throw new Error("records are missing");
  const view = new DataView(end64.buffer);
  expect(numbers(end64, 0, 56)).toEqual([0x06064b50, 0x07064b50]);
  expect([24, 32, 40, 48].map((at) => Number(view.getBigUint64(at, true)))).toEqual([1, 1, header.length, 6e9]);
  // The locator's: where the record starts; and one disk in all.
  expect([Number(view.getBigUint64(64, true)), view.getUint32(72, true)]).toEqual([6e9 + header.length, 1]);
  expect(numbers(end, 0, 12, 16)).toEqual([0x06054b50, header.length, MOST]);
  expect([...directory([base], MOST - 1)].length).toBe(2);
});
