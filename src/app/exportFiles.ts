/** What goes out of collections, decoys and runs, as files. Loaded with the first export: the page starts without it. */
import { documentText, type Collection } from "../domain/collection.ts";
import type { Draft } from "../domain/draft.ts";
import type { RunProducts, RunRecord } from "../domain/run.ts";
import type { RowNegative, TrainingRow, TrainingSet } from "../domain/training.ts";
import { beirFiles } from "../export/files/beir.ts";
import { fileStem, mediaTypes, textFile, type DataFile } from "../export/files/file.ts";
import { measuredJudgements, resultTables, trecFiles } from "../export/files/results.ts";
import { flagEmbeddingFile, trainingFiles, type TrainingInput } from "../export/files/training.ts";
import { trecQrels } from "../export/files/trec.ts";
import { zipFile } from "../export/files/zip.ts";
import { trainingJudgements } from "./decoys.ts";
import { writtenNegatives } from "./drafts.ts";

export type RowFormat = "jsonl" | "parquet" | "flagembedding";

/** The rows as one file to be given out; undefined where there is no row for it. */
export function rowsFile(
  name: string,
  input: TrainingInput,
  format: RowFormat,
): { readonly file: DataFile | undefined; readonly leftOut: number } {
  const stem = fileStem(name);
  if (format === "flagembedding") {
    const { files, leftOut, rows } = flagEmbeddingFile(input, `${stem}-flagembedding.jsonl`);
    return { file: rows > 0 ? files[0] : undefined, leftOut };
  }
  const { files, leftOut, rows } = trainingFiles(input, { format });
  return { file: rows > 0 ? zipFile(`${stem}-training-${format}.zip`, files) : undefined, leftOut };
}

/** Rows of what is written alone: each training query with each of its answers, and all its decoys. */
export function writtenTrainingSet(collection: Collection, drafts: readonly Draft[]): TrainingSet {
  const queries = collection.queries.map(({ text }) => text);
  const documents = collection.documents.map(documentText);
  const queryAt = new Map(collection.queries.map(({ id }, i) => [id, i]));
  const documentAt = new Map(collection.documents.map(({ id }, i) => [id, i]));
  const negatives = new Map<string, RowNegative[]>();
  for (const negative of writtenNegatives(collection, drafts)) {
    const own = negatives.get(negative.queryId) ?? [];
    own.push({ document: documents.push(documentText(negative)) - 1, source: negative.source });
    negatives.set(negative.queryId, own);
  }
  const rows = trainingJudgements(collection).flatMap(({ queryId, documentId, grade }): TrainingRow[] => {
    const [query, positive] = [queryAt.get(queryId), documentAt.get(documentId)];
    if (grade <= 0 || query === undefined || positive === undefined) return [];
    return [{ query, positive, negatives: negatives.get(queryId) ?? [] }];
  });
  return { queries, documents, rows };
}

/** The collection in BEIR's layout, with what was written for it since. Errors: Unwritable. */
export const collectionFile = (collection: Collection, drafts: readonly Draft[]): DataFile =>
  zipFile(
    `${fileStem(collection.name)}-beir.zip`,
    beirFiles({ ...collection, negatives: writtenNegatives(collection, drafts) }),
  );

/** A file for each split. Errors: Unwritable. */
export const qrelsFile = ({ name, judgements }: Collection): DataFile =>
  zipFile(
    `${fileStem(name)}-qrels.zip`,
    Object.entries(judgements).map(([split, rows]) => trecQrels(`qrels.${fileStem(split)}.txt`, rows)),
  );

export const runStem = ({ encoderName, collectionName, name }: RunRecord): string =>
  fileStem(`${encoderName}-${collectionName}-${name}`).toLowerCase();

/** `collection`: undefined where it was removed; then there are no judgements. Errors: Unwritable. */
export function rankingsFile(run: RunRecord, products: RunProducts, collection: Collection | undefined): DataFile {
  const judgements = run.result && collection ? measuredJudgements(collection.judgements, run.result) : [];
  return zipFile(`${runStem(run)}-trec.zip`, trecFiles(products, judgements));
}

/** Undefined where the run has no result. */
export const tablesFile = (run: RunRecord): DataFile | undefined =>
  run.result && zipFile(`${runStem(run)}-tables.zip`, resultTables(run.result));

/** `runs`: at least one. */
export function reportFile(runs: readonly RunRecord[], html: string): DataFile {
  const [first, second] = runs;
  const stem = first && !second ? runStem(first) : `decoy-${runs.length}-runs`;
  return textFile(`${stem}-report.html`, mediaTypes.html, () => [html]);
}
