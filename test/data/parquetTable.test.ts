/** Parquet under names of its own. */
import { gzipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { importFiles, reasons } from "./import.ts";
import { columnsOf, preview, readAs } from "./tables.ts";

type Codec = "SNAPPY" | "UNCOMPRESSED" | "GZIP" | "ZSTD";

const parquet = (codec: Codec = "SNAPPY"): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    parquetWriteBuffer({
      codec,
      // Nothing here reads ZSTD, so it need not be any.
      compressors: { GZIP: (bytes) => gzipSync(bytes), ZSTD: (bytes) => bytes },
      rowGroupSize: 2,
      columnData: [
        { name: "Frage", data: ["a", "b", "c"], type: "STRING" },
        { name: "Antwort", data: ["A", "B", null], type: "STRING", nullable: true },
        { name: "Nummer", data: [1n, 2n, 3n], type: "INT64" },
        { name: "nicht", data: [["N", { title: "T", text: "M" }], [], ["O"]], type: "JSON" },
      ],
    }),
  );

test.each(["SNAPPY", "UNCOMPRESSED", "GZIP"] as const)(
  "Parquet, %s: previewed and read by what its columns mean",
  async (codec) => {
    const start = await preview("a.parquet", parquet(codec));
    expect(start).toMatchObject({ format: "Parquet", recognised: false, notes: ["3 rows."] });
    expect(start?.rows).toEqual([
      ["a", "A", "1", '["N",{"title":"T","text":"M"}]'],
      ["b", "B", "2", "[]"],
      ["c", "", "3", '["O"]'],
    ]);
    const columns = columnsOf(
      ["Frage", "query"],
      ["Antwort", "positive"],
      ["Nummer", "documentId"],
      ["nicht", "negative"],
    );
    const read = await readAs("a.parquet", parquet(codec), { columns });
    expect(read.collection.documents).toEqual([
      { id: "1", title: "", text: "A" },
      { id: "d2", title: "", text: "N" },
      { id: "d3", title: "T", text: "M" },
      { id: "2", title: "", text: "B" },
    ]);
    expect(read.collection.negatives.map(({ queryId, title, text }) => [queryId, title + text])).toEqual([
      ["q1", "N"],
      ["q1", "TM"],
    ]);
    expect(reasons(read)).toEqual([expect.stringMatching(/^a\.parquet:3 no positive/u)]);
  },
);

test("a Parquet column of lists is one column, and its texts are many negatives", async () => {
  const text = (name: string) =>
    ({ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }) as const;
  const file = parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 3 },
      text("query"),
      { name: "neg", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      text("element"),
      text("positive"),
    ],
    columnData: [
      { name: "query", data: ["a", "b"] },
      { name: "neg", data: [["N", "M"], []] },
      { name: "positive", data: ["A", "B"] },
    ],
  });
  const start = await preview("a.parquet", new Uint8Array(file));
  expect(start?.columns.map(({ name }) => name)).toEqual(["query", "neg", "positive"]);
  const read = await importFiles({ "a.parquet": new Uint8Array(file) });
  expect(read.summary).toMatchObject({ format: "Parquet of pairs (negatives from neg)", queries: 2, rejected: 0 });
  expect(read.collection.negatives.map(({ text }) => text)).toEqual(["N", "M"]);
});

test("a packing that is not read is named", async () => {
  await expect(preview("a.parquet", parquet("ZSTD"))).rejects.toThrow(/packed with ZSTD.*Snappy/u);
});

test("a spoilt Parquet file is refused in words", async () => {
  const whole = parquet();
  await expect(preview("a.parquet", whole.slice(0, whole.length - 9))).rejects.toThrow(
    /Parquet file that cannot be read/u,
  );
});
