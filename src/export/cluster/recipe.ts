/** recipe.json: what the run was told, with every default filled in, and what train.py makes of each key. */
import * as v from "valibot";
import { UserError } from "../../base/errors.ts";
import { parseConfig, type Config } from "../../domain/config.ts";
import { usualLearningRate, type EncoderCard, type EncoderShape } from "../../domain/encoder.ts";
import { clusterKeys, type KeyUse } from "./keys.ts";

/** A recipe.json that this version does not read. */
export class UnreadableClusterRecipe extends UserError {
  override readonly name = "UnreadableClusterRecipe";
}

/** Of recipe.json and of what lies beside it; train.py reads one only. */
export const clusterFormat = 1;

/** What the page's own run gave, to be compared with. */
export interface PageRun {
  /** Numbers of the rows in the first batch, from 0. */
  readonly firstBatch: readonly number[];
  /** Mean over the first step's batches. Left out where that step trained with dropout or took several batches: there is nothing to compare with. */
  readonly firstLoss?: number;
  readonly "ndcg@10"?: { readonly before: number; readonly after: number };
}

export interface ClusterRecipe {
  readonly format: typeof clusterFormat;
  readonly writtenBy: "Decoy";
  readonly run: {
    readonly name: string;
    readonly collection: string;
    readonly collectionSha256: string;
    readonly encoder: string;
  };
  readonly recipe: Config;
  readonly encoder: { readonly family: EncoderShape["family"]; readonly maxTokens: number };
  readonly keys: Readonly<Record<string, KeyUse>>;
  /** Null where the bundle has no judgements. */
  readonly evaluate: { readonly split: string } | null;
  readonly page: PageRun;
}

/** What a recipe leaves to the encoder, written out: the same recipe for another program. */
export function filledRecipe(config: Config, card: EncoderCard): Config {
  return {
    ...config,
    learningRate: config.learningRate ?? usualLearningRate(card.shape, config.lora !== undefined),
    pooling: config.pooling ?? card.pooling,
    queryPrefix: config.queryPrefix ?? card.queryPrefix,
    documentPrefix: config.documentPrefix ?? card.documentPrefix,
  };
}

export interface RecipeInput extends Pick<ClusterRecipe, "run" | "evaluate" | "page"> {
  readonly config: Config;
  readonly card: EncoderCard;
}

export const clusterRecipe = ({ config, card, run, evaluate, page }: RecipeInput): ClusterRecipe => ({
  format: clusterFormat,
  writtenBy: "Decoy",
  run,
  recipe: filledRecipe(config, card),
  encoder: { family: card.shape.family, maxTokens: card.maxTokens },
  keys: clusterKeys,
  evaluate,
  page,
});

const file = v.looseObject({ format: v.literal(clusterFormat), recipe: v.looseObject({}) });

/** The recipe of a recipe.json, for the page or its runner. Errors: {@link UnreadableClusterRecipe}, InvalidConfig. */
export function readClusterRecipe(json: string): Config {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new UnreadableClusterRecipe("recipe.json is not JSON. Take the one of the bundle.", { cause });
  }
  const parsed = v.safeParse(file, given);
  if (parsed.success) return parseConfig(parsed.output.recipe);
  throw new UnreadableClusterRecipe(
    `This is no recipe.json of format ${clusterFormat}, the only one that is read here. Take the one of a bundle that this version wrote.`,
  );
}
