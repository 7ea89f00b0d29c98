/** What a page gets of a reader in another thread is what the reader made, in messages that are small. */
import { expect, test } from "vitest";
import { connect, finish, serve } from "../../src/base/channel.ts";
import { inParts, whole, type PartedReader } from "../../src/data/inParts.ts";
import { createReader } from "../../src/data/reader.ts";
import type { ImportReport, ReaderStages } from "../../src/domain/stages.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { jsonl, sound, type Files } from "./import.ts";

const given = (files: Files) => ({
  files: Object.entries(files).map(([path, contents]) => ({ path, blob: new Blob([contents]) })),
});

const many = {
  ...sound,
  "tiny/corpus.jsonl": jsonl(
    ...Array.from({ length: 3_500 }, (_, i) => ({
      _id: `d${i}`,
      title: `T${i}`,
      text: i === 7 || i === 8 ? "x".repeat(300_000) : `text ${i}`,
    })),
    { _id: 3, text: "Owls" },
  ),
  "tiny/negatives.jsonl": jsonl({ queryId: "q1", text: "Otters float." }),
  "tiny/qrels/__proto__.tsv": "q1\td1\t1\n",
};

test("a collection arrives as it was read, over a port", async () => {
  const { port1, port2 } = new MessageChannel();
  serve(port1 as never, inParts(createReader()));
  port1.start();
  port2.start();
  const reader = whole(connect<PartedReader>(port2));
  const here: ImportReport[] = [];
  const there: ImportReport[] = [];
  const expected = await finish(createReader().read(given(many)), (report) => here.push(report));
  const got = await finish(reader.read(given(many)), (report) => there.push(report));
  port1.close();
  expect(got).toEqual(expected);
  expect(Object.keys(got.collection.judgements)).toContain("__proto__");
  expect(there).toEqual(here);
});

test("no message holds more than a few rows or a long text", async () => {
  const largest = { rows: 0, characters: 0 };
  for await (const report of inParts(createReader()).read(given(many))) {
    if (!("rows" in report) || report.kind === "rejected") continue;
    largest.rows = Math.max(largest.rows, report.rows.length);
    const text = JSON.stringify(report.rows).length;
    largest.characters = Math.max(largest.characters, text);
  }
  expect(largest.rows).toBe(1_000);
  expect(largest.characters).toBeLessThan(450_000);
});

test("a split without judgements is there, and a stop reaches the reader", async () => {
  let stopped = false;
  const collection = {
    name: "c",
    documents: [{ id: documentId("d"), title: "", text: "t" }],
    queries: [{ id: queryId("q"), text: "t" }],
    judgements: { train: [], test: [] },
    negatives: [],
  };
  const stages: Pick<ReaderStages, "read"> = {
    async *read() {
      try {
        yield { kind: "progress", progress: { done: 0, total: 1, unit: "bytes" } };
        return { collection, summary: {} as never };
      } finally {
        stopped = true;
      }
    },
  };
  const reader = whole(inParts({ ...createReader(), ...stages }));
  expect((await finish(reader.read({ files: [] }))).collection).toEqual(collection);
  stopped = false;
  for await (const _report of reader.read({ files: [] })) break;
  expect(stopped).toBe(true);
});
