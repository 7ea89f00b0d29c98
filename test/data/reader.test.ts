import { expect, test } from "vitest";
import { connect, serve } from "../../src/base/channel.ts";
import type { ReaderStages } from "../../src/domain/stages.ts";
import { createReader } from "../../src/data/reader.ts";
import { UnreadableCollection } from "../../src/data/unreadable.ts";
import type { Contents, Files } from "./import.ts";
import { importFiles, jsonl, sound, utf8 } from "./import.ts";

const refused = async (files: Files, words: RegExp) => {
  const reading = importFiles(files);
  await expect(reading).rejects.toThrow(words);
  await expect(reading).rejects.toBeInstanceOf(UnreadableCollection);
};

const bytes = (...values: number[]) => Uint8Array.from({ length: values.length + 20 }, (_, i) => values[i] ?? 0);

test.each<[string, Contents, RegExp]>([
  ["a.pdf", "%PDF-1.7\n%âã", /a\.pdf is a PDF/],
  ["a.png", bytes(0x89, 0x50, 0x4e, 0x47), /a\.png is an image/],
  ["a.jpg", bytes(0xff, 0xd8, 0xff, 0xe0), /an image/],
  ["a.parquet", bytes(0x50, 0x41, 0x52, 0x31, 0x15), /a Parquet file.*JSON lines/],
  ["a.jsonl.gz", bytes(0x1f, 0x8b, 8), /a gzip file.*gunzip/],
  ["a.doc", bytes(0xd0, 0xcf, 0x11, 0xe0), /an Office document/],
  ["a.jsonl", bytes(0xff, 0xfe, 0x7b, 0), /UTF-16 text.*UTF-8/],
  ["a.jsonl", "<!DOCTYPE html><title>404</title>", /a web page/],
  ["a.jsonl", '[\n{"query": "q", "positive": "p"}\n]', /is one JSON list.*one object a line/],
  ["a.txt", "once upon a time", /No collection was found in 1 file: a\.txt\. Needed is/],
  ["a.csv", "frage,antwort\nq,p\n", /columns of a\.csv do not say what they mean: frage, antwort/],
  ["a.zip.txt", "query,positive\nq,p\n", /No collection was found/],
])("one file of the wrong kind: %s", async (path, contents, words) => {
  await refused({ [path]: contents }, words);
});

test("a file of the wrong kind under the right name", async () => {
  await refused(
    { ...sound, "tiny/corpus.jsonl": bytes(0x50, 0x41, 0x52, 0x31, 0x15) },
    /tiny\/corpus\.jsonl is a Parquet file/,
  );
});

test("text that begins like a signature is text", async () => {
  const read = await importFiles({
    ...sound,
    "tiny/queries.jsonl": jsonl({ _id: "ID3", text: "a" }, { _id: "PAR1", text: "b" }),
    "tiny/qrels/train.tsv": "ID3\td2\t1\n",
    "tiny/qrels/test.tsv": "PAR1\td2\t1\n",
  });
  expect(read.summary).toMatchObject({ queries: 2, rejected: 0 });
});

test("nothing, and nothing but litter", async () => {
  await refused({}, /no files here/);
  await refused({ ".DS_Store": "x" }, /no files here/);
});

test("a part is missing: what was found and what is needed are named", async () => {
  const { "tiny/queries.jsonl": queries, ...noQueries } = sound;
  await refused(
    noQueries,
    /in tiny\/ is not complete: queries\.jsonl is missing\. Found: corpus\.jsonl, qrels\/test, qrels\/train\. Needed is/,
  );
  await refused(
    { "tiny/queries.jsonl": queries, "tiny/notes.md": "" },
    /corpus\.jsonl \(the documents\), qrels\/<split>\.tsv .* are missing/,
  );
  await refused(
    { "tiny/corpus.jsonl": sound["tiny/corpus.jsonl"], "tiny/queries.jsonl": queries },
    /qrels\/<split>\.tsv .* is missing.*corpus\.jsonl alone/,
  );
});

