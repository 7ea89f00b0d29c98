/**
 * The recipe of a run: every choice that changes its numbers. Validated here for the page, the runner and stored runs
 * alike; an unknown key or a bad value is an error that names the key. Every key has a default.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";
import { layerMatrices, optimizerNames } from "./engine.ts";

/** A recipe with a key or a value that does not exist. */
export class InvalidConfig extends UserError {
  override readonly name = "InvalidConfig";
}

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** `first` to `last`: the ranks (1-based, inclusive) that a sampler draws from, judged-relevant documents left out before. */
const range = { first: v.optional(count, 1), last: v.optional(count, 20) };
/** ANCE and ADORE search the 200 best, as their official code does. */
const wide = { first: v.optional(count, 1), last: v.optional(count, 200) };
const number = v.pipe(v.number(), v.finite());

/** Sources and their constants; negatives/samplers.ts says where each comes from. */
const negativeSource = v.variant("source", [
  /** Written by a language model; by a person. */
  v.strictObject({
    source: v.literal("synthetic"),
    count,
    /** Only those that this prompt recipe gave (negatives.jsonl, "recipe"); where silent, all. */
    recipe: v.optional(v.pipe(v.string(), v.minLength(1))),
  }),
  v.strictObject({ source: v.literal("human"), count }),
  v.strictObject({ source: v.literal("random"), count }),
  v.strictObject({ source: v.literal("bm25"), count, ...range }),
  /** The guide's nearest documents, searched once before training. */
  v.strictObject({ source: v.literal("dense"), count, ...range }),
  /** p ∝ exp(−a·(scale·(s(q,d) − s(q,d+)) ∓ b)²) over the guide's `last` best; `scale` brings a cosine to the width of AR2's raw scores. */
  v.strictObject({
    source: v.literal("simans"),
    count,
    last: v.optional(count, 200),
    a: v.optional(v.pipe(number, v.minValue(0)), 0.5),
    b: v.optional(number, 0),
    scale: v.optional(positive, 20),
    sign: v.optional(v.picklist(["paper", "code"]), "paper"),
  }),
  /** Searched with the newest weights: the collection is encoded anew every `every` steps. */
  v.strictObject({ source: v.literal("ance"), count, ...wide, every: v.optional(count, 50) }),
  /** Searched at every step with the query encoder of that step, in the document vectors from before training. */
  v.strictObject({ source: v.literal("adore"), count, ...wide }),
]);

const negatives = v.pipe(
  v.array(negativeSource),
  v.minLength(1),
  v.checkItems(
    (request) => !("first" in request) || request.first <= request.last,
    "first must not be larger than last",
  ),
  v.check(
    (requests) => new Set(requests.map(({ source }) => source)).size === requests.length,
    "each source may stand there once",
  ),
);

/** Whether the negatives of `source` are texts that someone wrote for the query, and not documents of the collection. */
export const isWritten = (source: string): source is "synthetic" | "human" =>
  source === "synthetic" || source === "human";
/** Whether they are searched for while training goes on. */
export const isRefreshed = (source: string): source is "ance" | "adore" => source === "ance" || source === "adore";

/** Whether a batch cannot be put together without a guide's scores. */
export const needsGuide = ({ gist, loss }: Partial<Pick<Config, "gist" | "loss">>): boolean =>
  gist !== undefined || loss === "marginMSE";

/** Positive-aware false-negative filters (NV-Retriever, arXiv 2407.15831); scores are the guide's cosines. */
const gate = v.variant("filter", [
  /** Dropped if s(q,d−) > s(q,d+) − |s(q,d+)|·(1 − value). */
  v.strictObject({ filter: v.literal("percentage"), value: v.optional(fraction, 0.95) }),
  /** Dropped if s(q,d−) > s(q,d+) − value. */
  v.strictObject({ filter: v.literal("margin"), value: v.optional(number, 0.05) }),
  /** Dropped if s(q,d−) > value. */
  v.strictObject({ filter: v.literal("absolute"), value: v.optional(number, 0.7) }),
]);

