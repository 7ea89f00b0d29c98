/** How many tokens the rows of a training set bring into a batch, so that batches can be planned before the first of them. */
import { present } from "../base/assert.ts";
import type { RowTexts } from "../data/batches.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Progress } from "../domain/stages.ts";
import type { Refresh, TrainingSet } from "../domain/training.ts";
import type { Tokenize } from "./batch.ts";

export interface Counting {
  readonly data: TrainingSet;
  readonly config: Pick<TrainingConfig, "side" | "maxDocumentTokens">;
  readonly tokenize: Tokenize;
  /** Negatives that training will find: each counts as the longest document that there can be. */
  readonly requests?: Refresh["requests"];
}

/** Documents that do not train are no texts of a batch. */
export async function* rowTexts({
  data,
  config,
  tokenize,
  requests = [],
}: Counting): AsyncGenerator<Progress, RowTexts, void> {
  const trained = config.side === "both";
  const numbers = new Map<string, number>();
  const tokens: number[] = [];
  const numberOf = (kind: "query" | "document", at: number): number => {
    const text = present((kind === "query" ? data.queries : data.documents)[at], `${kind} ${at}`);
    const key = `${kind}:${text}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, tokens.length);
    return tokens.push(tokenize(text, kind).length) - 1;
  };
  const rows: number[][] = [];
  for (const { query, positive, negatives } of data.rows) {
    const documents = trained ? [positive, ...negatives.map(({ document }) => document)] : [];
    rows.push([numberOf("query", query), ...documents.map((document) => numberOf("document", document))]);
    if (rows.length % 100 === 0) yield { done: rows.length, total: data.rows.length, unit: "rows" };
  }
  const found = trained ? requests.reduce((sum, { count }) => sum + count, 0) : 0;
  return { rows, tokens, later: found * config.maxDocumentTokens };
}