test("documents alone are a collection without queries and judgements", async () => {
  const corpus = sound["tiny/corpus.jsonl"];
  const { collection, summary, rejected } = await importFiles({ "tiny/corpus.jsonl": corpus, "tiny/notes.md": "" });
  expect(collection).toMatchObject({ name: "tiny", queries: [], judgements: {}, negatives: [] });
  expect(collection.documents.map(({ id }) => id)).toEqual(["d1", "d2", "3"]);
  expect(summary).toMatchObject({ format: "Documents alone", documents: 3, queries: 0, judgements: {}, rejected: 0 });
  expect(rejected).toEqual([]);
  expect((await importFiles({ "corpus.jsonl": corpus })).collection.name).toBe("corpus");
  expect(summary.digest).not.toBe((await importFiles(sound)).summary.digest);
});

test("two collections at once, or two files of rows", async () => {
  const other = Object.fromEntries(
    Object.entries(sound).map(([path, text]) => [path.replace("tiny", "other"), text] as const),
  );
  await refused({ ...sound, ...other }, /2 collections here \(tiny\/, other\/\)/);
  await refused({ "a.jsonl": "{}", "b.jsonl": "{}" }, /2 files of rows were given \(a\.jsonl, b\.jsonl\)/);
});

test("empty files", async () => {
  await refused({ ...sound, "tiny/corpus.jsonl": "" }, /tiny\/corpus\.jsonl has no rows: at least one document/);
  await refused({ ...sound, "tiny/queries.jsonl": "\n\n" }, /tiny\/queries\.jsonl has no rows: at least one query/);
  await refused(
    { ...sound, "tiny/qrels/test.tsv": "", "tiny/qrels/train.tsv": "query-id\tcorpus-id\tscore\n" },
    /at least one judgement/,
  );
  await refused({ "pairs.jsonl": "" }, /pairs\.jsonl has no rows/);
});

test("all rows rejected: the commonest reason is named", async () => {
  const corpus = `${jsonl({ _id: "1" })}bad\nbad\n`;
  await refused(
    { ...sound, "tiny/corpus.jsonl": corpus },
    /no usable document: all of its 3 rows were rejected, 2 of them .* Line 2: not a JSON object/,
  );
  await refused(
    { "pairs.jsonl": jsonl({ a: 1, b: 2 }) },
    /its only row was rejected\. Line 1: no query: the row has "a", "b"/,
  );
  await refused(
    { ...sound, "tiny/qrels/test.tsv": "a\tb\t1\n", "tiny/qrels/train.tsv": "c\td\t1\n" },
    /all of its 2 rows .* unknown query/,
  );
});

test("no query has a relevant document", async () => {
  await refused(
    { ...sound, "tiny/qrels/test.tsv": "q1\td1\t0\n", "tiny/qrels/train.tsv": "q2\td1\t-1\n" },
    /None of the 2 queries has a relevant/,
  );
});

test("a split of which nothing was good is not a split", async () => {
  const read = await importFiles({ ...sound, "tiny/qrels/test.tsv": "zz\tyy\t1\nzz\tyy\t2\n" });
  expect(read.collection.judgements).toEqual({ train: [{ queryId: "q2", documentId: "d2", grade: 1 }] });
  // The two rows, and the query that only they judged.
  expect(read.summary.rejected).toBe(3);
});

test("rows in are rows accepted and rejected; at most 10,000 of these are reported", async () => {
  const bad = Array.from({ length: 12_345 }, (_, i) => `row ${i}\n`).join("");
  const read = await importFiles({ ...sound, "tiny/corpus.jsonl": bad + sound["tiny/corpus.jsonl"] });
  expect(read.summary).toMatchObject({ documents: 3, rejected: 12_345 });
  expect(read.rejected).toHaveLength(10_000);
  expect(read.rejected.at(-1)).toMatchObject({ line: 10_000, excerpt: "row 9999" });
});