/** SyNeg's ratio R in the three readings that the paper's text allows (its denominator is not known). */
const ratio = v.variant("reading", [
  /** Share of the rows that get their synthetic negatives; the others get found ones instead. */
  v.strictObject({ reading: v.literal("instances"), value: fraction }),
  /** Synthetic negatives for each found one, in every row. */
  v.strictObject({ reading: v.literal("perFound"), value: v.pipe(number, v.minValue(0)) }),
  /** Synthetic negatives among all of a row's. */
  v.strictObject({ reading: v.literal("share"), value: fraction }),
]);

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
const hardness = v.strictObject({
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
const gist = v.strictObject({
  /** "absolute": g(q,d−) > g(q,d+) − margin; "relative": g(q,d−) > g(q,d+) − |g(q,d+)|·margin. */
  strategy: v.optional(v.picklist(["absolute", "relative"]), "absolute"),
  margin: v.optional(v.pipe(number, v.minValue(0)), 0),
});

/**
 * CausalNeg's entropy term (arXiv 2606.01304): −H of the written among themselves, and (their share of the softmax over all own
 * negatives − their share of these)². It moves written negatives alone. With one written negative a row H is 0 whatever
 * is learned, and only the second part acts.
 */
const entropy = v.strictObject({
  weight: v.optional(positive, 0.05),
  temperature: v.optional(positive, 0.1),
});

/**
 * LoRA (arXiv 2106.09685): alpha / rank · B · A is learned beside each of these matrices, which themselves stay as they are. It has a
 * usual learning rate of its own (domain/encoder.ts): one that is meant for all weights is too low.
 */
const lora = v.strictObject({
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
const dropout = v.strictObject({ hidden: v.optional(droppedShare, 0.1), attention: v.optional(droppedShare, 0.1) });

/**
 * The weights that did best on the collection's dev split are those that the run ends with. nDCG@10 is measured before training,
 * every `every` steps and after the last. The test split has no part in it.
 */
const best = v.strictObject({
  every: count,
  /** Looks without a better one, after which training ends. Where silent it never ends early. */
  patience: v.optional(count),
});

/** "queries": documents keep the vectors that they had before training, and so their index. */
export const sideNames = ["both", "queries"] as const;

const evaluate = v.strictObject({
  /** "auto": test if there is one, else dev, else the only one. */
  split: v.optional(v.pipe(v.string(), v.minLength(1)), "auto"),
  /** Cut-offs: nDCG, MRR and Recall at each, beside nDCG@10, MRR@10 and Recall@100, which are always measured. */
  k: v.optional(v.pipe(v.array(v.pipe(count, v.maxValue(100))), v.minLength(1)), [10, 100]),
});

/** One line a key: what it means, its unit, and what is right when nothing is said. */
const keys = v.strictObject({
  /** Anything but "queries" looks at no judgement; where there are none at all, documents are held out to measure with. */
  pairs: v.optional(v.picklist(pairSources), "queries"),
  /** Which negatives each query gets, from where, in the order of the row. */
  negatives: v.optional(negatives, [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 4, first: 1, last: 20 },
  ]),
  /**
   * "hybrid": every row gets its own share of each source (SyNeg). A row that lacks a synthetic negative gets one more
   * found negative instead, so that all rows have the same number. "synthetic" and "found" use those sources alone.
   * "direct": the same totals dealt over the whole data set instead of within each row, so that some rows get only
   * synthetic negatives and some only found ones. Negatives that came with the data ("given") are the first of the found ones.
   */
  mix: v.optional(v.picklist(["hybrid", "direct", "synthetic", "found"]), "hybrid"),
  /** Deals a row's number of negatives between synthetic and found ones anew; with "hybrid" only. */
  ratio: v.optional(ratio),
  /** Negatives that score too near their positive by the guide are left out. Without it none are. */
  gate: v.optional(gate),
  /** "rows": in shuffled order. "topics": every batch from one cluster of queries (TAS-B, arXiv 2104.06967). */
  batches: v.optional(v.picklist(["rows", "topics"]), "rows"),
  /** Clusters of the training queries, for batches by topic; never more than there are rows in a batch's worth. */
  topics: v.optional(count, 10),
  /** Looks at the negatives during training: how many, and at how many rows. 0 for none. */
  probes: v.optional(v.pipe(whole, v.maxValue(1000)), 4),
  probeRows: v.optional(v.pipe(count, v.maxValue(4096)), 64),
  /** Batches over which the variance of the gradient is measured before training (V_tr); 0 for not at all. */
  varianceBatches: v.optional(v.pipe(whole, v.maxValue(1000)), 0),
  /** What the scores of a query's candidates become: see lossNames. */
  loss: v.optional(v.picklist(lossNames), "infonce"),
  /** τ of InfoNCE and LambdaRank: score = cosine / τ. MarginMSE has none. */
  temperature: v.optional(positive, 0.05),
  /** What the guide's cosines are multiplied by before MarginMSE takes their margins for the encoder's. */
  marginScale: v.optional(positive, 1),
  /** Half InfoNCE as ever, half from each answer to its query among the batch's queries; with in-batch negatives only. */
  symmetric: v.optional(v.boolean(), false),
  /** Without it all negatives weigh the same. */
  hardness: v.optional(hardness),
  /** Without it no negative is left out of a batch for its score. */
  gist: v.optional(gist),
  /** Added to InfoNCE; without it the origin of a negative does not matter. */
  entropy: v.optional(entropy),
  /** Matryoshka (arXiv 2205.13147): the loss is the mean over so many first numbers of each vector; where silent, all of them. */
  dimensions: v.optional(v.pipe(v.array(count), v.minLength(1))),
  /** Whether the other queries' positives and negatives of the batch are negatives too. */
  inBatch: v.optional(v.boolean(), true),
  /** Leaves out, of those, what is known to answer the query and what it already has; and the same of a symmetric loss' queries. */
  mask: v.optional(v.boolean(), true),
  /**
   * What trains: the encoder of both; or of queries alone, and documents stay as they are. With adore and loss "lambdaRank" the
   * latter is ADORE as published (arXiv 2104.08051). Such a run ends with two encoders: queries are for the trained one,
   * documents for the one from before.
   */
  side: v.optional(v.picklist(sideNames), "both"),
  /** The embeddings and so many of the lowest layers stay as they are; where silent, all layers train. */
  frozenLayers: v.optional(whole),
  /** Trains small matrices beside the encoder's own; where silent, its own. */
  lora: v.optional(lora),
  /** Share of the numbers that a training step leaves out; where silent, none. Measuring leaves out none. */
  dropout: v.optional(dropout),
  /** "adamw16" keeps both of AdamW's moments in 16 bits each, in half the memory, rounded at random. */
  optimizer: v.optional(v.picklist(optimizerNames), "adamw"),
  /** Most tokens that are encoded at once: a larger batch goes in parts, forward twice (GradCache, arXiv 2101.06983). Where silent, what leaves 1 GiB of activations. */
  microTokens: v.optional(count),
  /** What happens inside of a layer is not kept for the way back but made again: less memory, about a third more time. */
  recompute: v.optional(v.boolean(), false),
  /** Queries a batch, at most. */
  batchSize: v.optional(v.pipe(count, v.maxValue(4096)), 16),
  /**
   * Most tokens in the texts of a batch, each distinct text once: batches are cut to it in the order of the rows, at least one row
   * each. A negative that training has yet to find counts as the longest document. Where silent, `batchSize` alone cuts.
   */
  batchTokens: v.optional(count),
  /** Batches of which one optimiser step is made (gradient accumulation): their queries are no negatives of each other. */
  accumulate: v.optional(count, 1),
  /** Passes over the training rows; `steps` wins where it is given. */
  epochs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 3),
  /** Optimiser steps; 0 only measures. */
  steps: v.optional(whole),
  /** Peak learning rate; where silent, the usual one of LoRA or of the encoder's family (domain/encoder.ts). */
  learningRate: v.optional(positive),
  /** Share of the steps, rounded down, over which the learning rate rises linearly from 0. */
  warmup: v.optional(fraction, 0.1),
  /** How the learning rate falls after the warmup: not at all, to 0 on a line, to 0 on half a cosine. */
  schedule: v.optional(v.picklist(["constant", "linear", "cosine"]), "linear"),
  /** AdamW's decoupled decay, on matrices only. */
  weightDecay: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 0.01),
  /** Largest global L2 norm of the gradient; 0 for no clipping. */
  clip: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 1),
  /** Longest query and document in tokens, special tokens included; never more than the encoder's own limit. */
  maxQueryTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(3)), 64),
  maxDocumentTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(3)), 256),
  /** Put before every query or document; where silent, the encoder's own. */
  queryPrefix: v.optional(v.string()),
  documentPrefix: v.optional(v.string()),
  /** Where silent, the encoder's own. */
  pooling: v.optional(v.picklist(["mean", "cls"])),
  /** Of every random choice of the run. */
  seed: v.optional(whole, 1),
  /** Whether the training rows are put into a new random order each epoch. */
  shuffle: v.optional(v.boolean(), true),
  /** Where silent, the weights after the last step are kept and dev is not looked at. */
  best: v.optional(best),
  evaluate: v.optional(evaluate, { split: "auto", k: [10, 100] }),
});

