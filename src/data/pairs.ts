/**
 * One file of rows {query, positive(s), negative(s)?}, as training sets for encoders are exchanged. Documents are the
 * distinct passages, "d1" onward in the order of their first appearance; queries the distinct questions, "q1" onward.
 * A negative is a document of the collection and, for its query, a given negative.
 */
import type { Document, Judgement, Query } from "../domain/collection.ts";
import { documentId, queryId } from "../domain/ids.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { ImportReport } from "../domain/stages.ts";
import type { Content } from "./beir.ts";
import type { PairsLayout } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import type { Field, Pair, Passage } from "./pairrow.ts";
import { parsePair } from "./pairrow.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Outcome } from "./rows.ts";
import { readRows } from "./rows.ts";
import { countOf, quoted } from "./wording.ts";

/** What one query was told of one passage, and on which line. */
type Sides = Map<string, { readonly side: "positive" | "negative"; readonly line: number }>;

const keyOf = ({ title, text }: Passage): string => JSON.stringify([title, text]);

/** A passage cannot be both an answer and no answer. */
function contradiction({ positives, negatives }: Pair, known: Sides, line: number): Problem | undefined {
  // Not a copy of what is known: a query may have very many rows.
  const added: Sides = new Map();
  for (const [side, items] of [
    ["positive", positives],
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

/** The document with this passage, new or already there. */
function shelve(documents: Map<string, Document>, item: Passage): Document {
  const key = keyOf(item);
  const known = documents.get(key);
  if (known) return known;
  const document = { id: documentId(`d${documents.size + 1}`), title: item.title, text: item.text };
  documents.set(key, document);
  return document;
}

function createPairs() {
  const documents = new Map<string, Document>();
  const queries = new Map<string, Met>();
  const judgements: Judgement[] = [];
  const negatives: WrittenNegative[] = [];
  const names = { query: new Set<string>(), positive: new Set<string>(), negatives: new Set<string>() };

  /** Adds what is new to the query. */
  function addTo({ query, sides }: Met, { positives, negatives: given }: Pair, line: number): void {
    for (const item of positives) {
      if (sides.has(keyOf(item))) continue;
      sides.set(keyOf(item), { side: "positive", line });
      judgements.push({ queryId: query.id, documentId: shelve(documents, item).id, grade: 1 });
    }
    for (const item of given) {
      if (sides.has(keyOf(item))) continue;
      sides.set(keyOf(item), { side: "negative", line });
      const { title, text } = shelve(documents, item);
      negatives.push({ queryId: query.id, source: "given", title, text });
    }
  }

  function meet(text: string, line: number): Met {
    const met = { query: { id: queryId(`q${queries.size + 1}`), text }, line, sides: new Map() };
    queries.set(text, met);
    return met;
  }

  function take(text: string, line: number): Outcome {
    const pair = parsePair(text);
    if (isProblem(pair)) return pair;
    const known = queries.get(pair.query);
    const against = contradiction(pair, known?.sides ?? new Map(), line);
    if (against) return against;
    if (known && [...pair.positives, ...pair.negatives].every((item) => known.sides.has(keyOf(item)))) {
      return problem(
        "repeated row",
        `the query and all its passages were given before, the query first on line ${known.line}`,
      );
    }
    addTo(known ?? meet(pair.query, line), pair, line);
    for (const [field, key] of pair.keys) names[field].add(key);
    return "taken";
  }

  return {
    take,
    names,
    content: (): Content => ({
      documents: [...documents.values()],
      queries: Array.from(queries.values(), ({ query }) => query),
      judgements: { all: judgements },
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
