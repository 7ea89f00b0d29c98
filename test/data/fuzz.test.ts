/** Whatever is given: a collection or UnreadableCollection, and every row is accounted for. */
import { zipSync } from "fflate";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { UnreadableCollection } from "../../src/data/unreadable.ts";
import type { Files, Imported } from "./import.ts";
import { importFiles, jsonl, sound, utf8 } from "./import.ts";

async function readOrRefuse(files: Files): Promise<Imported | undefined> {
  try {
    return await importFiles(files);
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableCollection);
    return undefined;
  }
}

const rich: Files = {
  ...sound,
  "tiny/negatives.jsonl": jsonl({
    queryId: "q1",
    title: "t",
    text: "n",
    reasoning: { positive: "p", shares: "s", lacks: "l" },
    attributes: { a: "b" },
  }),
};

/** Some bytes of a file written over, put in or cut out. */
const edits = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), put: fc.uint8Array({ maxLength: 8 }) }),
  { minLength: 1, maxLength: 4 },
);

function edited(
  bytes: Uint8Array,
  changes: readonly { readonly at: number; readonly cut: number; readonly put: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  return changes.reduce((before, { at, cut, put }) => {
    const place = Math.floor(at * before.length);
    return new Uint8Array([...before.subarray(0, place), ...put, ...before.subarray(place + cut)]);
  }, new Uint8Array(bytes));
}

test("random bytes under any name", async () => {
  const names = ["a.zip", "a.jsonl", "a.json", "corpus.jsonl", "qrels/test.tsv", "x"];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.uint8Array({ maxLength: 300 }), async (path, bytes) => {
      await readOrRefuse({ [path]: new Uint8Array(bytes) });
    }),
    { numRuns: 500 },
  );
});

test("random bytes in place of one file of a collection", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(rich)), fc.uint8Array({ maxLength: 300 }), async (path, bytes) => {
      await readOrRefuse({ ...rich, [path]: new Uint8Array(bytes) });
    }),
    { numRuns: 500 },
  );
});

test("a collection with a few bytes changed", async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(rich)), edits, async (path, changes) => {
      const original = rich[path];
      const result = await readOrRefuse({
        ...rich,
        [path]: edited(utf8(typeof original === "string" ? original : ""), changes),
      });
      if (!result) return;
      read += 1;
      expect(result.rejected.length).toBe(result.summary.rejected);
      for (const { excerpt, reason } of result.rejected)
        expect([excerpt.length <= 200, reason.includes(": ")]).toEqual([true, true]);
    }),
    { numRuns: 1000 },
  );
  expect(read).toBeGreaterThan(100);
});

test("a zip with a few bytes changed", async () => {
  const zip = zipSync(
    Object.fromEntries(
      Object.entries(rich).map(([path, text]) => [path, typeof text === "string" ? utf8(text) : text]),
    ),
  );
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      await readOrRefuse({ "a.zip": edited(zip, changes) });
    }),
    { numRuns: 1000 },
  );
});

test("rows of any JSON: each is accepted or rejected", async () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 2 }),
    fc.record({ text: fc.string() }),
  );
  const key = fc.constantFrom(
    "_id",
    "title",
    "text",
    "query",
    "positive",
    "negatives",
    "negative_1",
    "__proto__",
    "constructor",
  );
  const row = fc.oneof(
    { weight: 9, arbitrary: fc.dictionary(key, value, { maxKeys: 5 }) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
      const good = { _id: "d1", text: "t", query: "good", positive: "row" };
      const pairs = await readOrRefuse({ "pairs.jsonl": jsonl(good, ...rows) });
      const corpus = await readOrRefuse({ ...sound, "tiny/corpus.jsonl": sound["tiny/corpus.jsonl"] + jsonl(...rows) });
      expect(corpus && corpus.summary.documents + corpus.summary.rejected).toBe(3 + rows.length);
      expect(pairs?.summary.rejected).toBeLessThanOrEqual(rows.length);
      const queries = new Set(rows.length > 0 ? pairs?.collection.queries.map(({ text }) => text) : []);
      expect(queries.size).toBeLessThanOrEqual(rows.length + 1 - (pairs?.summary.rejected ?? 0));
    }),
    { numRuns: 500 },
  );
});
