/**
 * Training rows as other programs read them. sentence-transformers takes every column for a text, in the order of the
 * columns and whatever their names: anchor, positive, negative_1 … negative_n (one negative alone: "negative"; docs of
 * MultipleNegativesRankingLoss and mine_hard_negatives). So nothing else may stand in these files: where each negative
 * comes from is in provenance.jsonl, a line a row. Texts are without the encoder's prefixes; negatives that training itself
 * finds (ANCE, ADORE) are in no row.
 */
import { present } from "../../base/assert.ts";
import type { TrainingRow, TrainingSet } from "../../domain/training.ts";
import { mediaTypes, type PlainFile } from "./file.ts";
import { jsonlFile } from "./jsonl.ts";
import { parquetChunks } from "./parquet.ts";
import { originsOf, type Origins } from "./provenance.ts";

export interface TrainingInput extends Origins {
  readonly trainingSet: TrainingSet;
}

export interface TrainingOptions {
  readonly format: "jsonl" | "parquet";
  /**
   * Exactly so many negatives a row: of a row with more the first are taken, a row with fewer is left out. Unless told, no
   * row is left out: where rows have different numbers of negatives, there is a file for each number, since a missing
   * column would be read as null and fail.
   */
  readonly negatives?: number;
}

export interface TrainingFiles {
  readonly files: readonly PlainFile[];
  /** In the files. */
  readonly rows: number;
  /** Rows with too few negatives. */
  readonly leftOut: number;
}

/** Rows with as many negatives as their file has columns for. */
interface Group {
  readonly count: number;
  readonly rows: readonly TrainingRow[];
}

function groupsOf({ rows }: TrainingSet, negatives: number | undefined): Group[] {
  if (negatives !== undefined) {
    return [{ count: negatives, rows: rows.filter((row) => row.negatives.length >= negatives) }];
  }
  const groups = new Map<number, TrainingRow[]>();
  for (const row of rows) {
    const group = groups.get(row.negatives.length);
    if (group) group.push(row);
    else groups.set(row.negatives.length, [row]);
  }
  return Array.from(groups, ([count, rows]) => ({ count, rows })).toSorted((a, b) => b.count - a.count);
}

export const negativeColumns = (count: number): string[] =>
  count === 1 ? ["negative"] : Array.from({ length: count }, (_, i) => `negative_${i + 1}`);

const columnsOf = (count: number): string[] => ["anchor", "positive", ...negativeColumns(count)];

/** The texts of rows. Readers of these files refuse what is no sound Unicode: half a character becomes U+FFFD. */
function textsOf({ queries, documents }: TrainingSet) {
  const document = (index: number): string => present(documents[index], `document ${index}`).toWellFormed();
  return {
    query: (row: TrainingRow): string => present(queries[row.query], `query ${row.query}`).toWellFormed(),
    positive: (row: TrainingRow): string => document(row.positive),
    negatives: (row: TrainingRow, count = row.negatives.length): string[] =>
      row.negatives.slice(0, count).map((negative) => document(negative.document)),
  };
}

function groupFile(name: string, set: TrainingSet, { count, rows }: Group): PlainFile {
  const texts = textsOf(set);
  const columns = columnsOf(count);
  const cells = (row: TrainingRow): string[] => [texts.query(row), texts.positive(row), ...texts.negatives(row, count)];
  function* all(): Generator<string[], void, void> {
    for (const row of rows) yield cells(row);
  }
  if (name.endsWith(".parquet")) {
    return { name, type: mediaTypes.parquet, chunks: () => parquetChunks(columns, all()) };
  }
  return jsonlFile(name, function* () {
    for (const texts of all()) yield Object.fromEntries(columns.map((column, i) => [column, texts[i]]));
  });
}

/** train.jsonl or train.parquet, or train-5-negatives.… and so on, and provenance.jsonl. No row: no file. */
export function trainingFiles(input: TrainingInput, { format, negatives }: TrainingOptions): TrainingFiles {
  const { trainingSet } = input;
  const groups = groupsOf(trainingSet, negatives).filter(({ rows }) => rows.length > 0);
  const nameOf = ({ count }: Group): string =>
    groups.length === 1 ? `train.${format}` : `train-${count}-negatives.${format}`;
  const rows = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const leftOut = trainingSet.rows.length - rows;
  if (rows === 0) return { files: [], rows, leftOut };
  const provenance = jsonlFile("provenance.jsonl", function* () {
    const originOf = originsOf(trainingSet, input);
    for (const group of groups) {
      const columns = negativeColumns(group.count);
      // Rows count from 0, as both libraries count them.
      for (const [row, each] of group.rows.entries()) yield { file: nameOf(group), row, ...originOf(each, columns) };
    }
  });
  return { files: [...groups.map((group) => groupFile(nameOf(group), trainingSet, group)), provenance], rows, leftOut };
}

/**
 * FlagEmbedding's {"query", "pos", "neg"}, a line a row of training: a query with two answers has two lines, each with its
 * own negatives. A row without negatives is left out: FlagEmbedding fills up by drawing from them.
 */
export function flagEmbeddingFile({ trainingSet }: TrainingInput, name = "flagembedding.jsonl"): TrainingFiles {
  const kept = trainingSet.rows.filter(({ negatives }) => negatives.length > 0);
  const texts = textsOf(trainingSet);
  const file = jsonlFile(name, function* () {
    for (const row of kept) yield { query: texts.query(row), pos: [texts.positive(row)], neg: texts.negatives(row) };
  });
  return { files: [file], rows: kept.length, leftOut: trainingSet.rows.length - kept.length };
}
