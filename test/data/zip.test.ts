import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { UnreadableCollection } from "../../src/data/unreadable.ts";
import type { Files } from "./import.ts";
import { importFiles, sound, utf8 } from "./import.ts";

const bytesOf = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, typeof text === "string" ? utf8(text) : text]));

const zipOf = (files: Files, level: 0 | 6 = 6) => new Uint8Array(zipSync(bytesOf(files), { level }));

/** Where `signature` stands in the bytes for the nth time (0 for the first). */
function find(bytes: Uint8Array, signature: readonly number[], nth = 0): number {
  for (let at = 0, seen = 0; at < bytes.length; at++) {
    if (signature.every((byte, i) => bytes[at + i] === byte) && seen++ === nth) return at;
  }
  throw new Error("there is none");
}

const central = [0x50, 0x4b, 1, 2];
const end = [0x50, 0x4b, 5, 6];

/** A copy with some bytes set, counted from the start of a signature. */
function patched(
  zip: Uint8Array,
  signature: readonly number[],
  offset: number,
  ...values: number[]
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(zip);
  copy.set(values, find(zip, signature) + offset);
  return copy;
}

const refused = async (zip: Uint8Array<ArrayBuffer>, words: RegExp) => {
  const reading = importFiles({ "given.zip": zip });
  await expect(reading).rejects.toThrow(words);
  await expect(reading).rejects.toBeInstanceOf(UnreadableCollection);
};

test("a folder and its zip, packed or stored, are the same collection", async () => {
  const folder = await importFiles(sound);
  for (const level of [0, 6] as const) {
    const { collection, summary } = await importFiles({
      "given.zip": zipOf({ ...sound, "__MACOSX/tiny/._x": "x" }, level),
    });
    expect(collection).toEqual(folder.collection);
    expect(summary).toEqual({ ...folder.summary, format: "BEIR zip" });
  }
});

test("the order of the entries makes no difference, and a zip without a folder is named by its file", async () => {
  const turned = Object.fromEntries(
    Object.entries(sound)
      .map(([path, text]) => [path.replace("tiny/", ""), text] as const)
      .toReversed(),
  );
  const { collection, summary } = await importFiles({ "dl/given.zip": zipOf(turned) });
  expect(collection.name).toBe("given");
  expect(summary.digest).toBe((await importFiles(sound)).summary.digest);
});

test("a file longer than the decoder's window and pieces comes out whole", async () => {
  // Words of a fixed but irregular sequence, so that it packs about 3 : 1 and spans many pieces.
  let state = 1;
  const words = Array.from({ length: 20_000 }, () => (state = (state * 48271) % 2147483647).toString(36));
  const corpus = words
    .map((word, i) => `{"_id": "x${i}", "text": "${word} of ${words[i >> 1] ?? ""} and more"}\n`)
    .join("");
  const files = { ...sound, "tiny/corpus.jsonl": sound["tiny/corpus.jsonl"] + corpus };
  const { collection, summary, progress } = await importFiles({ "given.zip": zipOf(files) });
  expect(summary.digest).toBe((await importFiles(files)).summary.digest);
  expect(collection.documents).toHaveLength(20_003);
  expect(progress.at(-1)).toEqual({
    done: progress.at(-1)?.total,
    total: utf8(Object.values(files).join("")).length,
    unit: "bytes",
  });
});

test("pairs in a zip", async () => {
  const { summary } = await importFiles({ "given.zip": zipOf({ "p/rows.jsonl": '{"query": "q", "pos": "p"}' }) });
  expect(summary.format).toBe("JSONL of pairs in a zip (positive from pos)");
});

test("what is not a zip", async () => {
  await refused(utf8("hello"), /given\.zip is not a zip/);
  await refused(new Uint8Array(0), /given\.zip is not a zip/);
  await refused(utf8("%PDF-1.7"), /given\.zip is a PDF/);
});

test("a zip that was cut short", async () => {
  const zip = zipOf(sound);
  await refused(zip.slice(0, zip.length - 30), /cut short/);
});

test("a zip with nothing in it", async () => {
  await refused(zipOf({}), /no files in it/);
});

test("an archive in a zip", async () => {
  await refused(zipOf({ ...sound, "tiny/inner.zip": zipOf(sound) }), /another archive in it \(tiny\/inner\.zip\)/);
});

test("a zip under the name of a file of rows", async () => {
  await refused(zipOf({ ...sound, "tiny/corpus.jsonl": zipOf(sound) }), /tiny\/corpus\.jsonl is a zip, not lines/);
});

