/**
 * The recipe of a run: every choice that changes its numbers. Validated here for the page, the runner and stored runs
 * alike; an unknown key or a bad value is an error that names the key. Every key has a default.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";

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
const negativeSource = v.variant("source", [
  v.strictObject({ source: v.literal("synthetic"), count }),
  v.pipe(
    v.strictObject({ source: v.literal("bm25"), count, ...range }),
    v.check(({ first, last }) => first <= last, "first must not be larger than last"),
  ),
  v.strictObject({ source: v.literal("random"), count }),
]);

const evaluate = v.strictObject({
  /** "auto": test if there is one, else dev, else the only one. */
  split: v.optional(v.pipe(v.string(), v.minLength(1)), "auto"),
  /** Cut-offs: nDCG, MRR and Recall at each, beside nDCG@10, MRR@10 and Recall@100, which are always measured. */
  k: v.optional(v.pipe(v.array(v.pipe(count, v.maxValue(100))), v.minLength(1)), [10, 100]),
});

/** One line a key: what it means, its unit, and what is right when nothing is said. */
const schema = v.strictObject({
  /** Which negatives each query gets, from where, in the order of the row. */
  negatives: v.optional(v.pipe(v.array(negativeSource), v.minLength(1)), [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 4, first: 1, last: 20 },
  ]),
  /**
   * "hybrid": every row gets its own share of each source (SyNeg). A row that lacks a synthetic negative gets one more
   * found negative instead, so that all rows have the same number. "synthetic" and "found" use those sources alone.
   * Negatives that came with the data ("given") are the first of the found ones.
   */
  mix: v.optional(v.picklist(["hybrid", "synthetic", "found"]), "hybrid"),
  /** τ of InfoNCE: score = cosine / τ. */
  temperature: v.optional(positive, 0.05),
  /** Whether the other queries' positives and negatives of the batch are negatives too. */
  inBatch: v.optional(v.boolean(), true),
  /** Queries a step. */
  batchSize: v.optional(v.pipe(count, v.maxValue(4096)), 16),
  /** Passes over the training rows; `steps` wins where it is given. */
  epochs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 3),
  /** Optimiser steps; 0 only measures. */
  steps: v.optional(whole),
  /** Peak learning rate. */
  learningRate: v.optional(positive, 2e-4),
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
  evaluate: v.optional(evaluate, { split: "auto", k: [10, 100] }),
});

export type Config = v.InferOutput<typeof schema>;
export type ConfigInput = v.InferInput<typeof schema>;
export type NegativeRequest = Config["negatives"][number];

/** The part of a recipe that the encoder thread needs. */
export type TrainingConfig = Pick<
  Config,
  | "temperature"
  | "inBatch"
  | "batchSize"
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
