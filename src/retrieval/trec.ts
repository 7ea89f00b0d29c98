/** Reading TREC run files: one hit a line, "query Q0 document rank score tag". They are written by src/export/files/trec.ts. */
import { UserError } from "../base/errors.ts";
import { documentId, queryId, type DocumentId, type QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import { compareHits } from "./order.ts";

/** A line that is not of a run file. */
export class UnreadableRun extends UserError {
  override readonly name = "UnreadableRun";
}

/**
 * Rankings in the order in which the file first names their queries, hits best first by score: like trec_eval, the rank
 * column is not believed. Errors: {@link UnreadableRun}.
 */
export function readRun(text: string): Ranking[] {
  const byQuery = new Map<QueryId, Map<DocumentId, number>>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    // A byte order mark is white space to JavaScript.
    const columns = line.trim().split(/\s+/);
    if (columns[0] === "") continue;
    const [query = "", , document = "", , score = ""] = columns;
    if (columns.length !== 6 || !Number.isFinite(Number(score))) {
      throw new UnreadableRun(
        `Line ${i + 1} has ${columns.length} columns and the score ${JSON.stringify(score)}. A TREC run has six columns, ` +
          '"query Q0 document rank score tag", and the score is a number. Correct the line.',
      );
    }
    const found = byQuery.get(queryId(query)) ?? new Map<DocumentId, number>();
    if (found.has(documentId(document))) {
      throw new UnreadableRun(
        `Line ${i + 1} names document ${document} for query ${query} a second time. Remove one of the two lines.`,
      );
    }
    byQuery.set(queryId(query), found.set(documentId(document), Number(score)));
  }
  return [...byQuery].map(([id, found]) => ({
    queryId: id,
    hits: [...found].map(([document, score]) => ({ documentId: document, score })).sort(compareHits),
  }));
}
