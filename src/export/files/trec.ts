/**
 * Files as trec_eval reads them: qrels, "query 0 document grade", and runs, "query Q0 document rank score tag". White space
 * parts their columns and there is no way to escape it, so an id that has any is refused.
 */
import type { Judgement } from "../../domain/collection.ts";
import type { Ranking } from "../../domain/ranking.ts";
import { mediaTypes, textFile, type PlainFile } from "./file.ts";
import { shown, Unwritable } from "./unwritable.ts";

// oxlint-disable-next-line no-control-regex -- what C's isspace and Python's split() part at, and what no terminal shows
const unfit = /[\s\u0000-\u001f\u007f\u0085]/u;

function checkColumn(text: string, what: string): void {
  if (text !== "" && !unfit.test(text) && text.isWellFormed()) return;
  throw new Unwritable(
    `The ${what} ${shown(text)} cannot stand in a TREC file: ${text === "" ? "it is empty" : "it has white space or characters that are no text in it"}, ` +
      `and white space separates the columns. Change the ${what}, or take a BEIR folder, whose files can hold it.`,
  );
}

/** In the order of the judgements. Errors: {@link Unwritable}, at once. */
export function trecQrels(name: string, judgements: readonly Judgement[]): PlainFile {
  for (const { queryId, documentId } of judgements) {
    checkColumn(queryId, "query id");
    checkColumn(documentId, "document id");
  }
  return textFile(name, mediaTypes.text, function* () {
    for (const { queryId, documentId, grade } of judgements) yield `${queryId} 0 ${documentId} ${grade}\n`;
  });
}

export interface RunOptions {
  /** Names the system. */
  readonly tag: string;
  /** Hits a query at most; all of them unless told. */
  readonly depth?: number;
}

/** Ranks from 1, in the order of each ranking's hits; scores with all their digits. Errors: {@link Unwritable}, at once. */
export function trecRun(name: string, rankings: readonly Ranking[], { tag, depth = Infinity }: RunOptions): PlainFile {
  checkColumn(tag, "tag");
  for (const { queryId, hits } of rankings) {
    checkColumn(queryId, "query id");
    for (const { documentId } of hits) checkColumn(documentId, "document id");
  }
  return textFile(name, mediaTypes.text, function* () {
    for (const { queryId, hits } of rankings) {
      for (const [i, { documentId, score }] of hits.slice(0, depth).entries()) {
        yield `${queryId} Q0 ${documentId} ${i + 1} ${score} ${tag}\n`;
      }
    }
  });
}
