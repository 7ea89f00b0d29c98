/**
 * Separated values to records, as RFC 4180 writes them (quotes around cells, "" for a quote, line breaks within quotes),
 * with the line of each and bounded memory. papaparse cuts the cells; what it leaves to its caller is here: the number of
 * the line, pieces of a file, and a stray quote, which costs the line it stands on and not the rest of the file.
 */
import type { Parser, ParseStepResult } from "papaparse";
import type { Problem } from "../problem.ts";
import { problem } from "../problem.ts";
import type { Given } from "../rows.ts";
import { UnreadableCollection } from "../unreadable.ts";
import { count } from "../wording.ts";

export type Papa = typeof import("papaparse");

/** Longest record in characters. */
export const longestRecord = 2 ** 20;

/** Lines with stray quotes after which the file is refused: each costs another look at up to 1 MiB. */
const mostStray = 1_000;

const strayQuote = problem(
  "quotes do not match",
  "a quote on this line is not closed, or text follows its end; double the quotes inside of a quoted cell",
);
const tooLong: Problem = problem(
  "line too long",
  `it has more than ${count(longestRecord)} characters; split its text`,
);

interface Step {
  readonly cells: string[];
  readonly start: number;
  readonly end: number;
  readonly stray: boolean;
}

/** The records of `text` up to the first with a stray quote, that one included. */
function cut(papa: Papa, text: string, delimiter: string): Step[] {
  const steps: Step[] = [];
  let start = 0;
  papa.parse<string[]>(text, {
    delimiter,
    newline: "\n",
    step({ data, errors, meta }: ParseStepResult<string[]>, parser: Parser) {
      const stray = errors.some(({ type }) => type === "Quotes");
      steps.push({ cells: data, start, end: meta.cursor, stray });
      start = meta.cursor;
      if (stray) parser.abort();
    },
  });
  return steps;
}

const linesIn = (text: string, start: number, end: number): number => {
  let lines = 0;
  for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
};

export interface Records {
  /** The records that end in this piece; its line breaks are single line feeds. Blank lines are left out, but counted. */
  push(piece: string, last: boolean): Given<string[]>[];
}

/** A line whose quotes do not match: without quotes where tabs separate, as many programs write those. Errors: too many of them. */
function createUnquoted(delimiter: string) {
  let lines = 0;
  return (text: string, line: number): Given<string[]> => {
    lines += 1;
    if (lines > mostStray) {
      throw new UnreadableCollection(
        `More than ${count(mostStray)} lines have quotes that do not match, the last of them line ${count(line)}. ` +
          "Another separator may be the right one; or save the file with tabs between the cells.",
      );
    }
    return { line, text, row: delimiter === "\t" ? text.split("\t") : strayQuote };
  };
}

export function createRecords(papa: Papa, delimiter: string): Records {
  let rest = "";
  let line = 1;
  const unquoted = createUnquoted(delimiter);
  /** Within a line that is too long. */
  let skipping = false;

  /** Takes the end of a line that is too long off `rest`; false while it goes on. */
  function skipped(last: boolean): boolean {
    if (!skipping) return true;
    const end = rest.indexOf("\n");
    rest = end < 0 ? "" : rest.slice(end + 1);
    if (end < 0 && !last) return false;
    skipping = false;
    line += 1;
    return true;
  }

  /** One round over `rest`: what was found, and whether another round may find more. */
  function round(found: Given<string[]>[], last: boolean): boolean {
    const steps = cut(papa, rest, delimiter);
    // The last record may go on in the next piece.
    const open = last ? undefined : steps.at(-1);
    const closed = open && open.end >= rest.length ? steps.slice(0, -1) : steps;
    let at = 0;
    for (const { cells, start, end, stray } of closed) {
      if (stray) {
        const stop = rest.indexOf("\n", start);
        const text = rest.slice(start, stop < 0 ? rest.length : stop);
        found.push(unquoted(text, line));
        line += 1;
        rest = rest.slice(start + text.length + 1);
        return rest !== "";
      }
      if (cells.length > 1 || (cells[0] ?? "").trim() !== "")
        found.push({ line, text: rest.slice(start, Math.min(end, start + 400)).trimEnd(), row: cells });
      line += linesIn(rest, start, end);
      at = end;
    }
    rest = rest.slice(at);
    return !last && rest.length > longestRecord && giveUp(found);
  }

  /** What is left is more than one record may have. */
  function giveUp(found: Given<string[]>[]): boolean {
    const end = rest.indexOf("\n");
    if (end >= 0 && end <= longestRecord) {
      found.push(unquoted(rest.slice(0, end), line));
      rest = rest.slice(end + 1);
      line += 1;
      return true;
    }
    found.push({ line, text: rest.slice(0, 400), row: tooLong });
    skipping = true;
    return skipped(false);
  }

  return {
    push(piece, last) {
      rest += piece;
      const found: Given<string[]>[] = [];
      if (!skipped(last)) return found;
      while (rest !== "" && round(found, last));
      return found;
    },
  };
}
