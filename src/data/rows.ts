/** One row after another of a file of lines, each taken or rejected with its reason. */
import { breath, turn } from "../base/breath.ts";
import type { ImportReport } from "../domain/stages.ts";
import type { Ledger } from "./ledger.ts";
import type { Line } from "./lines.ts";
import { createLineSplitter } from "./lines.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Source } from "./source.ts";
import { quoted } from "./wording.ts";

/** What became of a row. "skipped": it is not one (a header). */
export type Outcome = "taken" | "skipped" | Problem;
export type TakeRow = (text: string, line: number) => Outcome;

/** A row as it was found: what it says, or what is wrong with it before anyone looked. */
export interface Given<Row> {
  /** 1-based. */
  readonly line: number;
  /** For an excerpt. */
  readonly text: string;
  readonly row: Row | Problem;
}

/** Rows that were found together, and the bytes that this took. */
export interface Batch<Row> {
  readonly rows: Iterable<Given<Row>>;
  readonly bytes: number;
}

/** Hands every row of a file to `take` and keeps the books. */
export async function* enterRows<Row>(
  file: string,
  batches: AsyncIterable<Batch<Row>>,
  ledger: Ledger,
  take: (row: Row, line: number) => Outcome,
): AsyncGenerator<ImportReport, void, void> {
  function enter({ line, text, row }: Given<Row>): void {
    const outcome = isProblem(row) ? row : take(row, line);
    if (outcome === "taken") ledger.accept(file);
    else if (isProblem(outcome)) ledger.reject({ file, line, text }, outcome);
  }

  let worked = performance.now();
  for await (const { rows, bytes } of batches) {
    for (const row of rows) enter(row);
    ledger.advance(bytes);
    ledger.checkPatience(file);
    yield* ledger.reports();
    if (performance.now() - worked < breath) continue;
    await turn();
    worked = performance.now();
  }
  yield* ledger.reports();
}

function* givenLines(lines: Iterable<Line>): Generator<Given<string>, void, void> {
  for (const line of lines) {
    if ("text" in line) yield { line: line.number, text: line.text, row: line.text };
    else yield { line: line.number, text: line.excerpt, row: line.problem };
  }
}

/** The lines of a file, by the chunk that ends them. */
export async function* lineBatches(source: Source): AsyncGenerator<Batch<string>, void, void> {
  const splitter = createLineSplitter();
  for await (const chunk of source.bytes()) yield { rows: givenLines(splitter.push(chunk)), bytes: chunk.length };
  yield { rows: givenLines(splitter.end()), bytes: 0 };
}

/** Hands every line of a file to `take` and keeps the books. */
export const readRows = (source: Source, ledger: Ledger, take: TakeRow): AsyncGenerator<ImportReport, void, void> =>
  enterRows(source.path, lineBatches(source), ledger, take);

/** A parsed row. Read it with `own` alone: its keys are the file's, `__proto__` and `constructor` among them. */
export type Row = Readonly<Record<string, unknown>>;

export const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const own = (row: Row, key: string): unknown => (Object.hasOwn(row, key) ? row[key] : undefined);

const notAnObject = problem(
  "not a JSON object",
  `a row must be one JSON object on one line, such as {"_id": "1", "text": "…"}`,
);

export function parseRow(text: string): Row | Problem {
  // Cheap, and spares most garbage the cost of an exception.
  if (!text.startsWith("{") || !text.endsWith("}")) return notAnObject;
  try {
    const value: unknown = JSON.parse(text);
    return isRow(value) ? value : notAnObject;
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    return problem("not valid JSON", `${excerptOfMessage(why)}; check the quotes and commas of this line`);
  }
}

/** V8 quotes the row in its message: enough of it is shown beside it already. */
const excerptOfMessage = (message: string): string => (message.length > 80 ? `${message.slice(0, 79)}…` : message);

/** The id under the first of these keys that the row has, as a string. */
export function idUnder(row: Row, keys: readonly [string, ...string[]]): string | Problem {
  const key = keys.find((name) => Object.hasOwn(row, name)) ?? keys[0];
  const value = own(row, key);
  if (value === undefined) return problem("no id", `"${key}" is missing; give every row one`);
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return String(value);
    return problem(
      "id is not exact",
      `"${key}" is the number ${value}, which is not whole or too large to be exact; put it in quotes`,
    );
  }
  if (typeof value !== "string") return problem("id is not text", `"${key}" must be a string or a whole number`);
  return value.trim() === "" ? problem("empty id", `"${key}" is empty; give every row its own`) : value;
}

/** A string that must be there. */
export function textUnder(row: Row, key: string): string | Problem {
  const value = own(row, key);
  if (typeof value === "string") return value;
  if (value === undefined) return problem(`no ${key}`, `"${key}" is missing; it must be a string`);
  return problem(`${key} is not text`, `"${key}" is ${kindOfValue(value)} and must be a string`);
}

/** A string that may be missing or null: then "". */
export function textOrNone(row: Row, key: string): string | Problem {
  return own(row, key) === undefined || own(row, key) === null ? "" : textUnder(row, key);
}

function kindOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export const repeated = (noun: string, id: string, first: number): Problem =>
  problem(`repeated ${noun} id`, `${quoted(id)} was taken on line ${first} already; the first one is kept`);
