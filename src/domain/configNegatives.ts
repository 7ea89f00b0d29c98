/** Where negatives come from, how they are dealt out, and which are refused: the part of a recipe that src/negatives reads. */
import * as v from "valibot";
import { count, fraction, nonNegative, number, positive } from "./configNumbers.ts";

/** `first` to `last`: the ranks (1-based, inclusive) that a sampler draws from, judged-relevant documents left out before. */
const range = { first: v.optional(count, 1), last: v.optional(count, 20) };
/** ANCE and ADORE search the 200 best, as their official code does. */
const wide = { first: v.optional(count, 1), last: v.optional(count, 200) };

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
    a: v.optional(nonNegative, 0.5),
    b: v.optional(number, 0),
    scale: v.optional(positive, 20),
    sign: v.optional(v.picklist(["paper", "code"]), "paper"),
  }),
  /** Searched with the newest weights: the collection is encoded anew every `every` steps. */
  v.strictObject({ source: v.literal("ance"), count, ...wide, every: v.optional(count, 50) }),
  /** Searched at every step with the query encoder of that step, in the document vectors from before training. */
  v.strictObject({ source: v.literal("adore"), count, ...wide }),
]);

/** Which negatives each query gets, in the order of the row. */
export const negatives = v.pipe(
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

/** Positive-aware false-negative filters (NV-Retriever, arXiv 2407.15831); scores are the guide's cosines. */
export const gate = v.variant("filter", [
  /** Dropped if s(q,d−) > s(q,d+) − |s(q,d+)|·(1 − value). */
  v.strictObject({ filter: v.literal("percentage"), value: v.optional(fraction, 0.95) }),
  /** Dropped if s(q,d−) > s(q,d+) − value. */
  v.strictObject({ filter: v.literal("margin"), value: v.optional(number, 0.05) }),
  /** Dropped if s(q,d−) > value. */
  v.strictObject({ filter: v.literal("absolute"), value: v.optional(number, 0.7) }),
]);

/** SyNeg's ratio R in the three readings that the paper's text allows (its denominator is not known). */
export const ratio = v.variant("reading", [
  /** Share of the rows that get their synthetic negatives; the others get found ones instead. */
  v.strictObject({ reading: v.literal("instances"), value: fraction }),
  /** Synthetic negatives for each found one, in every row. */
  v.strictObject({ reading: v.literal("perFound"), value: nonNegative }),
  /** Synthetic negatives among all of a row's. */
  v.strictObject({ reading: v.literal("share"), value: fraction }),
]);

export type NegativeRequest = v.InferOutput<typeof negativeSource>;
export type RequestOf<Source extends NegativeRequest["source"]> = Extract<NegativeRequest, { readonly source: Source }>;
export type Gate = v.InferOutput<typeof gate>;
export type Ratio = v.InferOutput<typeof ratio>;
