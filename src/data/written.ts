/** Rows of negatives.jsonl: passages written for one query that do not answer it (domain/negative.ts). */
import type { Query } from "../domain/collection.ts";
import type { Reasoning, WrittenNegative } from "../domain/negative.ts";
import type { Shelf } from "./documents.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Row, TakeRow } from "./rows.ts";
import { idUnder, isRow, own, parseRow, textOrNone, textUnder } from "./rows.ts";
import { quoted } from "./wording.ts";

function sourceOf(row: Row): WrittenNegative["source"] | Problem {
  const source = own(row, "source") ?? "synthetic";
  if (source === "synthetic" || source === "human" || source === "given") return source;
  return problem("unknown source", `"source" must be "synthetic", "human" or "given", or be left out for "synthetic"`);
}

function reasoningOf(row: Row): Reasoning | undefined | Problem {
  const value = own(row, "reasoning") ?? undefined;
  if (value === undefined) return undefined;
  const wrong = problem("reasoning is not valid", `"reasoning" must have the strings "positive", "shares" and "lacks"`);
  if (!isRow(value)) return wrong;
  const [positive, shares, lacks] = [own(value, "positive"), own(value, "shares"), own(value, "lacks")];
  if (typeof positive !== "string" || typeof shares !== "string" || typeof lacks !== "string") return wrong;
  return { positive, shares, lacks };
}

function attributesOf(row: Row): Readonly<Record<string, string>> | undefined | Problem {
  const value = own(row, "attributes") ?? undefined;
  if (value === undefined) return undefined;
  const wrong = problem("attributes are not valid", `"attributes" must be an object of strings`);
  if (!isRow(value)) return wrong;
  const entries: [string, string][] = [];
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") return wrong;
    entries.push([name, text]);
  }
  // fromEntries defines properties: a "__proto__" among them is a property like any other.
  return Object.fromEntries(entries);
}

/** Model and recipe, where the row names them. */
function makerOf(row: Row): Pick<WrittenNegative, "model" | "recipe"> | Problem {
  const model = textOrNone(row, "model");
  if (isProblem(model)) return model;
  const recipe = textOrNone(row, "recipe");
  if (isProblem(recipe)) return recipe;
  return { ...(model === "" ? {} : { model }), ...(recipe === "" ? {} : { recipe }) };
}

/** How it came to be: everything but the query and the passage. */
function provenanceOf(row: Row): Omit<WrittenNegative, "queryId" | "title" | "text"> | Problem {
  const source = sourceOf(row);
  if (isProblem(source)) return source;
  const reasoning = reasoningOf(row);
  if (isProblem(reasoning)) return reasoning;
  const attributes = attributesOf(row);
  if (isProblem(attributes)) return attributes;
  const maker = makerOf(row);
  if (isProblem(maker)) return maker;
  return { source, ...(reasoning ? { reasoning } : {}), ...(attributes ? { attributes } : {}), ...maker };
}

function parseNegative(text: string, queries: Shelf<Query>): WrittenNegative | Problem {
  const row = parseRow(text);
  if (isProblem(row)) return row;
  const id = idUnder(row, ["queryId", "query-id", "query_id"]);
  if (isProblem(id)) return id;
  const query = queries.get(id);
  if (!query) return problem("unknown query", `${quoted(id)} is not among the queries that were kept`);
  const title = textOrNone(row, "title");
  if (isProblem(title)) return title;
  const body = textUnder(row, "text");
  if (isProblem(body)) return body;
  if (title.trim() === "" && body.trim() === "") return problem("empty negative", "title and text are both empty");
  const provenance = provenanceOf(row);
  return isProblem(provenance) ? provenance : { queryId: query.item.id, title, text: body, ...provenance };
}

export const takeNegative =
  (queries: Shelf<Query>, negatives: Shelf<WrittenNegative>): TakeRow =>
  (text, line) => {
    const negative = parseNegative(text, queries);
    if (isProblem(negative)) return negative;
    const key = JSON.stringify([negative.queryId, negative.title, negative.text]);
    const first = negatives.get(key);
    if (first)
      return problem(
        "repeated negative",
        `the same passage for the same query is on line ${first.line}; the first one is kept`,
      );
    negatives.set(key, { item: negative, line });
    return "taken";
  };
