/** The loss of a recipe in words, for the page and the model card. */
import type { Config } from "./config.ts";
import type { LossName } from "./configTraining.ts";

/** As the field calls them. */
export const lossTitles = {
  infonce: "InfoNCE",
  marginMSE: "MarginMSE",
  lambdaRank: "LambdaRank",
} as const satisfies Record<LossName, string>;

const hardenedWords = { all: "all negatives", own: "own negatives", written: "written negatives" } as const;

function scoreOf({ loss, temperature, marginScale }: Config): string {
  if (loss === "marginMSE") return `cosine against ${marginScale === 1 ? "" : `${marginScale} × `}the guide's`;
  return `cosine / ${temperature}`;
}

function inBatchOf({ inBatch, mask }: Config): readonly string[] {
  if (!inBatch) return [];
  return [`with in-batch negatives${mask ? " (known answers left out)" : ""}`];
}

/** "InfoNCE, cosine / 0.05, symmetric, with in-batch negatives (known answers left out)". */
export function describeLoss(config: Config): string {
  const { loss, symmetric, hardness, gist, entropy, dimensions } = config;
  return [
    // A recipe that was stored by an older version of the page has no such key.
    lossTitles[loss ?? "infonce"],
    scoreOf(config),
    ...(symmetric ? ["symmetric"] : []),
    ...inBatchOf(config),
    ...(gist ? [`GIST (${gist.strategy} margin ${gist.margin})`] : []),
    ...(hardness ? [`hardness ${hardness.alpha} on ${hardenedWords[hardness.on]}`] : []),
    ...(entropy ? [`entropy term ${entropy.weight} (τ ${entropy.temperature})`] : []),
    ...(dimensions ? [`Matryoshka at ${dimensions.join(", ")} dimensions`] : []),
  ].join(", ");
}
