/** Token ids as a recipe wants them of an encoder. */
import type { TrainingConfig } from "../domain/config.ts";
import type { Progress } from "../domain/stages.ts";
import type { FolderContents } from "../encoder/folder.ts";
import type { Tokenize } from "./batch.ts";

/** What is put before a text and how long it may be: the recipe's word, else the encoder's. */
export function tokenizeFor({ card, tokenizer }: FolderContents, config: TrainingConfig): Tokenize {
  const prefix = {
    query: config.queryPrefix ?? card.queryPrefix,
    document: config.documentPrefix ?? card.documentPrefix,
  };
  const most = {
    query: Math.min(config.maxQueryTokens, card.maxTokens),
    document: Math.min(config.maxDocumentTokens, card.maxTokens),
  };
  return (text, kind) => tokenizer.encode(prefix[kind] + text, most[kind]);
}

/** Remembers the ids of texts: every epoch asks for the same ones. */
export function remembering(tokenize: Tokenize): Tokenize {
  const known = { query: new Map<string, readonly number[]>(), document: new Map<string, readonly number[]>() };
  return (text, kind) => {
    const found = known[kind].get(text);
    if (found) return found;
    const ids = tokenize(text, kind);
    known[kind].set(text, ids);
    return ids;
  };
}

/** Ids of many texts, with a report now and then so that a stop can arrive in between. */
export async function* tokenizeAll(
  texts: readonly string[],
  kind: "query" | "document",
  tokenize: Tokenize,
): AsyncGenerator<Progress, number[][], void> {
  const ids: number[][] = [];
  for (const text of texts) {
    ids.push([...tokenize(text, kind)]);
    if (ids.length % 200 === 0) yield { done: 0, total: texts.length, unit: "texts" };
  }
  return ids;
}