type Keys = v.InferOutput<typeof keys>;

/** Whether a row can have negatives that someone wrote for its query. */
const hasWritten = ({ pairs, mix, ratio, negatives }: Keys): boolean =>
  pairs === "queries" && mix !== "found" && (ratio !== undefined || negatives.some(({ source }) => isWritten(source)));

const forInfonce = 'it goes with loss "infonce" only';
const needsWritten =
  "it needs negatives that were written for their queries: synthetic or human ones, in a mix that takes them";

/** What only several keys together can get wrong. */
const schema = v.pipe(
  keys,
  v.forward(
    v.check(({ marginScale, loss }) => marginScale === 1 || loss === "marginMSE", 'it goes with loss "marginMSE" only'),
    ["marginScale"],
  ),
  v.forward(
    v.check(({ symmetric, loss }) => !symmetric || loss === "infonce", forInfonce),
    ["symmetric"],
  ),
  v.forward(
    v.check(
      ({ symmetric, inBatch }) => !symmetric || inBatch,
      "it needs inBatch: without the other rows' queries an answer has nothing to tell its query from",
    ),
    ["symmetric"],
  ),
  v.forward(
    v.check(
      ({ symmetric, side }) => !symmetric || side === "both",
      'it does not go with side "queries": documents that do not train cannot learn to find their queries',
    ),
    ["symmetric"],
  ),
  v.forward(
    v.check(
      ({ side, negatives }) => side === "both" || negatives.every(({ source }) => source !== "ance"),
      '"queries" does not go with ance, whose index would never change: documents stay as they are. Take adore, which searches with the queries of each step',
    ),
    ["side"],
  ),
  v.forward(
    v.check(({ hardness, loss }) => !hardness || loss === "infonce", forInfonce),
    ["hardness"],
  ),
  v.forward(
    v.check((keys) => keys.hardness?.on !== "written" || hasWritten(keys), needsWritten),
    ["hardness"],
  ),
  v.forward(
    v.check(({ entropy, loss }) => !entropy || loss === "infonce", forInfonce),
    ["entropy"],
  ),
  v.forward(
    v.check((keys) => !keys.entropy || hasWritten(keys), needsWritten),
    ["entropy"],
  ),
  v.forward(
    v.check(
      ({ dimensions = [] }) => new Set(dimensions).size === dimensions.length,
      "each number may stand there once",
    ),
    ["dimensions"],
  ),
  v.forward(
    v.check(({ mix, ratio }) => ratio === undefined || mix === "hybrid", 'it goes with mix "hybrid" only'),
    ["ratio"],
  ),
  v.forward(
    v.check(
      ({ pairs, mix }) => pairs === "queries" || mix !== "synthetic",
      'it does not go with mix "synthetic": nobody wrote negatives for queries that are made of documents',
    ),
    ["pairs"],
  ),
  v.forward(
    v.check(
      ({ negatives, ratio }) => ratio === undefined || negatives.every(({ source }) => !isRefreshed(source)),
      "it does not go with ance and adore, whose negatives are found during training",
    ),
    ["ratio"],
  ),
);

