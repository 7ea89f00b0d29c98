/** Rows of corpus.jsonl and queries.jsonl. */
import type { Document, Query } from "../domain/collection.ts";
import { documentId, queryId } from "../domain/ids.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { TakeRow } from "./rows.ts";
import { idUnder, parseRow, repeated, textOrNone, textUnder } from "./rows.ts";

/** What was taken so far by id, each with its line, in the order of the file. */
export type Shelf<Item> = Map<string, { readonly item: Item; readonly line: number }>;

export const itemsOf = <Item>(shelf: Shelf<Item>): Item[] => Array.from(shelf.values(), ({ item }) => item);

function parseDocument(text: string): Document | Problem {
  const row = parseRow(text);
  if (isProblem(row)) return row;
  const id = idUnder(row, ["_id", "id"]);
  if (isProblem(id)) return id;
  const title = textOrNone(row, "title");
  if (isProblem(title)) return title;
  const body = textUnder(row, "text");
  if (isProblem(body)) return body;
  if (title.trim() === "" && body.trim() === "") return problem("empty document", "title and text are both empty");
  return { id: documentId(id), title, text: body };
}

function parseQuery(text: string): Query | Problem {
  const row = parseRow(text);
  if (isProblem(row)) return row;
  const id = idUnder(row, ["_id", "id"]);
  if (isProblem(id)) return id;
  const body = textUnder(row, "text");
  if (isProblem(body)) return body;
  return body.trim() === "" ? problem("empty query", "its text is empty") : { id: queryId(id), text: body };
}

const takeOnto =
  <Item extends { readonly id: string }>(
    shelf: Shelf<Item>,
    noun: string,
    parse: (text: string) => Item | Problem,
  ): TakeRow =>
  (text, line) => {
    const item = parse(text);
    if (isProblem(item)) return item;
    const first = shelf.get(item.id);
    if (first) return repeated(noun, item.id, first.line);
    shelf.set(item.id, { item, line });
    return "taken";
  };

export const takeDocument = (shelf: Shelf<Document>): TakeRow => takeOnto(shelf, "document", parseDocument);
export const takeQuery = (shelf: Shelf<Query>): TakeRow => takeOnto(shelf, "query", parseQuery);
