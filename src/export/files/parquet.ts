/** Columns of text as Parquet: UTF-8 strings that are never null, Snappy, row groups of a few megabytes. */
import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { assert } from "../../base/assert.ts";
import type { Bytes } from "./file.ts";

/** A row group is full at this many rows or characters, whichever comes first. */
const groupRows = 10_000;
const groupLength = 4 * 2 ** 20;

const schemaOf = (columns: readonly string[]): SchemaElement[] => [
  { name: "schema", num_children: columns.length },
  ...columns.map((name): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
    repetition_type: "REQUIRED",
  })),
];

/** What was written since the last time. */
function taken(writer: ByteWriter): Bytes {
  const bytes = new Uint8Array(writer.getBuffer());
  writer.index = 0;
  return bytes;
}

function* grouped(rows: Iterable<readonly string[]>): Generator<readonly (readonly string[])[], void, void> {
  let group: (readonly string[])[] = [];
  let length = 0;
  for (const row of rows) {
    group.push(row);
    length += row.reduce((sum, text) => sum + text.length, 0);
    if (group.length < groupRows && length < groupLength) continue;
    yield group;
    [group, length] = [[], 0];
  }
  if (group.length > 0) yield group;
}

/** `rows`: as many texts as there are columns. A chunk a row group, and the footer. */
export function* parquetChunks(
  columns: readonly string[],
  rows: Iterable<readonly string[]>,
): Generator<Bytes, void, void> {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: schemaOf(columns), statistics: false, createdBy: "Decoy" });
  for (const group of grouped(rows)) {
    const columnData = columns.map((name, i) => ({ name, data: group.map((row) => row[i] ?? "") }));
    const pending = parquet.write({ columnData, rowGroupSize: group.length });
    assert(pending === undefined, "a writer in memory waits for nothing");
    yield taken(writer);
  }
  const pending = parquet.finish();
  assert(pending === undefined, "a writer in memory waits for nothing");
  yield taken(writer);
}
