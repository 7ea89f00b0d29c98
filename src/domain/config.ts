/**
 * The recipe of a run: every choice that changes its numbers. Validated here for the page, the runner and stored runs
 * alike; an unknown key or a bad value is an error that names the key. Every key has a default.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";
import { gate, isRefreshed, isWritten, negatives, ratio } from "./configNegatives.ts";
import { count, fraction, nonNegative, positive, whole } from "./configNumbers.ts";
import {
  best,
  dropout,
  entropy,
  evaluate,
  gist,
  hardness,
  lora,
  lossNames,
  pairSources,
  sideNames,
} from "./configTraining.ts";
import { precisionNames } from "./encoder.ts";
import { optimizerNames } from "./engine.ts";

/** A recipe with a key or a value that does not exist. */
export class InvalidConfig extends UserError {
  override readonly name = "InvalidConfig";
}

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
  /**
   * "f16": a training step multiplies matrices in f16, where the engine can; otherwise in f32, and the run says so. What it measures
   * with is f32 always. A run may go on in the other precision: a checkpoint is f32.
   */
  precision: v.optional(v.picklist(precisionNames), "f32"),
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
  epochs: v.optional(nonNegative, 3),
  /** Optimiser steps; 0 only measures. */
  steps: v.optional(whole),
  /** Peak learning rate; where silent, the usual one of LoRA or of the encoder's family (domain/encoder.ts). */
  learningRate: v.optional(positive),
  /** Share of the steps, rounded down, over which the learning rate rises linearly from 0. */
  warmup: v.optional(fraction, 0.1),
  /** How the learning rate falls after the warmup: not at all, to 0 on a line, to 0 on half a cosine. */
  schedule: v.optional(v.picklist(["constant", "linear", "cosine"]), "linear"),
  /** AdamW's decoupled decay, on matrices only. */
  weightDecay: v.optional(nonNegative, 0.01),
  /** Largest global L2 norm of the gradient; 0 for no clipping. */
  clip: v.optional(nonNegative, 1),
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

interface Rule {
  /** What is wrong where it does not hold. */
  readonly key: keyof Keys;
  readonly holds: (keys: Keys) => boolean;
  readonly otherwise: string;
}

const forInfonce = 'it goes with loss "infonce" only';
const needsWritten =
  "it needs negatives that were written for their queries: synthetic or human ones, in a mix that takes them";

/** What only several keys together can get wrong. */
const rules: readonly Rule[] = [
  {
    key: "marginScale",
    holds: ({ marginScale, loss }) => marginScale === 1 || loss === "marginMSE",
    otherwise: 'it goes with loss "marginMSE" only',
  },
  { key: "symmetric", holds: ({ symmetric, loss }) => !symmetric || loss === "infonce", otherwise: forInfonce },
  {
    key: "symmetric",
    holds: ({ symmetric, inBatch }) => !symmetric || inBatch,
    otherwise: "it needs inBatch: without the other rows' queries an answer has nothing to tell its query from",
  },
  {
    key: "symmetric",
    holds: ({ symmetric, side }) => !symmetric || side === "both",
    otherwise: 'it does not go with side "queries": documents that do not train cannot learn to find their queries',
  },
  {
    key: "side",
    holds: ({ side, negatives }) => side === "both" || negatives.every(({ source }) => source !== "ance"),
    otherwise:
      '"queries" does not go with ance, whose index would never change: documents stay as they are. Take adore, which searches with the queries of each step',
  },
  { key: "hardness", holds: ({ hardness, loss }) => !hardness || loss === "infonce", otherwise: forInfonce },
  { key: "hardness", holds: (keys) => keys.hardness?.on !== "written" || hasWritten(keys), otherwise: needsWritten },
  { key: "entropy", holds: ({ entropy, loss }) => !entropy || loss === "infonce", otherwise: forInfonce },
  { key: "entropy", holds: (keys) => !keys.entropy || hasWritten(keys), otherwise: needsWritten },
  {
    key: "dimensions",
    holds: ({ dimensions = [] }) => new Set(dimensions).size === dimensions.length,
    otherwise: "each number may stand there once",
  },
  {
    key: "ratio",
    holds: ({ mix, ratio }) => ratio === undefined || mix === "hybrid",
    otherwise: 'it goes with mix "hybrid" only',
  },
  {
    key: "pairs",
    holds: ({ pairs, mix }) => pairs === "queries" || mix !== "synthetic",
    otherwise: 'it does not go with mix "synthetic": nobody wrote negatives for queries that are made of documents',
  },
  {
    key: "ratio",
    holds: ({ negatives, ratio }) => ratio === undefined || negatives.every(({ source }) => !isRefreshed(source)),
    otherwise: "it does not go with ance and adore, whose negatives are found during training",
  },
];

const schema = v.pipe(
  keys,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value: input } = dataset;
    for (const { key, holds, otherwise } of rules)
      if (!holds(input))
        addIssue({ message: otherwise, path: [{ type: "object", origin: "value", input, key, value: input[key] }] });
  }),
);

export type Config = v.InferOutput<typeof schema>;
export type ConfigInput = v.InferInput<typeof schema>;

/** The part of a recipe that the encoder thread needs. */
export type TrainingConfig = Omit<
  Config,
  "pairs" | "negatives" | "mix" | "ratio" | "gate" | "topics" | "varianceBatches" | "evaluate"
>;

/** Whether a batch cannot be put together without a guide's scores. */
export const needsGuide = ({ gist, loss }: Partial<Pick<Config, "gist" | "loss">>): boolean =>
  gist !== undefined || loss === "marginMSE";

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
