/**
 * The source-shortcut probe: can a linear model tell from a passage's vector alone whether someone wrote it or a search
 * found it? If so the encoder may learn the origin instead of the answer (CausalNeg, arXiv 2606.01304, calls it the
 * source shortcut). Ridge-regularised logistic regression, cross-validated; nothing in it depends on the axes' choice.
 */
import { random, shuffled } from "../base/random.ts";

/** A passage, the query that it was first seen with, and what the probe is to tell. */
export interface ProbeItem {
  readonly vector: Float32Array;
  readonly group: number;
  readonly written: boolean;
}

const FOLDS = 5;
/** Fewer of either kind say nothing. */
const FEWEST = 10;
/** More of either kind are sampled down: the area's standard error is below .01 by then, and time grows with them. */
const MOST = 2000;
/** Per passage, on vectors of mean squared length 1 about their mean. */
export const RIDGE = 1e-3;
/** Nesterov's method shrinks the error by 1 − √(ridge / smoothness) a step: 150 steps leave about 10⁻⁴ of it. */
const STEPS = 150;
const SMOOTHNESS = 1 / 4 + RIDGE;
/** Float32 rounding of unit vectors, squared: what is spread less than this is one point. */
const ONE_POINT = 1e-12;

/**
 * Pairs (written, found) of which the written one has the higher score, ties for half (Mann and Whitney, 1947, by
 * mid-ranks), and how many pairs there are. Their ratio is the area under the ROC curve.
 */
export function orderedPairs(
  scores: readonly number[],
  written: readonly boolean[],
): { readonly ordered: number; readonly pairs: number } {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let [rankSum, positives] = [0, 0];
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && scores[order[end] ?? 0] === scores[order[start] ?? 0]) end++;
    const tied = order.slice(start, end).filter((i) => written[i]).length;
    // Ranks start + 1 to end share their mean.
    rankSum += tied * ((start + 1 + end) / 2);
    positives += tied;
    start = end;
  }
  return { ordered: rankSum - (positives * (positives + 1)) / 2, pairs: positives * (scores.length - positives) };
}

/** Area under the ROC curve: .5 by chance, 1 where every written one scores higher. NaN where a kind is missing. */
export function areaUnderRoc(scores: readonly number[], written: readonly boolean[]): number {
  const { ordered, pairs } = orderedPairs(scores, written);
  return ordered / pairs;
}

/** (n, d + 1): vectors about `mean`, divided by `scale`, and a last column of ones for the intercept. */
function features(items: readonly ProbeItem[], mean: Float64Array, scale: number): Float64Array {
  const width = mean.length + 1;
  const result = new Float64Array(items.length * width).fill(1);
  items.forEach(({ vector }, i) => {
    for (let k = 0; k < mean.length; k++) result[i * width + k] = ((vector[k] ?? 0) - (mean[k] ?? 0)) * scale;
  });
  return result;
}

/** The mean vector, and what brings the mean squared distance from it to 1 (0 where all vectors are one point). */
function centre(items: readonly ProbeItem[]): { readonly mean: Float64Array; readonly scale: number } {
  const mean = new Float64Array(items[0]?.vector.length ?? 0);
  for (const { vector } of items) vector.forEach((value, k) => (mean[k] = (mean[k] ?? 0) + value / items.length));
  let spread = 0;
  for (const { vector } of items) {
    for (let k = 0; k < mean.length; k++) spread += ((vector[k] ?? 0) - (mean[k] ?? 0)) ** 2 / items.length;
  }
  return { mean, scale: spread > ONE_POINT ? 1 / Math.sqrt(spread) : 0 };
}

function dot(a: Float64Array, b: Float64Array, offset: number): number {
  let sum = 0;
  for (let k = 0; k < b.length; k++) sum += (a[offset + k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** Gradient by w of the mean logistic loss plus ridge / 2 ‖w‖². `x` is (n, w.length). */
function gradient(x: Float64Array, written: readonly boolean[], w: Float64Array): Float64Array {
  const result = w.map((value) => RIDGE * value);
  for (let i = 0; i < written.length; i++) {
    const offset = i * w.length;
    const residual = (1 / (1 + Math.exp(-dot(x, w, offset))) - (written[i] ? 1 : 0)) / written.length;
    for (let k = 0; k < w.length; k++) result[k] = (result[k] ?? 0) + residual * (x[offset + k] ?? 0);
  }
  return result;
}

/**
 * The w that makes mean log(1 + exp(∓x·w)) + ridge / 2 ‖w‖² least, by Nesterov's accelerated gradient for a smooth,
 * strongly convex loss (Introductory Lectures on Convex Optimization, 2004, 2.2.1). `x` is (n, width), of mean squared
 * length at most 1 along every direction.
 */
export function logisticRegression(x: Float64Array, written: readonly boolean[], width: number): Float64Array {
  const root = Math.sqrt(RIDGE / SMOOTHNESS);
  const momentum = (1 - root) / (1 + root);
  let w = new Float64Array(width);
  let ahead = w;
  for (let step = 0; step < STEPS; step++) {
    const slope = gradient(x, written, ahead);
    const next = ahead.map((value, k) => value - (slope[k] ?? 0) / SMOOTHNESS);
    const last = w;
    ahead = next.map((value, k) => value + momentum * (value - (last[k] ?? 0)));
    w = next;
  }
  return w;
}

/** Scores of the passages `held` by a probe that saw only `seen`. */
function heldOutScores(seen: readonly ProbeItem[], held: readonly ProbeItem[]): number[] {
  const { mean, scale } = centre(seen);
  const width = mean.length + 1;
  const w = logisticRegression(
    features(seen, mean, scale),
    seen.map(({ written }) => written),
    width,
  );
  const x = features(held, mean, scale);
  return held.map((_, i) => dot(x, w, i * width));
}

/** At most {@link MOST} of each kind. */
function thinned(items: readonly ProbeItem[], seed: number): readonly ProbeItem[] {
  const kept = [true, false].flatMap((written) => {
    const kind = items.filter((item) => item.written === written);
    return kind.length > MOST ? shuffled(kind, random(seed, `probe ${written}`)).slice(0, MOST) : kind;
  });
  return kept;
}

/**
 * Area under the ROC curve of the probe over passages it has not seen: five folds of whole groups, so that what was
 * written or found for one query is on one side; the pairs are compared within a fold, since two folds' scores have no
 * common scale. Undefined with fewer than ten of either kind, and where no fold has both.
 */
export function shortcutArea(items: readonly ProbeItem[], seed: number): number | undefined {
  const writtenCount = items.filter(({ written }) => written).length;
  if (Math.min(writtenCount, items.length - writtenCount) < FEWEST) return undefined;
  const sample = thinned(items, seed);
  const groups = shuffled(new Set(sample.map(({ group }) => group)), random(seed, "probe folds"));
  const foldOf = new Map(groups.map((group, i) => [group, i % FOLDS]));
  let [ordered, pairs] = [0, 0];
  for (let fold = 0; fold < FOLDS; fold++) {
    const held = sample.filter(({ group }) => foldOf.get(group) === fold);
    const seen = sample.filter(({ group }) => foldOf.get(group) !== fold);
    if (held.length === 0 || seen.length === 0) continue;
    const counted = orderedPairs(
      heldOutScores(seen, held),
      held.map(({ written }) => written),
    );
    ordered += counted.ordered;
    pairs += counted.pairs;
  }
  return pairs === 0 ? undefined : ordered / pairs;
}
