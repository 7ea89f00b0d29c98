/**
 * A collection in BEIR's layout: corpus.jsonl {_id, title, text}, queries.jsonl {_id, text}, qrels/<split>.tsv under the
 * header "query-id corpus-id score". Beside them what BEIR has no place for, in files that its reader passes over:
 * negatives.jsonl, and meta.json with the name. What src/data read comes back the same, in the same order.
 */
import type { Collection, Judgement } from "../../domain/collection.ts";
import { mediaTypes, textFile, type PlainFile } from "./file.ts";
import { jsonlFile } from "./jsonl.ts";
import { shown, Unwritable } from "./unwritable.ts";

export interface BeirOptions {
  /** "jsonl": judgements as {"query-id", "corpus-id", "score"}, as the copies on the Hugging Face hub have them: for ids that a TSV cannot hold. */
  readonly qrels?: "tsv" | "jsonl";
}

/** BEIR reads its TSV with Python's csv module, to which a quotation mark at the start of a cell is no part of it. */
function fitsTsv(id: string): boolean {
  return id !== "" && id.trim() === id && !/[\t\r\n\0]/u.test(id) && !id.startsWith('"') && id.isWellFormed();
}

function checkTsv(judgements: readonly Judgement[]): void {
  for (const { queryId, documentId } of judgements) {
    for (const id of [queryId, documentId]) {
      if (fitsTsv(id)) continue;
      throw new Unwritable(
        `The id ${shown(id)} cannot stand in a TSV of judgements: tabs, line breaks, white space at its ends or a quotation mark at its start would be read as something else. ` +
          "Write the judgements as JSON lines instead, or change the id.",
      );
    }
  }
}

function* tsvLines(judgements: readonly Judgement[]): Generator<string, void, void> {
  yield "query-id\tcorpus-id\tscore\n";
  for (const { queryId, documentId, grade } of judgements) yield `${queryId}\t${documentId}\t${grade}\n`;
}

function* jsonRows(judgements: readonly Judgement[]): Generator<unknown, void, void> {
  for (const { queryId, documentId, grade } of judgements)
    yield { "query-id": queryId, "corpus-id": documentId, score: grade };
}

/** A split names its file. */
function qrelsFile(split: string, judgements: readonly Judgement[], format: "tsv" | "jsonl"): PlainFile {
  if (!/^[^./\\\0][^/\\\0]*$/u.test(split) || !split.isWellFormed()) {
    throw new Unwritable(`The split ${shown(split)} cannot be the name of a file. Rename it.`);
  }
  const name = `qrels/${split}.${format}`;
  if (format === "jsonl") return jsonlFile(name, () => jsonRows(judgements));
  checkTsv(judgements);
  return textFile(name, mediaTypes.tsv, () => tsvLines(judgements));
}

function* corpusRows({ documents }: Collection): Generator<unknown, void, void> {
  // The title also where it is empty: BEIR's models put title and text together unasked.
  for (const { id, title, text } of documents) yield { _id: id, title, text };
}

function* queryRows({ queries }: Collection): Generator<unknown, void, void> {
  for (const { id, text } of queries) yield { _id: id, text };
}

/**
 * Splits without a judgement have no file. Where nothing is judged the documents stand alone, as queries that no split
 * judges cannot be read back. Errors: {@link Unwritable}, at once.
 */
export function beirFiles(collection: Collection, { qrels = "tsv" }: BeirOptions = {}): PlainFile[] {
  const { negatives, name } = collection;
  const judged = Object.entries(collection.judgements).filter(([, judgements]) => judgements.length > 0);
  const meta = { name, writtenBy: "Decoy" };
  return [
    textFile("meta.json", mediaTypes.json, () => [`${JSON.stringify(meta)}\n`]),
    jsonlFile("corpus.jsonl", () => corpusRows(collection)),
    ...(judged.length > 0 ? [jsonlFile("queries.jsonl", () => queryRows(collection))] : []),
    ...judged.map(([split, judgements]) => qrelsFile(split, judgements, qrels)),
    ...(judged.length > 0 && negatives.length > 0 ? [jsonlFile("negatives.jsonl", () => negatives)] : []),
  ];
}
