/** Tables as CSV (RFC 4180), guarded against formulas that a spreadsheet would run (OWASP, "CSV Injection"; ASVS 5.0, 1.2.10). */
import { mediaTypes, textFile, type PlainFile } from "./file.ts";

export type Cell = string | number | boolean | null | undefined;

export interface Table {
  readonly columns: readonly string[];
  /** As many cells as there are columns; read from the start each time. */
  readonly rows: Iterable<readonly Cell[]>;
}

export interface CsvOptions {
  /** False for programs that read the texts back as they were: a spreadsheet must not open such a file. */
  readonly guard?: boolean;
}

// oxlint-disable-next-line no-control-regex -- a NUL, a tab and line breaks are among what ASVS and OWASP name
const formula = /^(?:[\0\t\r\n]|\s*[=+\-@＝＋－＠])/u;

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** A number is one to a spreadsheet too, also below 0: only texts are guarded. */
function cellText(cell: Cell, guard: boolean): string {
  if (cell === null || cell === undefined) return "";
  const text = String(cell);
  if (typeof cell === "number" && Number.isFinite(cell)) return text;
  // The apostrophe tells a spreadsheet "text"; the quotation marks keep a separator in it from starting another cell.
  if (guard && formula.test(text)) return quoted(`'${text}`);
  return /[",\r\n]|^\s|\s$/u.test(text) ? quoted(text) : text;
}

/**
 * A cell that starts like a formula (= + - @ and their full-width forms, tab, line break, NUL, also behind white space)
 * gets an apostrophe before it. JSON lines are the format that keeps every text as it is.
 */
export function csvFile(name: string, { columns, rows }: Table, { guard = true }: CsvOptions = {}): PlainFile {
  const line = (cells: readonly Cell[]): string => `${cells.map((cell) => cellText(cell, guard)).join(",")}\r\n`;
  return textFile(name, mediaTypes.csv, function* () {
    yield line(columns);
    for (const row of rows) yield line(row);
  });
}
