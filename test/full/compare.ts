/** What an engine makes of a case, how far that is from what another or PyTorch makes of it, and how far it may be. */
import type { Engine } from "../../src/domain/engine.ts";
import { parameterTable, size, type Tensor } from "../../src/encoder/parameters.ts";
import { isKeyBias } from "../support/golden.ts";
import { contrastiveOf, rateOf, settings, steps, weightsOf, type Case } from "./case.ts";

type Numbers = Float32Array | Float64Array;

/** Of all steps; the gradient is the first one's, before clipping. */
export interface Outcome {
  readonly embedding: Numbers;
  readonly loss: ArrayLike<number>;
  readonly gradNorm: ArrayLike<number>;
  readonly gradient: Numbers;
  readonly after: Numbers;
}

export async function outcomeOf(engine: Engine, given: Case): Promise<Outcome> {
  const { shape, pooling } = given;
  const model = await engine.createModel({ shape, pooling, weights: weightsOf(given) });
  try {
    const batch = contrastiveOf(given);
    const embedding = await model.embed(batch.texts);
    const trainer = await model.createTrainer({ ...settings, ...given.memory });
    const outcomes = [await trainer.step(batch, rateOf(shape))];
    const gradient = await trainer.gradient();
    while (outcomes.length < steps) outcomes.push(await trainer.step(batch, rateOf(shape)));
    const [loss, gradNorm] = [outcomes.map((step) => step.loss), outcomes.map((step) => step.gradNorm)];
    return { embedding, loss, gradNorm, gradient, after: await model.weights() };
  } finally {
    model.dispose();
  }
}

export const measures = ["embedding", "loss", "norm", "gradient", "weights"] as const;
export type Measure = (typeof measures)[number];

/** How far apart two outcomes are, and how far they may be. */
export interface Distance {
  readonly measure: Measure;
  readonly off: number;
  readonly limit: number;
  /** Where it is farthest. */
  readonly where: string;
}

/** Half of the distance from 1 to the next larger number that float32 has. */
const ROUNDING = 2 ** -24;

/**
 * How far a vector of unit length may be off. Of a sum of n numbers float32 loses about √n roundings, as their signs are
 * random (Higham, "Accuracy and Stability of Numerical Algorithms", section 2.8), and a layer adds its own to what came in, again
 * by the root. n is the longest sum there is, over the width, the inner width or the tokens of a text. A layer has some ten such
 * sums and functions behind one another, and exp and GELU round more than once: that is what the factor is for.
 */
function embeddingLimit({ shape, batch }: Case): number {
  const texts = Math.max(...batch.texts.map((text) => text.length));
  const sum = Math.max(shape.hidden, texts, shape.family === "static" ? 0 : shape.intermediate);
  const depth = shape.family === "static" ? 1 : 1 + shape.layers;
  return 3 * ROUNDING * Math.sqrt(sum * depth);
}

/**
 * A cosine that is off by e moves a score by e / τ, and every probability by twice that of itself; then comes the way back. What
 * moves a vector is its difference from others, with the rounding of the vectors themselves: where all are close together, as those
 * of long random texts, that is a larger share.
 */
const gradientLimit = (given: Case, truth: Outcome): number =>
  (embeddingLimit(given) * (1 + 2 / settings.temperature)) / apart(given, truth);

/** The largest distance from a query to one of its own candidates; from 0.01 to 1. */
function apart({ batch, shape: { hidden } }: Case, { embedding }: Outcome): number {
  const distance = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < hidden; i++) sum += ((embedding[a * hidden + i] ?? 0) - (embedding[b * hidden + i] ?? 0)) ** 2;
    return Math.sqrt(sum);
  };
  const all = batch.groups.flatMap(({ query, positive, negatives }) =>
    [positive, ...negatives].map((candidate) => distance(query, candidate)),
  );
  return Math.min(1, Math.max(0.01, ...all));
}

/** NaN counts as infinitely far. */
function worst(actual: Numbers, truth: Numbers, from: number, to: number): number {
  let most = 0;
  for (let i = from; i < to; i++) {
    const off = Math.abs((actual[i] ?? NaN) - (truth[i] ?? NaN));
    if (!(off <= most)) most = Number.isNaN(off) ? Infinity : off;
  }
  return most;
}

function largest(numbers: Numbers, from = 0, to = numbers.length): number {
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(numbers[i] ?? NaN));
  return most;
}

/** By how much larger a share a step of the weights may be off than the gradient. */
const WEIGHTS = 10;

