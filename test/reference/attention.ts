import { at, fill, sum } from "./at.ts";

export interface Size {
  readonly H: number;
  readonly N: number;
  readonly cuSeqlens: ArrayLike<number>;
}

/** Visits every text, head and query. */
function eachQuery(
  { N, cuSeqlens }: Size,
  visit: (head: number, t: number, start: number, length: number) => void,
): void {
  for (let s = 0; s + 1 < cuSeqlens.length; s++) {
    const [start, end] = [at(cuSeqlens, s), at(cuSeqlens, s + 1)];
    for (let head = 0; head < N; head++) for (let t = start; t < end; t++) visit(head, t, start, end - start);
  }
}

function softmaxRow(qkv: Float64Array, { H, N }: Size, head: number, [t, start, length]: [number, number, number]) {
  const D = H / N;
  const entry = (token: number, third: number, c: number) => at(qkv, token * 3 * H + third * H + head * D + c);
  const scores = fill(length, (j) => sum(D, (c) => entry(t, 0, c) * entry(start + j, 1, c)) / Math.sqrt(D));
  const highest = Math.max(...scores);
  const logSumExp = highest + Math.log(sum(length, (j) => Math.exp(at(scores, j) - highest)));
  return { p: scores.map((score) => Math.exp(score - logSumExp)), logSumExp, entry };
}

/** context (T, H) and logSumExp (T, N). */
export function attention(qkv: Float64Array, size: Size) {
  const { H, N } = size;
  const context = new Float64Array(qkv.length / 3);
  const logSumExp = new Float64Array((context.length / H) * N);
  eachQuery(size, (head, t, start, length) => {
    const row = softmaxRow(qkv, size, head, [t, start, length]);
    logSumExp[t * N + head] = row.logSumExp;
    for (let c = 0; c < H / N; c++) {
      context[t * H + (head * H) / N + c] = sum(length, (j) => at(row.p, j) * row.entry(start + j, 2, c));
    }
  });
  return { context, logSumExp };
}

/** dqkv (T, 3H), by the derivative of softmax written out. */
export function attentionGradient(qkv: Float64Array, dcontext: Float64Array, size: Size): Float64Array {
  const { H, N } = size;
  const D = H / N;
  const dqkv = new Float64Array(qkv.length);
  const add = (token: number, third: number, channel: number, value: number) => {
    const i = token * 3 * H + third * H + channel;
    dqkv[i] = at(dqkv, i) + value;
  };
  eachQuery(size, (head, t, start, length) => {
    const { p, entry } = softmaxRow(qkv, size, head, [t, start, length]);
    const out = (c: number) => at(dcontext, t * H + head * D + c);
    const dp = fill(length, (j) => sum(D, (c) => out(c) * entry(start + j, 2, c)));
    const along = sum(length, (j) => at(p, j) * at(dp, j));
    for (let j = 0; j < length; j++) {
      const ds = (at(p, j) * (at(dp, j) - along)) / Math.sqrt(D);
      for (let c = 0; c < D; c++) {
        add(t, 0, head * D + c, ds * entry(start + j, 1, c));
        add(start + j, 1, head * D + c, ds * entry(t, 0, c));
        add(start + j, 2, head * D + c, at(p, j) * out(c));
      }
    }
  });
  return dqkv;
}
