/** The rows of a table by what its columns mean: queries with their passages, or documents. */
import type { Column, ColumnRole } from "../../domain/mapping.ts";
import { documentId } from "../../domain/ids.ts";
import type { Document } from "../../domain/collection.ts";
import type { Shelf } from "../documents.ts";
import type { MappedPair, Passage } from "../pairrow.ts";
import { passageOf } from "../pairrow.ts";
import type { Problem } from "../problem.ts";
import { isProblem, problem } from "../problem.ts";
import { wholeNumber } from "../qrels.ts";
import type { Outcome } from "../rows.ts";
import { repeated } from "../rows.ts";
import { quoted } from "../wording.ts";
import type { Cells } from "./table.ts";

type Places = ReadonlyMap<ColumnRole, number>;

const placesOf = (columns: readonly Column[]): Places => new Map(columns.map(({ role }, place) => [role, place]));

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");

/** A cell as text, "" where there is none. */
function textOf(value: unknown, name: string): string | Problem {
  if (isEmpty(value)) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  return problem(`${quoted(name)} is not text`, "its cell holds a list, an object or bytes where a text is needed");
}

/** A list that was written into a cell as JSON, as spreadsheets hold lists. */
function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "string" || !/^\s*\[\s*"/u.test(value)) return [value];
  try {
    const list: unknown = JSON.parse(value);
    if (Array.isArray(list)) return list;
  } catch {
    // A text that begins with a bracket is a text.
  }
  return [value];
}

function passagesIn(value: unknown, name: string): Passage[] | Problem {
  const found: Passage[] = [];
  for (const item of listIn(value)) {
    if (isEmpty(item)) continue;
    const passage = passageOf(typeof item === "number" ? String(item) : item, name);
    if (isProblem(passage)) return passage;
    found.push(passage);
  }
  return found;
}

/** Reads cells by the role of their column. */
function reader(columns: readonly Column[]) {
  const places = placesOf(columns);
  const nameOf = (role: ColumnRole): string => columns[places.get(role) ?? -1]?.name ?? role;
  const cell = (cells: Cells, role: ColumnRole): unknown => cells[places.get(role) ?? -1];
  return {
    has: (role: ColumnRole): boolean => places.has(role),
    nameOf,
    cell,
    text: (cells: Cells, role: ColumnRole): string | Problem => textOf(cell(cells, role), nameOf(role)),
  };
}

type CellReader = ReturnType<typeof reader>;

function positivesOf(read: CellReader, cells: Cells): Passage[] | Problem {
  const positives = passagesIn(read.cell(cells, "positive"), read.nameOf("positive"));
  if (isProblem(positives)) return positives;
  const [first, second] = positives;
  if (!first) return problem("no positive", `${quoted(read.nameOf("positive"))} is empty`);
  if (second || !read.has("title")) return positives;
  const title = read.text(cells, "title");
  return isProblem(title) ? title : [{ title: title === "" ? first.title : title, text: first.text }];
}

function gradeOf(read: CellReader, cells: Cells): number | Problem {
  const text = read.text(cells, "score");
  if (isProblem(text)) return text;
  if (text === "") return 1;
  if (wholeNumber.test(text.trim())) return Number(text);
  return problem("score is not a whole number", `${quoted(text)} must be 0, 1, 2, …; 0 says that it is no answer`);
}

/** Turns rows into queries with their passages. */
export function pairsBy(columns: readonly Column[]): (cells: Cells) => MappedPair | Problem {
  const read = reader(columns);
  const negativePlaces = columns.flatMap(({ role }, place) => (role === "negative" ? [place] : []));

  function negativesOf(cells: Cells): Passage[] | Problem {
    const found: Passage[] = [];
    for (const place of negativePlaces) {
      const some = passagesIn(cells[place], columns[place]?.name ?? "");
      if (isProblem(some)) return some;
      found.push(...some);
    }
    return found;
  }

  function splitOf(cells: Cells): string | Problem {
    // Without a split column the run divides the queries itself.
    if (!read.has("split")) return "all";
    const split = read.text(cells, "split");
    return isProblem(split) ? split : split.trim() || "train";
  }

  return (cells) => {
    const [query, id, split] = [read.text(cells, "query"), read.text(cells, "documentId"), splitOf(cells)];
    if (isProblem(query)) return query;
    if (isProblem(id)) return id;
    if (isProblem(split)) return split;
    if (query === "") return problem("empty query", `${quoted(read.nameOf("query"))} is empty`);
    const [positives, negatives, grade] = [positivesOf(read, cells), negativesOf(cells), gradeOf(read, cells)];
    if (isProblem(positives)) return positives;
    if (isProblem(negatives)) return negatives;
    if (isProblem(grade)) return grade;
    if (id !== "" && positives.length > 1)
      return problem("several positives", `${positives.length} passages stand under one document id, ${quoted(id)}`);
    return { query, positives, negatives, grade, split, ...(id === "" ? {} : { id: id.trim() }) };
  };
}

/** Takes rows that are documents. */
export function takeDocumentBy(
  columns: readonly Column[],
  shelf: Shelf<Document>,
): (cells: Cells, line: number) => Outcome {
  const read = reader(columns);
  return (cells, line) => {
    const [text, title, own] = [read.text(cells, "text"), read.text(cells, "title"), read.text(cells, "documentId")];
    if (isProblem(text)) return text;
    if (isProblem(title)) return title;
    if (isProblem(own)) return own;
    if (text === "" && title === "") return problem("empty document", "title and text are both empty");
    if (read.has("documentId") && own === "")
      return problem("empty id", `${quoted(read.nameOf("documentId"))} is empty; give every row its own`);
    const id = own === "" ? `d${line}` : own.trim();
    const first = shelf.get(id);
    if (first) return repeated("document", id, first.line);
    shelf.set(id, { item: { id: documentId(id), title, text }, line });
    return "taken";
  };
}