/** A gradient or norm below this is nothing: its own rounding is that of what cancelled. */
const LEAST = 1e-3;

const farthest = (measure: Measure, all: readonly Omit<Distance, "measure">[]): Distance =>
  all.reduce<Distance>((most, next) => (next.off / next.limit > most.off / most.limit ? { measure, ...next } : most), {
    measure,
    off: 0,
    limit: 1,
    where: "",
  });

/** The farthest text, as a distance of unit vectors. */
function embeddings(given: Case, actual: Outcome, truth: Outcome): Distance {
  const { hidden } = given.shape;
  const limit = embeddingLimit(given);
  const off = given.batch.texts.map((_, text) => {
    let sum = 0;
    for (let i = text * hidden; i < (text + 1) * hidden; i++)
      sum += ((actual.embedding[i] ?? NaN) - (truth.embedding[i] ?? NaN)) ** 2;
    return { off: Number.isNaN(sum) ? Infinity : Math.sqrt(sum), limit, where: `text ${text}` };
  });
  return farthest("embedding", off);
}

/**
 * Step by step, by its share; a loss of less than 1 by its difference. Where a query is all but learned, its gradient is what is
 * left of p − 1, whose rounding is that of 1: a norm of less than a hundredth of the first is held against that. What has changed
 * since the first step, has changed with the weights, and is off by the share that they are off.
 */
function perStep(measure: "loss" | "norm", limit: number, actual: ArrayLike<number>, truth: ArrayLike<number>) {
  const least = measure === "loss" ? 1 : Math.max((truth[0] ?? 0) / 100, LEAST);
  const off = Array.from(truth, (value, i) => {
    const scale = Math.max(least, Math.abs(value));
    const by = Math.abs((actual[i] ?? NaN) - value) / scale;
    const changed = Math.abs(value - (truth[0] ?? NaN)) / scale;
    return { off: Number.isNaN(by) ? Infinity : by, limit: limit * (1 + WEIGHTS * changed), where: `step ${i}` };
  });
  return farthest(measure, off);
}

const endOf = ({ offset, shape }: Tensor): number => offset + size(shape);

/**
 * Tensor by tensor, the largest difference over the largest number. A tensor whose gradient is not a hundredth of the largest
 * there is, is held against that hundredth: what is left after cancelling has the roundings of what was there before. The true
 * gradient of the keys' bias is 0.
 */
function gradients(given: Case, actual: Outcome, truth: Outcome): Distance {
  const whole = largest(truth.gradient);
  const off = parameterTable(given.shape).tensors.map((tensor) => {
    const [from, to] = [tensor.offset, endOf(tensor)];
    const scale = Math.max(largest(truth.gradient, from, to), whole / 100, LEAST);
    const by = worst(actual.gradient, truth.gradient, from, to) / scale;
    return { off: by, limit: gradientLimit(given, truth), where: tensor.name };
  });
  return farthest("gradient", off);
}

/**
 * Tensor by tensor, in learning rates a step. A step is about g / (|g| + ε), off by about the share that g is off. For small g that
 * is more than for the tensor's largest, whose share the limit of the gradient is: ten times it. Besides, a weight itself is rounded.
 */
function weights(given: Case, actual: Outcome, truth: Outcome): Distance {
  const rate = rateOf(given.shape);
  const off = parameterTable(given.shape)
    .tensors.filter(({ name }) => !isKeyBias(name))
    .map((tensor) => {
      const [from, to] = [tensor.offset, endOf(tensor)];
      const rounded = (2 * ROUNDING * largest(truth.after, from, to)) / rate;
      const by = worst(actual.after, truth.after, from, to) / (rate * steps);
      return { off: by, limit: WEIGHTS * gradientLimit(given, truth) + rounded, where: tensor.name };
    });
  return farthest("weights", off);
}

/** All that is compared. Two engines, each of which rounds, may be twice as far apart as one from the truth: `factor`. */
export function distances(given: Case, actual: Outcome, truth: Outcome, factor = 1): readonly Distance[] {
  const limit = gradientLimit(given, truth);
  const all = [
    embeddings(given, actual, truth),
    perStep("loss", limit, actual.loss, truth.loss),
    perStep("norm", limit, actual.gradNorm, truth.gradNorm),
    gradients(given, actual, truth),
    weights(given, actual, truth),
  ];
  return all.map((distance) => ({ ...distance, limit: factor * distance.limit }));
}
