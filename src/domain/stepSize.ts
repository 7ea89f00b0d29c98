/** The largest step that a recipe can make, whatever the texts are: what its memory is predicted from. */
import type { Config } from "./config.ts";
import type { EncoderCard } from "./encoder.ts";
import type { StepSize } from "./engine.ts";

type Recipe = Pick<
  Config,
  | "negatives"
  | "batchSize"
  | "batchTokens"
  | "maxQueryTokens"
  | "maxDocumentTokens"
  | "inBatch"
  | "symmetric"
  | "side"
  | "accumulate"
>;

/** Every text as long as it may be, none twice; at most the recipe's token budget. */
export function largestStep(recipe: Recipe, { maxTokens }: Pick<EncoderCard, "maxTokens">): StepSize {
  const { batchSize: queries, batchTokens = Infinity, side, inBatch, symmetric, accumulate } = recipe;
  const query = Math.min(recipe.maxQueryTokens, maxTokens);
  const document = Math.min(recipe.maxDocumentTokens, maxTokens);
  const own = 1 + recipe.negatives.reduce((sum, { count }) => sum + count, 0);
  const documents = queries * own;
  const fixed = side === "queries" ? documents : 0;
  const longest = side === "queries" ? query : Math.max(query, document);
  const row = query + (side === "queries" ? 0 : own * document);
  const lists = symmetric ? 2 * queries : queries;
  return {
    // One row is a batch even if it is over the budget.
    tokens: Math.min(queries * row, Math.max(batchTokens, row)),
    texts: queries + documents - fixed,
    longest,
    queries: lists,
    candidates: queries * (inBatch ? documents : own) + (symmetric ? queries * queries : 0),
    fixed,
    batches: accumulate,
  };
}
