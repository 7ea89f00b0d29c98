/**
 * The rows of a run, in the run's own order: a batch is a list of their numbers. Columns in the order that sentence-transformers
 * wants (anchor, positive, negative_1 … negative_n), and last, as JSON, what is known of each row. A row with fewer negatives has
 * empty texts in the columns behind; its provenance lists those that it has.
 */
import { present } from "../../base/assert.ts";
import type { TrainingRow, TrainingSet } from "../../domain/training.ts";
import { mediaTypes, type PlainFile } from "../files/file.ts";
import { jsonlFile } from "../files/jsonl.ts";
import { parquetChunks } from "../files/parquet.ts";
import { originsOf, type Origins, type RowOrigin } from "../files/provenance.ts";
import { negativeColumns, type TrainingInput } from "../files/training.ts";

/** What train.py needs of a row beside its texts: rows with the same `query` number ask the same. */
export interface ClusterRow extends RowOrigin {
  readonly query: number;
  /** For batches by topic. */
  readonly topic?: number;
}

const text = (texts: readonly string[], at: number): string => present(texts[at], `text ${at}`).toWellFormed();

/** Every row with its cells in the columns' order, the provenance not yet written. */
function* rowsOf(set: TrainingSet, known: Origins, columns: readonly string[]) {
  const originOf = originsOf(set, known);
  for (const [at, row] of set.rows.entries()) {
    const topic = set.topics?.[at];
    const negatives = columns.map((_, i) => {
      const negative = row.negatives[i];
      return negative ? text(set.documents, negative.document) : "";
    });
    const provenance: ClusterRow = {
      query: row.query,
      ...(topic !== undefined && { topic }),
      ...originOf(row, columns),
    };
    yield { cells: [text(set.queries, row.query), text(set.documents, row.positive), ...negatives], provenance };
  }
}

const mostNegatives = (rows: readonly TrainingRow[]): number =>
  rows.reduce((most, { negatives }) => Math.max(most, negatives.length), 0);

/** data/train.parquet, and the same as JSON lines for where nothing reads Parquet. */
export function clusterRows({ trainingSet, ...known }: TrainingInput): readonly PlainFile[] {
  const negatives = negativeColumns(mostNegatives(trainingSet.rows));
  const columns = ["anchor", "positive", ...negatives];
  function* lines(): Generator<readonly string[], void, void> {
    for (const { cells, provenance } of rowsOf(trainingSet, known, negatives))
      yield [...cells, JSON.stringify(provenance).toWellFormed()];
  }
  function* objects(): Generator<unknown, void, void> {
    for (const { cells, provenance } of rowsOf(trainingSet, known, negatives))
      yield { ...Object.fromEntries(columns.map((column, i) => [column, cells[i]])), provenance };
  }
  return [
    {
      name: "data/train.parquet",
      type: mediaTypes.parquet,
      chunks: () => parquetChunks([...columns, "provenance"], lines()),
    },
    jsonlFile("data/train.jsonl", objects),
  ];
}
