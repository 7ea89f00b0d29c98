/**
 * The losses in float64, as plain values: their gradients are taken by differences. What a loss takes for a constant is read
 * from a second copy of the numbers, which stands still while the first is moved.
 */
import type { LossSettings } from "../../src/domain/engine.ts";
import { at, fill, sum } from "./at.ts";
import type { Pairs } from "./infonce.ts";
import { normalise } from "./pooling.ts";

/** Of one query, a number a candidate, the positive first. */
export interface Scored {
  readonly scores: Float64Array;
  readonly constant: Float64Array;
  readonly roles: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
}

const logSumExp = (values: readonly number[]): number => {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((total, value) => total + Math.exp(value - most), 0));
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function infonce({ scores, constant, roles }: Scored, { temperature, hardness = 0 }: LossSettings): number {
  const z = Array.from(scores, (s, j) => s / temperature + (at(roles, j) % 2 === 1 ? hardness * at(constant, j) : 0));
  return logSumExp(z) - at(z, 0);
}

function marginMse({ scores, targets }: Scored): number {
  const n = scores.length - 1;
  const margin = (of: ArrayLike<number>, j: number) => at(of, 0) - at(of, j);
  return n === 0 ? 0 : sum(n, (i) => (margin(scores, i + 1) - margin(targets, i + 1)) ** 2) / n;
}

/** Every candidate that stands before another in the ranking by `constant`. */
function lambdaRank({ scores, constant }: Scored, { temperature }: LossSettings): number {
  const n = scores.length - 1;
  const before = (k: number, j: number) =>
    at(constant, k) > at(constant, j) || (at(constant, k) === at(constant, j) && k < j);
  const reciprocal = fill(scores.length, (j) => {
    const rank = 1 + sum(scores.length, (k) => (before(k, j) ? 1 : 0));
    return rank > 200 ? 0 : 1 / rank;
  });
  const pair = (j: number) => -Math.log(sigmoid((at(scores, 0) - at(scores, j)) / temperature));
  return n === 0 ? 0 : sum(n, (i) => Math.abs(at(reciprocal, 0) - at(reciprocal, i + 1)) * pair(i + 1)) / n;
}

/** Undefined where nothing is written. */
export function entropyTerm({ scores, constant, roles }: Scored, temperature: number): number | undefined {
  const [found, written] = [2, 4].map((role) =>
    [...scores.keys()].filter((j) => Math.floor(at(roles, j) / role) % 2 === 1),
  );
  if (!found || !written?.length) return undefined;
  const z = (j: number) => at(written.includes(j) ? scores : constant, j) / temperature;
  const all = logSumExp([...found, ...written].map(z));
  const own = logSumExp(written.map(z));
  const entropy = -written.reduce((total, j) => total + Math.exp(z(j) - own) * (z(j) - own), 0);
  const share = written.reduce((total, j) => total + Math.exp(z(j) - all), 0);
  return -entropy + (share - written.length / (written.length + found.length)) ** 2;
}

/** Without the entropy term. */
export function lossOfScores(query: Scored, settings: LossSettings): number {
  if (settings.loss === "marginMSE") return marginMse(query);
  return settings.loss === "lambdaRank" ? lambdaRank(query, settings) : infonce(query, settings);
}

export interface Lists extends Pairs {
  readonly roles?: ArrayLike<number>;
  readonly targets?: ArrayLike<number>;
}

interface Constants {
  /** What the vectors are where a loss takes them for constants. */
  readonly frozen: Float64Array;
  readonly H: number;
}

/** The mean loss of the queries, the term included. */
function lossAt(e: Float64Array, { frozen, H }: Constants, lists: Lists, settings: LossSettings): number {
  const { queries, offsets, candidates } = lists;
  const terms: number[] = [];
  const losses = fill(queries.length, (b) => {
    const pairs = Array.from({ length: at(offsets, b + 1) - at(offsets, b) }, (_, j) => at(offsets, b) + j);
    const score = (left: Float64Array, right: Float64Array) =>
      Float64Array.from(pairs, (p) =>
        sum(H, (c) => at(left, at(queries, b) * H + c) * at(right, at(candidates, p) * H + c)),
      );
    const own = {
      constant: score(frozen, frozen),
      roles: pairs.map((p) => (lists.roles ? at(lists.roles, p) : 0)),
      targets: pairs.map((p) => (lists.targets ? at(lists.targets, p) : 0)),
    };
    const { entropy } = settings;
    const term = entropy && entropyTerm({ ...own, scores: score(frozen, e) }, entropy.temperature);
    if (term !== undefined) terms.push(term);
    return lossOfScores({ ...own, scores: score(e, e) }, settings);
  });
  const mean = (values: ArrayLike<number>) => sum(values.length, (i) => at(values, i)) / Math.max(values.length, 1);
  return mean(losses) + (settings.entropy?.weight ?? 0) * mean(terms);
}

/** The loss of unit vectors e (S, H), or the mean over their prefixes. */
export function lossOfVectors(
  e: Float64Array,
  { frozen = e, H }: Partial<Constants> & Pick<Constants, "H">,
  lists: Lists,
  settings: LossSettings,
): number {
  const { dimensions } = settings;
  if (!dimensions) return lossAt(e, { frozen, H }, lists, settings);
  const prefixes = (x: Float64Array, W: number) =>
    normalise(
      x.filter((_, i) => i % H < W),
      W,
    );
  const parts = dimensions.map((W) => lossAt(prefixes(e, W), { frozen: prefixes(frozen, W), H: W }, lists, settings));
  return parts.reduce((total, part) => total + part, 0) / parts.length;
}

/** The derivative of {@link lossOfVectors} by e, by central differences. */
export function lossGradient(e: Float64Array, H: number, lists: Lists, settings: LossSettings): Float64Array {
  const step = 1e-5;
  const value = (i: number, by: number) => {
    const moved = Float64Array.from(e);
    moved[i] = at(e, i) + by;
    return lossOfVectors(moved, { frozen: e, H }, lists, settings);
  };
  return fill(e.length, (i) => (value(i, step) - value(i, -step)) / (2 * step));
}
