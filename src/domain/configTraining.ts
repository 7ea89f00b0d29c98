/** What training is made of: the values of a recipe that have parts or names of their own. */
import * as v from "valibot";
import { count, nonNegative, positive } from "./configNumbers.ts";
import { layerMatrices } from "./engine.ts";

/**
 * What is trained on: the judged queries with their answers; or pairs made of the documents alone (data/documentPairs.ts),
 * namely titles with their texts, sentences with the rest of their documents ("cloze"), or both ("documents").
 */
export const pairSources = ["queries", "titles", "cloze", "documents"] as const;
export type PairSource = (typeof pairSources)[number];

/**
 * What the scores of a query's candidates become. "infonce": −log softmax of the positive. "marginMSE": the guide's margins
 * between positive and negatives are learned (arXiv 2010.02666). "lambdaRank": pairs weighted by what their exchange does
 * to the reciprocal rank, as ADORE trains (arXiv 2104.08051).
 */
export const lossNames = ["infonce", "marginMSE", "lambdaRank"] as const;
export type LossName = (typeof lossNames)[number];

/** Harder negatives weigh more in InfoNCE's softmax: z = s / τ + alpha · s, the second s a constant (arXiv 2503.04812, eq. 5). */
export const hardness = v.strictObject({
  /** 5 as EmbeddingGemma (arXiv 2509.20354) on "own"; 9 in arXiv 2503.04812 on in-batch ones. */
  alpha: v.optional(positive, 5),
  /** All negatives, in-batch ones too; the row's own; of those the written ones. */
  on: v.optional(v.picklist(["all", "own", "written"]), "all"),
});

/**
 * GISTEmbed (arXiv 2402.16829): in each batch a query's own and in-batch negatives are left out if the guide scores them above
 * its score of the positive, less the margin. sentence-transformers' GISTEmbedLoss also sets queries against queries and
 * positives against positives, and leaves out some of these in the same way; here there are no such pairs.
 */
export const gist = v.strictObject({
  /** "absolute": g(q,d−) > g(q,d+) − margin; "relative": g(q,d−) > g(q,d+) − |g(q,d+)|·margin. */
  strategy: v.optional(v.picklist(["absolute", "relative"]), "absolute"),
  margin: v.optional(nonNegative, 0),
});

/**
 * CausalNeg's entropy term (arXiv 2606.01304): −H of the written among themselves, and (their share of the softmax over all own
 * negatives − their share of these)². It moves written negatives alone. With one written negative a row H is 0 whatever
 * is learned, and only the second part acts.
 */
export const entropy = v.strictObject({
  weight: v.optional(positive, 0.05),
  temperature: v.optional(positive, 0.1),
});

/**
 * LoRA (arXiv 2106.09685): alpha / rank · B · A is learned beside each of these matrices, which themselves stay as they are. It has a
 * usual learning rate of its own (domain/encoder.ts): one that is meant for all weights is too low.
 */
export const lora = v.strictObject({
  rank: v.optional(count, 8),
  alpha: v.optional(positive, 16),
  matrices: v.optional(
    v.pipe(
      v.array(v.picklist(layerMatrices)),
      v.minLength(1),
      v.check((matrices) => new Set(matrices).size === matrices.length, "each matrix may stand there once"),
    ),
    [...layerMatrices],
  ),
});

const droppedShare = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
/** As BERT was trained with (Devlin et al., 2019), where one of the two is silent. */
export const dropout = v.strictObject({
  hidden: v.optional(droppedShare, 0.1),
  attention: v.optional(droppedShare, 0.1),
});

/**
 * The weights that did best on the collection's dev split are those that the run ends with. nDCG@10 is measured before training,
 * every `every` steps and after the last. The test split has no part in it.
 */
export const best = v.strictObject({
  every: count,
  /** Looks without a better one, after which training ends. Where silent it never ends early. */
  patience: v.optional(count),
});

/** "queries": documents keep the vectors that they had before training, and so their index. */
export const sideNames = ["both", "queries"] as const;

export const evaluate = v.strictObject({
  /** "auto": test if there is one, else dev, else the only one. */
  split: v.optional(v.pipe(v.string(), v.minLength(1)), "auto"),
  /** Cut-offs: nDCG, MRR and Recall at each, beside nDCG@10, MRR@10 and Recall@100, which are always measured. */
  k: v.optional(v.pipe(v.array(v.pipe(count, v.maxValue(100))), v.minLength(1)), [10, 100]),
});
