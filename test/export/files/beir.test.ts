import { expect, test } from "vitest";
import type { Collection } from "../../../src/domain/collection.ts";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import { beirFiles, type BeirOptions } from "../../../src/export/files/beir.ts";
import { toBlob } from "../../../src/export/files/file.ts";
import { Unwritable } from "../../../src/export/files/unwritable.ts";
import { zipFile } from "../../../src/export/files/zip.ts";
import { importFiles, type Files } from "../../data/import.ts";
import { tinyCollection } from "../../support/collection.ts";
import { bytesOf, hostile, hostileCollection, rowsOf, textOf } from "./hostile.ts";

async function written(collection: Collection, options?: BeirOptions): Promise<Files> {
  const files = beirFiles(collection, options);
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.name, await bytesOf(file)] as const)));
}

test.each([tinyCollection, hostileCollection])(
  "our reader reads back the same collection: $name",
  async (collection) => {
    const read = await importFiles(await written(collection));
    expect(read.rejected).toEqual([]);
    expect(read.collection).toEqual(collection);
  },
);

test("the same from a zip, also where a text packs to a thousandth", async () => {
  const zip = zipFile("hostile.zip", beirFiles(hostileCollection));
  const blob = await toBlob(zip);
  expect(blob.type).toBe("application/zip");
  const read = await importFiles({ "hostile.zip": new Uint8Array(await blob.arrayBuffer()) });
  expect(read.rejected).toEqual([]);
  expect(read.collection).toEqual(hostileCollection);
  // Packed where it may be: the judgements, not the megabyte of one letter.
  expect(blob.size).toBeGreaterThan(1_000_000);
  const tiny = await toBlob(zipFile("tiny.zip", beirFiles(tinyCollection)));
  expect(await tiny.arrayBuffer()).toEqual(
    await (await toBlob(zipFile("tiny.zip", beirFiles(tinyCollection)))).arrayBuffer(),
  );
});

/** As BEIR's GenericDataLoader reads: JSON lines, and a TSV whose first row is passed over. */
async function asBeirReads(files: Files) {
  const decode = (name: string) => new TextDecoder().decode(files[name] as Uint8Array);
  const rows = (name: string) =>
    decode(name)
      .split(/\r\n|\r|\n/)
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, string>);
  const qrels = (split: string) =>
    decode(`qrels/${split}.tsv`)
      .split(/\r\n|\r|\n/)
      .slice(1, -1)
      .map((line) => line.split("\t"));
  return {
    corpus: new Map(rows("corpus.jsonl").map(({ _id, title, text }) => [_id, { title, text }])),
    queries: new Map(rows("queries.jsonl").map(({ _id, text }) => [_id, text])),
    qrels,
  };
}

test("BEIR's own reader would find the same documents, queries and judgements", async () => {
  const { corpus, queries, qrels } = await asBeirReads(await written(hostileCollection));
  expect([...corpus]).toEqual(hostileCollection.documents.map(({ id, title, text }) => [id, { title, text }]));
  expect([...queries]).toEqual(hostileCollection.queries.map(({ id, text }) => [id, text]));
  expect(qrels("test")).toEqual([
    ["q 0", "d 0", "2"],
    ["q 0", "d 3", "0"],
  ]);
});

test("documents alone stay documents alone; a split without judgements has no file", async () => {
  const alone = { ...tinyCollection, queries: [], judgements: {}, negatives: [] };
  const files = await written(alone);
  expect(Object.keys(files)).toEqual(["meta.json", "corpus.jsonl"]);
  expect((await importFiles(files)).collection).toEqual(alone);
  const { train } = tinyCollection.judgements;
  const names = Object.keys(await written({ ...tinyCollection, judgements: { dev: [], train: train ?? [] } }));
  expect(names).toContain("qrels/train.tsv");
  expect(names).not.toContain("qrels/dev.tsv");
});

const judgedBy = (query: string, document: string): Collection => ({
  name: "odd ids",
  documents: [{ id: documentId(document), title: "", text: "text" }],
  queries: [{ id: queryId(query), text: "query" }],
  judgements: { test: [{ queryId: queryId(query), documentId: documentId(document), grade: 1 }] },
  negatives: [],
});

test.each(["a\tb", "a\nb", "a\rb", " a", "a\u00a0", '"a"', "a\0", "\ud800"])(
  "the id %j is refused in a TSV; as JSON lines it comes back",
  async (id) => {
    expect(() => beirFiles(judgedBy("q", id))).toThrow(Unwritable);
    expect(() => beirFiles(judgedBy(id, "d"))).toThrow(/JSON lines/);
    for (const collection of [judgedBy("q", id), judgedBy(id, "d")]) {
      const read = await importFiles(await written(collection, { qrels: "jsonl" }));
      expect(read.collection).toEqual(collection);
    }
  },
);

test.each(["a/b", "..", ".hidden", "a\\b", ""])("the split %j is no file name", (split) => {
  expect(() =>
    beirFiles({ ...tinyCollection, judgements: { [split]: tinyCollection.judgements["test"] ?? [] } }),
  ).toThrow(Unwritable);
});

test("a split named __proto__ is one like any other", async () => {
  const judgements = Object.fromEntries([["__proto__", tinyCollection.judgements["test"] ?? []]]);
  const collection = { ...tinyCollection, judgements, queries: tinyCollection.queries.slice(4), negatives: [] };
  const read = await importFiles(await written(collection));
  expect(Object.entries(read.collection.judgements)).toEqual(Object.entries(judgements));
});

test("100,000 documents come in chunks, one at a time", () => {
  let read = 0;
  const documents = {
    *[Symbol.iterator]() {
      for (let i = 0; i < 100_000; i++) {
        read = i + 1;
        yield { id: documentId(`d${i}`), title: "", text: hostile[5] };
      }
    },
  } as unknown as Collection["documents"];
  const corpus = beirFiles({ ...tinyCollection, documents }).find(({ name }) => name === "corpus.jsonl");
  let [chunks, largest, ahead] = [0, 0, 0];
  for (const chunk of corpus?.chunks() ?? []) {
    chunks++;
    largest = Math.max(largest, chunk.length);
    ahead = Math.max(ahead, read / chunks);
  }
  expect(read).toBe(100_000);
  expect(chunks).toBeGreaterThan(10);
  expect(largest).toBeLessThan(2 ** 20);
  // No chunk waited for much more than its own documents.
  expect(ahead).toBeLessThan(10_000);
});

test("every line of every file is one value, and its bytes are UTF-8", async () => {
  for (const file of beirFiles(hostileCollection).filter(({ name }) => name.endsWith(".jsonl"))) {
    expect((await textOf(file)).includes("\u2028")).toBe(false);
    expect((await rowsOf(file)).length).toBeGreaterThan(1);
  }
});
