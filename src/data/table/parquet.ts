/** Parquet files, by hyparquet: a row group at a time, as their pages are packed together. */
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { messageOf } from "../../base/errors.ts";
import type { Given } from "../rows.ts";
import { isRow, own } from "../rows.ts";
import { UnreadableCollection } from "../unreadable.ts";
import { count, countOf, listOf, sizeOf } from "../wording.ts";
import { mostColumns, type Cells, type Table } from "./table.ts";

/** Of a row group, uncompressed: all of it is in memory at once. */
const mostGroupBytes = 2 ** 30;
const rowsPerBatch = 1_000;

const codecs = ["UNCOMPRESSED", "SNAPPY", "GZIP"];

const bufferOf = (blob: Blob): AsyncBuffer => ({
  byteLength: blob.size,
  slice: (start, end) => blob.slice(start, end).arrayBuffer(),
});

async function compressors(): Promise<Compressors> {
  const { gunzipSync } = await import("fflate");
  return { GZIP: (bytes, length) => gunzipSync(bytes, { out: new Uint8Array(length) }) };
}

function refuseUnreadable(path: string, { row_groups: groups }: FileMetaData): void {
  const used = groups.flatMap(({ columns }) => columns.flatMap(({ meta_data: data }) => data?.codec ?? []));
  const unknown = [...new Set(used)].filter((codec) => !codecs.includes(codec));
  if (unknown.length > 0) {
    throw new UnreadableCollection(
      `${path} is packed with ${listOf(unknown)}; Snappy, gzip and no packing are read. Write it anew (pandas: to_parquet(compression="snappy")).`,
    );
  }
  const largest = Math.max(0, ...groups.map(({ total_byte_size: bytes }) => Number(bytes)));
  if (largest > mostGroupBytes) {
    throw new UnreadableCollection(
      `${path} has a row group of ${sizeOf(largest)}; at most ${sizeOf(mostGroupBytes)} are read at once. Write it with smaller row groups.`,
    );
  }
}

/** Names of the columns at the top. */
function columnsOf(path: string, { schema }: FileMetaData): string[] {
  const names: string[] = [];
  // The schema is a tree, written depth first; what lies within a column is passed over.
  for (let at = 1; at < schema.length; at++) {
    names.push(schema[at]?.name ?? "");
    for (let inside = schema[at]?.num_children ?? 0; inside > 0 && at < schema.length; inside--)
      inside += schema[++at]?.num_children ?? 0;
  }
  if (names.length <= mostColumns) return names;
  throw new UnreadableCollection(
    `${path} has ${countOf(names.length, "column")}; at most ${mostColumns} are read. Leave out those that are not needed.`,
  );
}

/** The start of a row for an excerpt, without writing all of it. */
const excerpt = (cells: Cells): string =>
  cells.map((cell) => (typeof cell === "string" ? cell.slice(0, 100) : String(cell))).join(" | ");

/** Errors: UnreadableCollection. */
export async function openParquet(path: string, blob: Blob): Promise<Table> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const file = bufferOf(blob);
  const unreadable = (error: unknown): UnreadableCollection =>
    error instanceof UnreadableCollection
      ? error
      : new UnreadableCollection(
          `${path} is a Parquet file that cannot be read (${messageOf(error).slice(0, 200)}). If it opens elsewhere, write it as JSON lines, one row a line.`,
        );
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => Promise.reject(unreadable(error)));
  refuseUnreadable(path, metadata);
  const columns = columnsOf(path, metadata);

  async function rowsOf(rowStart: number, rowEnd: number): Promise<Given<Cells>[]> {
    const options = { file, metadata, rowStart, rowEnd, compressors: await compressors() };
    const rows: unknown[] = await parquetReadObjects(options).catch((error: unknown) =>
      Promise.reject(unreadable(error)),
    );
    return rows.map((row, place) => {
      const cells = columns.map((name) => (isRow(row) ? own(row, name) : undefined));
      return { line: rowStart + place + 1, text: excerpt(cells), row: cells };
    });
  }

  return {
    path,
    size: blob.size,
    format: "Parquet",
    columns,
    notes: [`${count(Number(metadata.num_rows))} rows.`],
    async *batches() {
      let start = 0;
      const total = Math.max(1, Number(metadata.num_rows));
      for (const { num_rows: length } of metadata.row_groups) {
        const rows = await rowsOf(start, start + Number(length));
        for (let at = 0; at < rows.length; at += rowsPerBatch) {
          const part = rows.slice(at, at + rowsPerBatch);
          yield { rows: part, bytes: (blob.size * part.length) / total };
        }
        start += Number(length);
      }
    },
  };
}
