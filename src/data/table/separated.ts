/** Files of separated values: CSV and TSV, whatever separates, in the encodings that spreadsheets write. */
import { delimiters, type Delimiter, type SeparatedForm } from "../../domain/mapping.ts";
import type { Problem } from "../problem.ts";
import { isProblem, problem } from "../problem.ts";
import type { Given } from "../rows.ts";
import type { Source } from "../source.ts";
import { extensionOf, headOf } from "../source.ts";
import { UnreadableCollection } from "../unreadable.ts";
import { count, countOf } from "../wording.ts";
import { encodingOf, type TextEncodingName } from "./encoding.ts";
import { guessRoles } from "./guess.ts";
import { createRecords, type Papa } from "./records.ts";
import { distinctNames, mostColumns, type Cells, type Table } from "./table.ts";

/** Of the file, to see its encoding, its separator and its first rows by. */
const headBytes = 2 ** 18;
const fewRows = 20;

const oneBreak = (text: string): string => text.replace(/\r\n?/g, "\n");

/** The records of a file, by the chunk that ends them. */
async function* records(
  papa: Papa,
  source: Source,
  encoding: TextEncodingName,
  delimiter: string,
): AsyncGenerator<{ readonly rows: readonly Given<string[]>[]; readonly bytes: number }, void, void> {
  const decoder = new TextDecoder(encoding.name);
  const splitter = createRecords(papa, delimiter);
  // A carriage return at the end of a chunk may be half of a line break.
  let held = "";
  const piece = (text: string): string => {
    const whole = held + text;
    held = whole.endsWith("\r") ? "\r" : "";
    return oneBreak(held === "" ? whole : whole.slice(0, -1));
  };
  for await (const chunk of source.bytes()) {
    yield { rows: splitter.push(piece(decoder.decode(chunk, { stream: true })), false), bytes: chunk.length };
  }
  yield { rows: splitter.push(oneBreak(held + decoder.decode()), true), bytes: 0 };
}

/** The first rows that are sound, of the head of the file alone. */
function firstRows(papa: Papa, head: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  for (const { row } of createRecords(papa, delimiter).push(oneBreak(head), true)) {
    if (!isProblem(row)) rows.push(row);
    if (rows.length === fewRows) break;
  }
  return rows;
}

/** What cuts the most rows into the same number of cells, two or more; a comma where nothing does. */
function guessDelimiter(papa: Papa, head: string, path: string): Delimiter {
  const usual: Delimiter = extensionOf(path) === "tsv" ? "\t" : ",";
  const scores = delimiters.map((delimiter) => {
    const lengths = firstRows(papa, head, delimiter).map(({ length }) => length);
    const [first = 0] = lengths;
    const alike = lengths.filter((length) => length === first).length / Math.max(1, lengths.length);
    return { delimiter, score: first < 2 ? 0 : alike + (delimiter === usual ? 0.2 : 0) + Math.min(first, 9) / 100 };
  });
  const best = scores.toSorted((a, b) => b.score - a.score)[0];
  return best && best.score > 0 ? best.delimiter : usual;
}

/** A usual name among them is enough. Else names are few words, distinct, no numbers and no sentences. */
function looksLikeHeader(first: readonly string[]): boolean {
  const cells = first.map((cell) => cell.trim());
  if (guessRoles(distinctNames(cells)).some(({ role }) => role !== "ignore")) return true;
  const isName = (cell: string): boolean =>
    cell !== "" && cell.length <= 64 && !/^[-+\d.,]+$|[.?!]$|(\s\S+){4}/u.test(cell);
  return cells.every(isName) && new Set(cells).size === cells.length;
}

const formats: Readonly<Record<Delimiter, string>> = {
  ",": "CSV",
  ";": "CSV with semicolons",
  "\t": "TSV",
  "|": "CSV with bars",
};

const ragged = (found: number, needed: number): Problem =>
  problem(
    "wrong number of columns",
    `${countOf(found, "column")} where ${count(needed)} are needed; put a text that holds the separator in quotes`,
  );
const notText = problem(
  "not UTF-8",
  "some bytes of this line are not UTF-8 text (shown as \uFFFD); save the file as UTF-8",
);

function checked({ line, text, row }: Given<string[]>, columns: number, encoding: TextEncodingName): Given<Cells> {
  if (isProblem(row)) return { line, text, row };
  if (row.length !== columns) return { line, text, row: ragged(row.length, columns) };
  const spoilt = encoding.name === "utf-8" && row.some((cell) => cell.includes("\uFFFD"));
  return { line, text, row: spoilt ? notText : row };
}

/** `given`: how it is cut, where a person said so. Errors: UnreadableCollection where it has no rows or too many columns. */
export async function openSeparated(source: Source, given?: SeparatedForm): Promise<Table> {
  const { default: papa } = await import("papaparse");
  const bytes = await headOf(source, headBytes);
  const encoding = encodingOf(bytes);
  const head = new TextDecoder(encoding.name).decode(bytes, { stream: true });
  const delimiter = given?.delimiter ?? guessDelimiter(papa, head, source.path);
  const rows = firstRows(papa, head, delimiter);
  const [first] = rows;
  if (!first) throw new UnreadableCollection(`${source.path} has no rows: it is empty, or its start holds no line.`);
  if (first.length > mostColumns) {
    throw new UnreadableCollection(
      `${source.path} has ${count(first.length)} columns; at most ${mostColumns} are read. Leave out those that are not needed.`,
    );
  }
  const header = given?.header ?? looksLikeHeader(first);
  const columns = distinctNames(header ? first : first.map(() => ""));
  return {
    path: source.path,
    size: source.size,
    format: formats[delimiter],
    form: { delimiter, header },
    columns,
    notes: encoding.note === undefined ? [] : [encoding.note],
    async *batches() {
      let isHeader = header;
      for await (const { rows, bytes } of records(papa, source, encoding, delimiter)) {
        const [, ...others] = rows;
        const own = isHeader && rows.length > 0 ? others : rows;
        if (rows.length > 0) isHeader = false;
        yield { rows: own.map((row) => checked(row, columns.length, encoding)), bytes };
      }
    },
  };
}
