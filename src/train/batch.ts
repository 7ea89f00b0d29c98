/** From rows of texts to what an engine trains on: packed token ids and candidate lists. */
import { present } from "../base/assert.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { ContrastiveBatch, PackedTexts } from "../domain/engine.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";

export type Tokenize = (text: string, kind: "query" | "document") => readonly number[];

/** Texts back to back. */
export function packTexts(texts: readonly (readonly number[])[]): PackedTexts {
  const cuSeqlens = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) cuSeqlens[i + 1] = (cuSeqlens[i] ?? 0) + text.length;
  const tokenIds = new Int32Array(cuSeqlens[texts.length] ?? 0);
  for (const [i, text] of texts.entries()) tokenIds.set(text, cuSeqlens[i]);
  return { tokenIds, cuSeqlens };
}

/** Numbers the distinct texts of a batch in first-seen order, so that each is encoded once. */
function textTable(data: TrainingSet, tokenize: Tokenize) {
  const index = new Map<string, number>();
  const texts: (readonly number[])[] = [];
  const of = (kind: "query" | "document", at: number): number => {
    const text = present((kind === "query" ? data.queries : data.documents)[at], `${kind} ${at}`);
    const key = `${kind}:${text}`;
    const known = index.get(key);
    if (known !== undefined) return known;
    texts.push(tokenize(text, kind));
    index.set(key, texts.length - 1);
    return texts.length - 1;
  };
  return { texts, of };
}

const textOf = ({ documents }: TrainingSet, at: number): string => present(documents[at], `document ${at}`);

/** The texts that answer each query of a set, by any of its rows. */
const answersBySet = new WeakMap<TrainingSet, ReadonlyMap<number, ReadonlySet<string>>>();

function answersOf(data: TrainingSet): ReadonlyMap<number, ReadonlySet<string>> {
  const known = answersBySet.get(data);
  if (known) return known;
  const answers = new Map<number, Set<string>>();
  for (const { query, positive } of data.rows) {
    answers.set(query, (answers.get(query) ?? new Set()).add(textOf(data, positive)));
  }
  answersBySet.set(data, answers);
  return answers;
}

const documentsOf = ({ positive, negatives }: TrainingRow): readonly number[] => [
  positive,
  ...negatives.map(({ document }) => document),
];

/** Of the other rows' passages, each text once, those that do not answer the row's query and that it does not have itself. */
function masked(data: TrainingSet, row: TrainingRow, others: readonly number[]): readonly number[] {
  const passedOver = new Set(answersOf(data).get(row.query));
  for (const document of documentsOf(row)) passedOver.add(textOf(data, document));
  return others.filter((document) => {
    const text = textOf(data, document);
    const isNew = !passedOver.has(text);
    passedOver.add(text);
    return isNew;
  });
}

/**
 * The batch of `rows`. A query's candidates are its positive, its negatives, and with `inBatch` the positives and
 * negatives of the other rows, in row order: with `mask` each text once, and none that answers the query by any row of
 * `data` or that it has already; else each occurrence.
 */
export function contrastiveBatch(
  data: TrainingSet,
  rows: readonly TrainingRow[],
  { inBatch, mask }: Pick<TrainingConfig, "inBatch" | "mask">,
  tokenize: Tokenize,
): ContrastiveBatch {
  const table = textTable(data, tokenize);
  const queries = rows.map((row) => table.of("query", row.query));
  const own = rows.map((row) => documentsOf(row).map((document) => table.of("document", document)));
  const othersOf = (row: TrainingRow) => rows.flatMap((other) => (other === row ? [] : documentsOf(other)));
  const candidates = rows.map((row, b) => {
    const others = !inBatch ? [] : mask ? masked(data, row, othersOf(row)) : othersOf(row);
    return [...(own[b] ?? []), ...others.map((document) => table.of("document", document))];
  });
  const offsets = new Int32Array(rows.length + 1);
  for (const [b, row] of candidates.entries()) offsets[b + 1] = (offsets[b] ?? 0) + row.length;
  return {
    texts: packTexts(table.texts),
    queries: Int32Array.from(queries),
    offsets,
    candidates: Int32Array.from(candidates.flat()),
  };
}
