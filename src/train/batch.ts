/** From rows of texts to what an engine trains on: packed token ids and candidate lists. */
import { present } from "../base/assert.ts";
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

/**
 * The batch of `rows`. A query's candidates are its positive, its negatives, and with `inBatch` the positives and
 * negatives of the other rows, in row order, each occurrence counted.
 */
export function contrastiveBatch(
  data: TrainingSet,
  rows: readonly TrainingRow[],
  inBatch: boolean,
  tokenize: Tokenize,
): ContrastiveBatch {
  const table = textTable(data, tokenize);
  const queries = rows.map((row) => table.of("query", row.query));
  const own = rows.map((row) => [
    table.of("document", row.positive),
    ...row.negatives.map((negative) => table.of("document", negative.document)),
  ]);
  const candidates = inBatch
    ? own.map((row, b) => [...row, ...own.flatMap((other, o) => (o === b ? [] : other))])
    : own;
  const offsets = new Int32Array(rows.length + 1);
  for (const [b, row] of candidates.entries()) offsets[b + 1] = (offsets[b] ?? 0) + row.length;
  return {
    texts: packTexts(table.texts),
    queries: Int32Array.from(queries),
    offsets,
    candidates: Int32Array.from(candidates.flat()),
  };
}
