/**
 * Rows of qrels: BEIR's three columns (query, document, grade; header optional), TREC's four (query, iteration, document,
 * grade), or the Hugging Face copies' JSON objects. The grade is whole; at or below 0 it says "not relevant", as in trec_eval.
 */
import type { Document, Judgement, Query } from "../domain/collection.ts";
import type { Shelf } from "./documents.ts";
import type { Problem } from "./problem.ts";
import { isProblem, problem } from "./problem.ts";
import type { Outcome, TakeRow } from "./rows.ts";
import { idUnder, own, parseRow } from "./rows.ts";
import { countOf, quoted } from "./wording.ts";

/** A row before it is known whether its query and document exist. */
interface Triple {
  readonly query: string;
  readonly document: string;
  readonly grade: string;
}

interface Bench {
  readonly queries: Shelf<Query>;
  readonly documents: Shelf<Document>;
  readonly judgements: Shelf<Judgement>;
}

/** "1", "-1", and "1.0" as pandas writes it. */
export const wholeNumber = /^[+-]?\d{1,9}(\.0+)?$/;

function columnsOf(text: string): Triple | Problem {
  const columns = (text.includes("\t") ? text.split("\t") : text.split(/\s+/)).map((column) => column.trim());
  const [query, second, third, fourth] = columns;
  if (query !== undefined && second !== undefined && third !== undefined) {
    if (columns.length === 3) return { query, document: second, grade: third };
    if (columns.length === 4 && fourth !== undefined) return { query, document: third, grade: fourth };
  }
  return problem(
    "wrong number of columns",
    `${countOf(columns.length, "column")}, separated by tabs or spaces, where query, document and grade are needed`,
  );
}

function objectOf(text: string): Triple | Problem {
  const row = parseRow(text);
  if (isProblem(row)) return row;
  const query = idUnder(row, ["query-id", "query_id", "qid"]);
  if (isProblem(query)) return query;
  const document = idUnder(row, ["corpus-id", "corpus_id", "document-id", "document_id", "docid"]);
  if (isProblem(document)) return document;
  const grade = own(row, "score") ?? own(row, "relevance") ?? "";
  return { query, document, grade: typeof grade === "string" || typeof grade === "number" ? String(grade) : "" };
}

function judge({ queries, documents, judgements }: Bench, triple: Triple, line: number): Outcome {
  const { query, document, grade } = triple;
  const [judged, answer] = [queries.get(query), documents.get(document)];
  if (!wholeNumber.test(grade)) return problem("grade is not a whole number", `${quoted(grade)} must be 0, 1, 2, …`);
  if (!judged) return problem("unknown query", `${quoted(query)} is not among the queries that were read`);
  if (!answer) return problem("unknown document", `${quoted(document)} is not among the documents that were read`);
  const key = `${query}\u0000${document}`;
  const first = judgements.get(key);
  if (first) {
    return problem(
      "repeated judgement",
      `query ${quoted(query)} and document ${quoted(document)} were judged on line ${first.line} already (grade ${first.item.grade}); the first one is kept`,
    );
  }
  // The ids of the shelves, not the slices of this line: a slice would keep the line in memory.
  judgements.set(key, { item: { queryId: judged.item.id, documentId: answer.item.id, grade: Number(grade) }, line });
  return "taken";
}

/** Takes the rows of one split; the first row may be a header. */
export function takeJudgement(bench: Bench, format: "columns" | "json"): TakeRow {
  let first = true;
  return (text, line) => {
    const triple = format === "json" ? objectOf(text) : columnsOf(text);
    const mayBeHeader = first && format === "columns";
    first = false;
    if (isProblem(triple)) return triple;
    if (mayBeHeader && !bench.queries.has(triple.query) && !wholeNumber.test(triple.grade)) return "skipped";
    return judge(bench, triple, line);
  };
}
