/** A row of a query with its positives and negatives, under the names that such fields go by. */
import type { Document } from "../domain/collection.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Row } from "./rows.ts";
import { isRow, own, parseRow } from "./rows.ts";
import { quoted } from "./wording.ts";

/** The names that each field goes by; the first that a row has is read. */
const aliases = {
  query: ["query", "anchor", "question"],
  positive: ["positive", "positives", "pos", "answer"],
  negatives: ["negatives", "negative", "neg"],
} as const;

export type Field = keyof typeof aliases;
export type Passage = Pick<Document, "title" | "text">;

export interface Pair {
  readonly query: string;
  readonly positives: readonly Passage[];
  readonly negatives: readonly Passage[];
  /** The keys that were read, by what they mean. */
  readonly keys: readonly (readonly [Field, string])[];
}

/** A row of a table whose columns a person or their names explained. */
export interface MappedPair extends Omit<Pair, "keys"> {
  /** Of the positive; at or below 0 it is no answer, as in qrels. */
  readonly grade: number;
  readonly split: string;
  /** Of the document of the only positive. */
  readonly id?: string;
}

const missing = (value: unknown): boolean => value === undefined || value === null;
const firstKey = (row: Row, field: Field): string | undefined => aliases[field].find((key) => !missing(own(row, key)));

/** A string, or an object {"title", "text"}. */
export function passageOf(value: unknown, key: string): Passage | Problem {
  const [title, text] = isRow(value) ? [own(value, "title") ?? "", own(value, "text")] : ["", value];
  if (typeof text !== "string" || typeof title !== "string") {
    return problem(`${key} is not text`, `"${key}" must be a string, an object {"title", "text"}, or a list of these`);
  }
  return title.trim() === "" && text.trim() === ""
    ? problem(`empty ${key}`, `"${key}" has an empty passage; fill it or leave it out`)
    : { title, text };
}

function passages(row: Row, key: string): readonly Passage[] | Problem {
  const value = own(row, key);
  const found: Passage[] = [];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const item of items) {
    const one = passageOf(item, key);
    if (isProblem(one)) return one;
    found.push(one);
  }
  return found;
}

const numberOf = (key: string): number => Number(key.slice("negative_".length));

/** "negatives" under its names, and negative_1, negative_2, … in this order. */
function negativeKeys(row: Row): string[] {
  const first = firstKey(row, "negatives");
  const numbered = Object.keys(row).filter((key) => /^negative_\d{1,4}$/.test(key) && !missing(row[key]));
  return [...(first === undefined ? [] : [first]), ...numbered.toSorted((a, b) => numberOf(a) - numberOf(b))];
}

function negativesOf(row: Row, keys: readonly string[]): readonly Passage[] | Problem {
  const found: Passage[] = [];
  for (const key of keys) {
    const some = passages(row, key);
    if (isProblem(some)) return some;
    found.push(...some);
  }
  return found;
}

export function parsePair(text: string): Pair | Problem {
  const row = parseRow(text);
  if (isProblem(row)) return row;
  const [queryKey, positiveKey] = [firstKey(row, "query"), firstKey(row, "positive")];
  const has = `the row has ${Object.keys(row).slice(0, 8).map(quoted).join(", ") || "no keys"}`;
  if (queryKey === undefined) return problem("no query", `${has}; "query", "anchor" or "question" is needed`);
  if (positiveKey === undefined) return problem("no positive", `${has}; "positive", "pos" or "answer" is needed`);
  const query = own(row, queryKey);
  if (typeof query !== "string") return problem("query is not text", `"${queryKey}" must be a string`);
  if (query.trim() === "") return problem("empty query", `"${queryKey}" is empty`);
  const positives = passages(row, positiveKey);
  if (isProblem(positives)) return positives;
  if (positives.length === 0) return problem("no positive", `"${positiveKey}" is an empty list`);
  const keys = negativeKeys(row);
  const negatives = negativesOf(row, keys);
  if (isProblem(negatives)) return negatives;
  return {
    query,
    positives,
    negatives,
    keys: [["query", queryKey], ["positive", positiveKey], ...keys.map((key) => ["negatives", key] as const)],
  };
}
