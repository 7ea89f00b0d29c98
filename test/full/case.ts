/** A case of the matrix: an encoder of random weights and the batch that it trains on. */
import { random } from "../../src/base/random.ts";
import type { EncoderShape, Pooling } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, MemorySettings, TrainerSettings } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { contrastive, type BatchFile } from "../support/golden.ts";

export type Arena = Float32Array<ArrayBuffer>;

export interface Batch {
  readonly texts: readonly (readonly number[])[];
  readonly groups: BatchFile["groups"];
  readonly inBatch: boolean;
}

export interface Case {
  readonly name: string;
  readonly family: FamilyName;
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly batch: Batch;
  /** What a step may hold at once, which changes nothing of its result. */
  readonly memory?: MemorySettings;
}

export const familyNames = ["bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert", "static"] as const;
export type FamilyName = (typeof familyNames)[number];

/** The families that have layers. */
export const transformers = familyNames.filter((family) => family !== "static");

export interface Sizes {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  /** If left out four times the width, which real encoders have; of ModernBERT one and a half times. */
  readonly intermediate?: number;
  /** Tokens of the longest text. */
  readonly longest: number;
  /** Of ModernBERT, to each side. */
  readonly window?: number;
}

const VOCABULARY = 300;

/** What the files of these families say of them; the scripts of the truth say it too, and are held against this. */
export function shapeOf(family: FamilyName, sizes: Sizes): EncoderShape {
  const { layers, hidden, heads, longest, window = 5 } = sizes;
  const vocabulary = VOCABULARY;
  const size = { layers, hidden, heads, intermediate: sizes.intermediate ?? 4 * hidden, vocabulary };
  const plain = { family: "bert", ...size, positions: longest } as const;
  const shifted = { ...plain, positions: longest + 2, firstPosition: 2, layerNormEpsilon: 1e-5 };
  switch (family) {
    case "bert":
      return { ...plain, types: 2, layerNormEpsilon: 1e-12 };
    case "distilbert":
      return { ...plain, names: "distilbert", types: 0, layerNormEpsilon: 1e-12 };
    case "roberta":
    case "xlm-roberta":
      return { ...shifted, types: 1 };
    case "mpnet":
      return { ...shifted, names: "mpnet", types: 0, distanceBuckets: 32 };
    case "modernbert":
      return {
        ...size,
        family: "modernbert",
        intermediate: sizes.intermediate ?? (3 * hidden) / 2,
        positions: longest,
        globalEvery: 3,
        window,
        globalTheta: 160_000,
        localTheta: 10_000,
        layerNormEpsilon: 1e-5,
      };
    case "static":
      return { family: "static", hidden, vocabulary };
    default:
      return family satisfies never;
  }
}

export const steps = 3;

/** The wider, the smaller: a step of all weights at once changes an output by as many of them as are summed. */
export const rateOf = ({ hidden }: EncoderShape): number => 0.03 / Math.max(32, hidden);

/** ε so large that the rounding of a gradient near 0 makes no step of full size; a decay so strong that its lack would show. */
export const settings: TrainerSettings = {
  temperature: 0.1,
  betas: [0.9, 0.999],
  epsilon: 1e-4,
  weightDecay: 0.1,
  clip: 1,
};

/** Mean and spread of a tensor's numbers: a product of a matrix is about as large as what goes in, whatever the width. */
function spread(name: string, shape: readonly number[]): readonly [mean: number, deviation: number] {
  if (/norm\.weight$/iu.test(name)) return [1, 0.1];
  if (/relative_attention_bias/u.test(name)) return [0, 1];
  if (/embedding/u.test(name)) return [0, 0.5];
  return shape.length === 1 ? [0, 0.08] : [0, 1 / Math.sqrt(shape[1] ?? 1)];
}

/** Those of the last shape: a case needs them three times, and millions of random numbers take seconds. */
let last: { readonly shape: EncoderShape; readonly weights: Arena } | undefined;

export function weightsOf({ shape }: Pick<Case, "shape">): Arena {
  if (last?.shape !== shape) last = { shape, weights: madeUp(shape) };
  return last.weights.slice();
}

function madeUp(shape: EncoderShape): Arena {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: dimensions } of table.tensors) {
    const source = random(1, name);
    const [mean, deviation] = spread(name, dimensions);
    const end = offset + size(dimensions);
    for (let i = offset; i < end; i++) weights[i] = mean + deviation * source.normal();
  }
  return weights;
}

export const contrastiveOf = ({ batch }: Pick<Case, "batch">): ContrastiveBatch =>
  contrastive({ texts: batch.texts, groups: batch.groups, in_batch: batch.inBatch });

/** Texts of these lengths. Three tokens in four are among fifteen: the gradients of their vectors are sums. */
export function textsOf(lengths: readonly number[], seed = 1): number[][] {
  const source = random(seed, "texts");
  const token = () => (source.next() < 0.75 ? 5 + source.integer(15) : source.integer(VOCABULARY));
  return lengths.map((length) => Array.from({ length }, token));
}

export const goRound = (lengths: readonly number[], count: number): number[] =>
  Array.from({ length: count }, (_, i) => lengths[i % lengths.length] ?? 1);

/** `queries` queries, each with a positive and `negatives` others; the lengths go round, queries first. */
export function batchOf(
  lengths: readonly number[],
  { queries, negatives, inBatch }: { readonly queries: number; readonly negatives: number; readonly inBatch: boolean },
): Batch {
  const own = 1 + negatives;
  const around = goRound(lengths, queries * (1 + own));
  const groups = Array.from({ length: queries }, (_, query) => {
    const positive = queries + query * own;
    return { query, positive, negatives: Array.from({ length: negatives }, (_negative, k) => positive + 1 + k) };
  });
  return { texts: textsOf(around), groups, inBatch };
}

/** "12 layers of 384, heads of 32" */
export function sizesOf(shape: EncoderShape): string {
  if (shape.family === "static") return `${shape.hidden} wide`;
  const { layers, hidden, heads } = shape;
  return `${layers} ${layers === 1 ? "layer" : "layers"} of ${hidden}, heads of ${hidden / heads}`;
}

/** Numbers in the matrices of all layers. */
function matricesOf(shape: EncoderShape): number {
  if (shape.family === "static") return 0;
  const inner = shape.family === "modernbert" ? 3 : 2;
  return shape.layers * shape.hidden * (4 * shape.hidden + inner * shape.intermediate);
}

/** All numbers of the encoder, but for the few of norms and biases. */
export const parametersOf = (shape: EncoderShape): number =>
  matricesOf(shape) + shape.hidden * (shape.vocabulary + ("positions" in shape ? shape.positions : 0));

/** Floating-point operations of all of a case's steps and of encoding texts of these lengths once, in billions. */
export function gigaflops(shape: EncoderShape, lengths: readonly number[]): number {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  if (shape.family === "static") return (tokens * shape.hidden * 6 * steps) / 1e9;
  const pairs = shape.layers * shape.hidden * lengths.reduce((sum, length) => sum + length * length, 0);
  // Forward 2 for each weight and 4 for each pair of tokens; backward twice as much, and attention's scores again.
  return ((6 * steps + 2) * matricesOf(shape) * tokens + (14 * steps + 4) * pairs) / 1e9;
}
