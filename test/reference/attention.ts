import { dropHash, dropThreshold } from "../../src/encoder/dropout.ts";
import { at, fill, sum } from "./at.ts";

/** (N, 2 · reach − 1): what is added to a head's score by the distance from query to key, from 1 − reach on. */
export interface Bias {
  readonly values: Float64Array;
  readonly reach: number;
}

export interface Size {
  readonly H: number;
  readonly N: number;
  readonly cuSeqlens: ArrayLike<number>;
  readonly bias?: Bias;
  /** A query sees so many keys on each side of it. */
  readonly window?: number | undefined;
  readonly dropout?: Dropping | undefined;
}

/** As src/encoder/dropout.ts says; `firstToken` is the number of this batch's first token. */
export interface Dropping {
  readonly rate: number;
  readonly site: number;
  readonly seed: number;
  readonly firstToken: number;
}

/** A query of one head, and its text's first token and length. */
interface Query {
  readonly head: number;
  readonly t: number;
  readonly start: number;
  readonly length: number;
}

function eachQuery({ N, cuSeqlens }: Size, visit: (query: Query) => void): void {
  for (let s = 0; s + 1 < cuSeqlens.length; s++) {
    const [start, end] = [at(cuSeqlens, s), at(cuSeqlens, s + 1)];
    for (let head = 0; head < N; head++)
      for (let t = start; t < end; t++) visit({ head, t, start, length: end - start });
  }
}

/** Where the bias of a head and distance is. */
const biasAt = ({ reach }: Bias, head: number, distance: number): number =>
  head * (2 * reach - 1) + distance + reach - 1;

function softmaxRow(qkv: Float64Array, { H, N, bias, window = Infinity }: Size, { head, t, start, length }: Query) {
  const D = H / N;
  const entry = (token: number, third: number, c: number) => at(qkv, token * 3 * H + third * H + head * D + c);
  const scores = fill(length, (j) => {
    const distance = start + j - t;
    if (Math.abs(distance) > window) return -Infinity;
    const added = bias ? at(bias.values, biasAt(bias, head, distance)) : 0;
    return sum(D, (c) => entry(t, 0, c) * entry(start + j, 1, c)) / Math.sqrt(D) + added;
  });
  const highest = Math.max(...scores);
  const logSumExp = highest + Math.log(sum(length, (j) => Math.exp(at(scores, j) - highest)));
  return { p: scores.map((score) => Math.exp(score - logSumExp)), logSumExp, entry };
}

/** What dropout makes of a weight of 1, that of query and key j. */
export function factor({ dropout }: Pick<Size, "dropout">, { head, t }: Pick<Query, "head" | "t">, j: number): number {
  if (!dropout) return 1;
  const { rate, site, seed, firstToken } = dropout;
  const hash = dropHash({ seed, site, row: firstToken + t, column: head * 2 ** 16 + j });
  return hash < dropThreshold(rate) ? 0 : 1 / (1 - rate);
}

/** context (T, H) and logSumExp (T, N). */
export function attention(qkv: Float64Array, size: Size) {
  const { H, N } = size;
  const context = new Float64Array(qkv.length / 3);
  const logSumExp = new Float64Array((context.length / H) * N);
  eachQuery(size, (query) => {
    const { head, t, start, length } = query;
    const row = softmaxRow(qkv, size, query);
    logSumExp[t * N + head] = row.logSumExp;
    const p = row.p.map((p, j) => p * factor(size, query, j));
    for (let c = 0; c < H / N; c++) {
      context[t * H + (head * H) / N + c] = sum(length, (j) => at(p, j) * row.entry(start + j, 2, c));
    }
  });
  return { context, logSumExp };
}

/** Visits every score with its gradient, by the derivative of softmax written out, and its weight after dropout. */
function eachScore(
  qkv: Float64Array,
  dcontext: Float64Array,
  size: Size,
  visit: (query: Query, j: number, gradient: { readonly ds: number; readonly p: number }) => void,
): void {
  const { H, N } = size;
  const D = H / N;
  eachQuery(size, (query) => {
    const { head, t, start, length } = query;
    const { p, entry } = softmaxRow(qkv, size, query);
    const factors = fill(length, (j) => factor(size, query, j));
    const dp = factors.map(
      (kept, j) => kept * sum(D, (c) => at(dcontext, t * H + head * D + c) * entry(start + j, 2, c)),
    );
    const along = sum(length, (j) => at(p, j) * at(dp, j));
    for (let j = 0; j < length; j++)
      visit(query, j, { ds: at(p, j) * (at(dp, j) - along), p: at(p, j) * at(factors, j) });
  });
}

/** dqkv (T, 3H) */
export function attentionGradient(qkv: Float64Array, dcontext: Float64Array, size: Size): Float64Array {
  const { H, N } = size;
  const D = H / N;
  const dqkv = new Float64Array(qkv.length);
  const add = (token: number, third: number, channel: number, value: number) => {
    const i = token * 3 * H + third * H + channel;
    dqkv[i] = at(dqkv, i) + value;
  };
  eachScore(qkv, dcontext, size, ({ head, t, start }, j, { ds, p }) => {
    for (let c = head * D; c < (head + 1) * D; c++) {
      add(t, 0, c, (ds * at(qkv, (start + j) * 3 * H + H + c)) / Math.sqrt(D));
      add(start + j, 1, c, (ds * at(qkv, t * 3 * H + c)) / Math.sqrt(D));
      add(start + j, 2, c, p * at(dcontext, t * H + c));
    }
  });
  return dqkv;
}

/** The gradient of the bias, (N, 2 · reach − 1). */
export function biasGradient(
  qkv: Float64Array,
  dcontext: Float64Array,
  size: Size & { readonly bias: Bias },
): Float64Array {
  const gradient = new Float64Array(size.bias.values.length);
  eachScore(qkv, dcontext, size, ({ head, t, start }, j, { ds }) => {
    const i = biasAt(size.bias, head, start + j - t);
    gradient[i] = at(gradient, i) + ds;
  });
  return gradient;
}

/** A table (buckets, N) by distance, (N, 2 · reach − 1), where `buckets` names the entry of each distance. */
export const byDistance = (table: Float64Array, buckets: ArrayLike<number>, N: number): Float64Array =>
  fill(N * buckets.length, (i) => at(table, at(buckets, i % buckets.length) * N + Math.floor(i / buckets.length)));

/** A gradient by distance as that of the table. */
export function byBucket(gradient: Float64Array, buckets: ArrayLike<number>, entries: number): Float64Array {
  const N = gradient.length / buckets.length;
  const table = new Float64Array(entries * N);
  gradient.forEach((value, i) => {
    const target = at(buckets, i % buckets.length) * N + Math.floor(i / buckets.length);
    table[target] = at(table, target) + value;
  });
  return table;
}
