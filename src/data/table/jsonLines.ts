/** JSON lines as a table: a column for each key of the first rows. */
import { isProblem } from "../problem.ts";
import type { Batch, Given } from "../rows.ts";
import { lineBatches, own, parseRow, type Row } from "../rows.ts";
import type { Source } from "../source.ts";
import { mostColumns, type Cells, type Table } from "./table.ts";

const fewRows = 20;
/** Bytes after which the keys must be known. */
const enough = 2 ** 20;

const parsed = ({ line, text, row }: Given<string>): Given<Row> => ({
  line,
  text,
  row: isProblem(row) ? row : parseRow(row),
});

/** The keys of the first rows, in the order in which they appear. */
async function keysOf(source: Source): Promise<string[]> {
  const keys = new Set<string>();
  let [rows, bytes] = [0, 0];
  for await (const batch of lineBatches(source)) {
    for (const given of batch.rows) {
      const { row } = parsed(given);
      if (!isProblem(row)) for (const key of Object.keys(row)) keys.add(key);
      if (++rows === fewRows) break;
    }
    bytes += batch.bytes;
    if (rows >= fewRows || bytes >= enough) break;
  }
  return [...keys].slice(0, mostColumns);
}

/** Undefined where none of the first rows is an object with keys. */
export async function openJsonLines(source: Source): Promise<Table | undefined> {
  const columns = await keysOf(source);
  if (columns.length === 0) return undefined;
  function* cells(rows: Iterable<Given<string>>): Generator<Given<Cells>, void, void> {
    for (const given of rows) {
      const { line, text, row } = parsed(given);
      yield { line, text, row: isProblem(row) ? row : columns.map((key) => own(row, key)) };
    }
  }
  return {
    path: source.path,
    size: source.size,
    format: "JSONL",
    columns,
    notes: [],
    async *batches(): AsyncGenerator<Batch<Cells>, void, void> {
      for await (const { rows, bytes } of lineBatches(source)) yield { rows: cells(rows), bytes };
    },
  };
}