export type Config = v.InferOutput<typeof schema>;
export type ConfigInput = v.InferInput<typeof schema>;
export type NegativeRequest = Config["negatives"][number];
export type Gate = NonNullable<Config["gate"]>;
export type Ratio = NonNullable<Config["ratio"]>;
export type RequestOf<Source extends NegativeRequest["source"]> = Extract<NegativeRequest, { readonly source: Source }>;

/** The part of a recipe that the encoder thread needs. */
export type TrainingConfig = Pick<
  Config,
  | "loss"
  | "temperature"
  | "marginScale"
  | "symmetric"
  | "hardness"
  | "gist"
  | "entropy"
  | "dimensions"
  | "inBatch"
  | "mask"
  | "side"
  | "frozenLayers"
  | "lora"
  | "dropout"
  | "optimizer"
  | "microTokens"
  | "recompute"
  | "batchSize"
  | "batchTokens"
  | "accumulate"
  | "epochs"
  | "steps"
  | "learningRate"
  | "warmup"
  | "schedule"
  | "weightDecay"
  | "clip"
  | "maxQueryTokens"
  | "maxDocumentTokens"
  | "queryPrefix"
  | "documentPrefix"
  | "pooling"
  | "seed"
  | "shuffle"
  | "batches"
  | "probes"
  | "probeRows"
  | "best"
>;

/** The recipe with every default filled in. Errors: {@link InvalidConfig}, naming each key that is wrong. */
export function parseConfig(input: unknown): Config {
  // An array passes for an object with no keys.
  const result = v.safeParse(schema, Array.isArray(input) ? undefined : input);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => {
    const at = v.getDotPath(issue) ?? "the recipe";
    return issue.expected === "never" ? `${at}: there is no such key` : `${at}: ${issue.message}`;
  });
  throw new InvalidConfig(
    `The recipe is not valid. ${problems.join(". ")}. Correct the key or leave it out for its default.`,
  );
}
