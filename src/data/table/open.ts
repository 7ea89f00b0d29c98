/** Whether what was given is one table, and what its start looks like. */
import type { SeparatedForm, TablePreview } from "../../domain/mapping.ts";
import { parsePair } from "../pairrow.ts";
import { isProblem } from "../problem.ts";
import type { Source } from "../source.ts";
import { blobSource, extensionOf, headOf, nameOf } from "../source.ts";
import { guessRoles, isRecognised } from "./guess.ts";
import { openJsonLines } from "./jsonLines.ts";
import { openParquet } from "./parquet.ts";
import { openSeparated } from "./separated.ts";
import type { Cells, Table } from "./table.ts";

const previewRows = 20;
const previewCharacters = 200;

/** Parts of BEIR's layout, which are read together. */
const isPart = (path: string): boolean =>
  ["corpus.jsonl", "queries.jsonl", "negatives.jsonl", "meta.json"].includes(nameOf(path)) ||
  /(^|\/)qrels\/[^/]+$/u.test(path);

/** Undefined for what is not text at all, or an array in one piece: whoever reads it says so. */
async function linesTable(source: Source): Promise<Table | undefined> {
  const start = new TextDecoder().decode(await headOf(source, 64)).trimStart();
  return start.startsWith("{") ? openJsonLines(source) : undefined;
}

/** The table in a file; undefined where it is none. Errors: UnreadableCollection where it is one that cannot be read. */
export async function openTable(path: string, blob: Blob, form?: SeparatedForm): Promise<Table | undefined> {
  const source = blobSource(path, blob);
  if (isPart(source.path)) return undefined;
  switch (extensionOf(source.path)) {
    case "csv":
    case "tsv":
      return openSeparated(source, form);
    case "parquet":
      return openParquet(source.path, blob);
    case "jsonl":
    case "ndjson":
    case "json":
      return linesTable(source);
    default:
      return undefined;
  }
}

/** A cell as it is shown. */
function shown(cell: unknown): string {
  if (cell === undefined || cell === null) return "";
  const plain = (value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
  const whole = plain(cell);
  const text = typeof whole === "string" ? whole : JSON.stringify(whole, (_, value: unknown) => plain(value));
  return Array.from(text.slice(0, previewCharacters)).join("").toWellFormed();
}

/** The first sound rows; no more of the file is read. */
async function firstRows(table: Table): Promise<Cells[]> {
  const rows: Cells[] = [];
  for await (const batch of table.batches()) {
    for (const { row } of batch.rows) {
      if (!isProblem(row)) rows.push(row);
      if (rows.length === previewRows) return rows;
    }
  }
  return rows;
}

/** JSON lines of pairs under their usual names, which need no explanation. */
export async function isUsualPairs(source: Source): Promise<boolean> {
  const start = new TextDecoder().decode(await headOf(source, 2 ** 16));
  const lines = start.split("\n").slice(0, previewRows);
  return lines.some((line) => !isProblem(parsePair(line.trim())));
}

export async function previewOf(table: Table): Promise<TablePreview> {
  const columns = guessRoles(table.columns);
  return {
    path: table.path,
    format: table.format,
    columns,
    ...(table.form && { form: table.form }),
    rows: (await firstRows(table)).map((cells) => cells.map(shown)),
    recognised: isRecognised(columns),
    notes: table.notes,
  };
}