test("one line of 5 MB costs that line, and progress goes on through it", async () => {
  const read = await importFiles({
    ...sound,
    "tiny/corpus.jsonl": `${"x".repeat(5_000_000)}\n${sound["tiny/corpus.jsonl"]}`,
  });
  expect(read.summary).toMatchObject({ documents: 3, rejected: 1 });
  expect(read.rejected[0]?.reason).toContain("5,000,000 bytes");
  expect(read.rejected[0]?.excerpt).toHaveLength(200);
  expect(read.progress.length).toBeGreaterThanOrEqual(5);
  const done = read.progress.map((progress) => progress.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(read.progress.at(-1)?.done).toBe(read.progress.at(-1)?.total);
});

test("a big file of garbage is refused before it is read to its end", async () => {
  await refused(
    { ...sound, "tiny/corpus.jsonl": utf8("x\n".repeat(500_000)) },
    /The start of tiny\/corpus\.jsonl .* 1\d{2},\d{3} rows were rejected/,
  );
});

test("stopping closes the file that was being read", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(utf8("rubbish\n")),
    cancel: () => void (cancelled = true),
  });
  const blob = new Blob(["rubbish"]);
  const files = Object.entries(sound).map(([path, text]) => ({ path, blob: new Blob([text]) }));
  const given = files.map((file) => (file.path.endsWith("queries.jsonl") ? { path: file.path, blob } : file));
  let opened = 0;
  // The first opening is the look at its start.
  blob.stream = () => (opened++ === 0 ? new Blob(["{}"]).stream() : endless);
  for await (const report of createReader().read({ files: given })) {
    if (report.kind === "rejected") break;
  }
  expect(cancelled).toBe(true);
});

test("a file that cannot be read any more", async () => {
  const blob = new Blob(["x"]);
  blob.stream = () => new ReadableStream({ pull: () => Promise.reject(new Error("gone")) });
  const reading = createReader()
    .read({ files: [{ path: "a.jsonl", blob }] })
    .next();
  await expect(reading).rejects.toThrow(/a\.jsonl could not be read to its end \(gone\)/);
  await expect(reading).rejects.toBeInstanceOf(UnreadableCollection);
});

const digestOf = async (files: Files) => (await importFiles(files)).summary.digest;

test("the digest tells content apart, and nothing else", async () => {
  const digest = await digestOf(sound);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(
    await digestOf({
      ...sound,
      "tiny/corpus.jsonl": `${sound["tiny/corpus.jsonl"]}bad\n`,
      "tiny/meta.json": '{"name": "x"}',
    }),
  ).toBe(digest);
  const changed: Files[] = [
    { "tiny/corpus.jsonl": sound["tiny/corpus.jsonl"].replace("hands", "paws") },
    { "tiny/queries.jsonl": sound["tiny/queries.jsonl"].replace("foxes", "wolves") },
    { "tiny/qrels/train.tsv": "q2\td2\t2\n" },
    { "tiny/qrels/dev.tsv": "q2\td2\t1\n" },
    { "tiny/negatives.jsonl": jsonl({ queryId: "q1", text: "n" }) },
    { "tiny/negatives.jsonl": jsonl({ queryId: "q1", text: "n", model: "m" }) },
  ];
  const digests = await Promise.all(changed.map((files) => digestOf({ ...sound, ...files })));
  const { "tiny/qrels/train.tsv": train, ...rest } = sound;
  digests.push(await digestOf({ ...rest, "tiny/qrels/validation.tsv": train }));
  expect(new Set([digest, ...digests]).size).toBe(2 + changed.length);
});

test("the same across a port", async () => {
  const { port1, port2 } = new MessageChannel();
  try {
    serve(port1, createReader());
    port1.start();
    const remote = connect<ReaderStages>(port2);
    port2.start();
    const blob = new Blob(["%PDF-1.7"]);
    await expect(remote.read({ files: [{ path: "a.pdf", blob }] }).next()).rejects.toMatchObject({
      name: "UnreadableCollection",
      forPerson: true,
    });
  } finally {
    port1.close();
    port2.close();
  }
});