test("an encrypted zip", async () => {
  await refused(patched(zipOf(sound), central, 8, 1), /is encrypted .*password/);
});

test("an unknown way of packing", async () => {
  await refused(patched(zipOf({ ...sound }), central, 10, 14), /packed by method 14/);
});

test("a text document of an office program", async () => {
  await refused(zipOf({ "[Content_Types].xml": "<x/>", "word/document.xml": "<x/>" }), /is an Office document/);
});

test("bytes that were changed on the way", async () => {
  const zip = zipOf(sound, 0);
  const place = find(zip, [...utf8("Otters hold")]);
  zip[place] = 0x4f + 1;
  await refused(zip, /checksum of tiny\/corpus\.jsonl is wrong/);
});

test("a bomb by what it says of itself", async () => {
  await refused(
    zipOf({ ...sound, "tiny/zeros.bin": new Uint8Array(3 * 2 ** 20) }),
    /zip bomb: tiny\/zeros\.bin unpacks from .* to 3\.0 MiB/,
  );
  await refused(patched(zipOf(sound), central, 24, 1, 0, 0, 0x20), /unpacks to 512\.0 MiB, and at most 512\.0 MiB/);
  await refused(patched(zipOf(sound), end, 10, 0x11, 0x27), /has 10,001 entries/);
  await refused(patched(zipOf(sound), end, 10, 0xff, 0xff), /has 65,535 entries or more/);
});

test("a bomb that lies about its size", async () => {
  const zip = zipOf({ "tiny/a.jsonl": new Uint8Array(3 * 2 ** 20).fill(32) });
  await refused(
    patched(zip, central, 24, 0, 1, 0, 0),
    /longer than the 256 bytes it was said to be|zip bomb: tiny\/a\.jsonl unpacks to more/,
  );
  // Small enough for the ratio not to matter.
  const small = zipOf({ "tiny/a.jsonl": new Uint8Array(5000).fill(32) });
  await refused(
    patched(small, central, 24, 0, 1, 0, 0),
    /tiny\/a\.jsonl is longer than the 256 bytes it was said to be/,
  );
});

test("a bomb that lies about its packed size", async () => {
  let state = 1;
  const noise = Uint8Array.from({ length: 100_000 }, () => (state = (state * 48271) % 2147483647) & 0xff);
  const zip = zipOf({ "tiny/a.jsonl": new Uint8Array(3 * 2 ** 20).fill(32), "tiny/noise.bin": noise });
  // 65,536 bytes packed: the noise behind it is counted in, so that the ratio looks like 48.
  await refused(
    patched(zip, central, 20, 0, 0, 1, 0),
    /zip bomb: tiny\/a\.jsonl unpacks to more than 100 times its packed size/,
  );
});

test("entries that together are too much", async () => {
  // Stored, so that the ratio is sound; each says 511 MiB packed and unpacked, far more than there is.
  const zip = zipOf(Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${i}.bin`, "x"])), 0);
  const view = new DataView(zip.buffer);
  for (let i = 0; i < 5; i++) {
    view.setUint32(find(zip, central, i) + 20, 511 * 2 ** 20, true);
    view.setUint32(find(zip, central, i) + 24, 511 * 2 ** 20, true);
  }
  await refused(zip, /its 5 files unpack to 2555\.0 MiB/);
});

test("two entries of one name", async () => {
  const zip = zipOf({ "a.jsonl": "{}", "b.jsonl": "{}" });
  // The name stands 46 bytes into the entry of the table of contents.
  await refused(patched(zip, central, 46, "b".charCodeAt(0)), /two entries named "b\.jsonl"/);
});

test("a table of contents of 17 MiB", async () => {
  const zip = zipOf({ "a.bin": new Uint8Array(18 * 2 ** 20) }, 0);
  await refused(patched(zip, end, 12, 0, 0, 0x10, 1, 0, 0, 0, 0), /table of contents has 17\.0 MiB/);
});

test("a table of contents that points nowhere", async () => {
  await refused(patched(zipOf(sound), central, 42, 7), /is not where its table of contents says/);
  await refused(patched(zipOf(sound), central, 42, 0xff, 0xff, 0xff), /is not where its table of contents says/);
  await refused(patched(zipOf(sound), end, 16, 0xff, 0xff, 0xff), /lies outside of it/);
  await refused(patched(zipOf(sound), central, 20, 0, 0, 1), /tiny\/corpus\.jsonl reaches beyond its end/);
  await refused(patched(zipOf(sound), end, 10, 9), /table of contents breaks off/);
});
