/**
 * One file of rows {query, positive(s), negative(s)?}, as training sets for encoders are exchanged. Documents are the
 * distinct passages, "d1" onward in the order of their first appearance; queries the distinct questions, "q1" onward.
 * A negative is a document of the collection and, for its query, a given negative.
 */
import type { Document, Judgement, Query } from "../domain/collection.ts";
import { documentId, queryId } from "../domain/ids.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { Column } from "../domain/mapping.ts";
import type { ImportReport } from "../domain/stages.ts";
import type { Content } from "./beir.ts";
import type { PairsLayout } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import type { Field, MappedPair, Passage } from "./pairrow.ts";
import { parsePair } from "./pairrow.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Outcome } from "./rows.ts";
import { enterRows, readRows } from "./rows.ts";
import { pairsBy } from "./table/mapped.ts";
import type { Table } from "./table/table.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { count, countOf, quoted } from "./wording.ts";

/** What one query was told of one passage, and on which line. */
type Sides = Map<string, { readonly side: "positive" | "negative"; readonly line: number }>;

const keyOf = ({ title, text }: Passage): string => JSON.stringify([title, text]);

const sideOf = (grade: number) => (grade > 0 ? "positive" : "negative");

/** A passage cannot be both an answer and no answer. */
function contradiction({ positives, negatives, grade }: MappedPair, known: Sides, line: number): Problem | undefined {
  // Not a copy of what is known: a query may have very many rows.
  const added: Sides = new Map();
  for (const [side, items] of [
    [sideOf(grade), positives],
    ["negative", negatives],
  ] as const) {
    for (const item of items) {
      const said = known.get(keyOf(item)) ?? added.get(keyOf(item));
      if (said && said.side !== side) {
        return problem(
          "negative is also positive",
          `${quoted(item.text)} is the ${said.side} on line ${said.line} and the ${side} on line ${line} for the same query; keep one`,
        );
      }
      if (!said) added.set(keyOf(item), { side, line });
    }
  }
  return undefined;
}

/** A query that was met, what is known of its passages, and the line on which it was first. */
interface Met {
  readonly query: Query;
  readonly line: number;
  readonly sides: Sides;
}

/** The distinct passages, each with the id that its first row gave it, or "d1" onward. */
function createDocuments() {
  const byPassage = new Map<string, Document>();
  const byId = new Map<string, Document>();
  function shelve(item: Passage, given?: string): Document {
    const key = keyOf(item);
    const known = byPassage.get(key);
    if (known) {
      if (given !== undefined) byId.set(given, known);
      return known;
    }
    let id = given;
    for (let n = byPassage.size + 1; id === undefined; n++) id = byId.has(`d${n}`) ? undefined : `d${n}`;
    const document = { id: documentId(id), title: item.title, text: item.text };
    byPassage.set(key, document);
    byId.set(id, document);
    return document;
  }
  return { byPassage, byId, shelve };
}

/** One id cannot name two passages. */
function otherText(documents: ReadonlyMap<string, Document>, { id, positives }: MappedPair): Problem | undefined {
  const [item] = positives;
  const known = id === undefined ? undefined : documents.get(id);
  if (!known || !item || id === undefined || keyOf(known) === keyOf(item)) return undefined;
  return problem(
    "document id has two texts",
    `${quoted(id)} is the id of ${quoted(known.text)} already and cannot be that of ${quoted(item.text)}`,
  );
}

function meet(queries: Map<string, Met>, text: string, line: number): Met {
  const met = { query: { id: queryId(`q${queries.size + 1}`), text }, line, sides: new Map() };
  queries.set(text, met);
  return met;
}

function createPairs() {
  const documents = createDocuments();
  const queries = new Map<string, Met>();
  const judgements = new Map<string, Judgement[]>();
  const negatives: WrittenNegative[] = [];
  const names = { query: new Set<string>(), positive: new Set<string>(), negatives: new Set<string>() };

  function judge(split: string, judgement: Judgement): void {
    const rows = judgements.get(split);
    if (rows) rows.push(judgement);
    else judgements.set(split, [judgement]);
  }

  /** Adds what is new to the query. */
  function addTo({ query, sides }: Met, pair: MappedPair, line: number): void {
    const { positives, negatives: given, grade, split, id } = pair;
    for (const item of positives) {
      if (sides.has(keyOf(item))) continue;
      sides.set(keyOf(item), { side: sideOf(grade), line });
      judge(split, { queryId: query.id, documentId: documents.shelve(item, id).id, grade });
    }
    for (const item of given) {
      if (sides.has(keyOf(item))) continue;
      sides.set(keyOf(item), { side: "negative", line });
      const { title, text } = documents.shelve(item);
      negatives.push({ queryId: query.id, source: "given", title, text });
    }
  }

  function takePair(pair: MappedPair, line: number): Outcome {
    const known = queries.get(pair.query);
    const against = otherText(documents.byId, pair) ?? contradiction(pair, known?.sides ?? new Map(), line);
    if (against) return against;
    if (known && [...pair.positives, ...pair.negatives].every((item) => known.sides.has(keyOf(item)))) {
      return problem(
        "repeated row",
        `the query and all its passages were given before, the query first on line ${known.line}`,
      );
    }
    addTo(known ?? meet(queries, pair.query, line), pair, line);
    return "taken";
  }

  function take(text: string, line: number): Outcome {
    const pair = parsePair(text);
    if (isProblem(pair)) return pair;
    const outcome = takePair({ ...pair, grade: 1, split: "all" }, line);
    if (outcome === "taken") for (const [field, key] of pair.keys) names[field].add(key);
    return outcome;
  }

  return {
    take,
    takePair,
    names,
    content: (): Content => ({
      documents: [...documents.byPassage.values()],
      queries: Array.from(queries.values(), ({ query }) => query),
      // fromEntries defines properties, so a split named "__proto__" is one like any other.
      judgements: Object.fromEntries(judgements),
      negatives,
    }),
  };
}

/** "query from anchor, negatives from negative_1 to negative_4" for the names that are not the plain ones. */
function describe(names: Readonly<Record<Field, ReadonlySet<string>>>): string {
  const fields = (["query", "positive", "negatives"] as const).filter((field) =>
    [...names[field]].some((key) => key !== field),
  );
  const parts = fields.map((field) => {
    const keys = [...names[field]];
    return `${field} from ${keys.length > 3 ? `${keys[0] ?? ""} … ${keys.at(-1) ?? ""} (${countOf(keys.length, "key")})` : keys.join(", ")}`;
  });
  return parts.length > 0 ? ` (${parts.join("; ")})` : "";
}

/** Errors: UnreadableCollection when no row is usable. Also returns how the fields were named. */
export async function* readPairs(
  layout: PairsLayout,
  ledger: Ledger,
): AsyncGenerator<ImportReport, { readonly content: Content; readonly fields: string }, void> {
  const pairs = createPairs();
  yield* readRows(layout.rows, ledger, pairs.take);
  ledger.requireRows([layout.rows.path], "row of a query and its positive");
  return { content: pairs.content(), fields: describe(pairs.names) };
}

/** The same of a table, by what its columns mean. Errors: UnreadableCollection when no row is usable. */
export async function* readMappedPairs(
  table: Table,
  columns: readonly Column[],
  ledger: Ledger,
): AsyncGenerator<ImportReport, Content, void> {
  const pairs = createPairs();
  const pairOf = pairsBy(columns);
  yield* enterRows(table.path, table.batches(), ledger, (cells, line) => {
    const pair = pairOf(cells);
    return isProblem(pair) ? pair : pairs.takePair(pair, line);
  });
  ledger.requireRows([table.path], "row of a query and its positive");
  const content = pairs.content();
  if (Object.values(content.judgements).some((rows) => rows.some(({ grade }) => grade > 0))) return content;
  throw new UnreadableCollection(
    `None of the ${count(content.queries.length)} queries of ${table.path} has a positive: no score is above 0. Give the passages that answer a query a score of 1 or more, or ignore the column.`,
  );
}
