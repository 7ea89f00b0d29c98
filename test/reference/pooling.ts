import { at, fill, sum } from "./at.ts";

/** (S, H): the mean over each text's tokens, or its first. */
export const pool = (x: Float64Array, cuSeqlens: ArrayLike<number>, H: number, firstOnly: boolean): Float64Array =>
  fill((cuSeqlens.length - 1) * H, (i) => {
    const [s, c] = [Math.floor(i / H), i % H];
    const start = at(cuSeqlens, s);
    const count = firstOnly ? 1 : at(cuSeqlens, s + 1) - start;
    return sum(count, (j) => at(x, (start + j) * H + c)) / count;
  });

export function poolGradient(dpooled: Float64Array, cuSeqlens: ArrayLike<number>, H: number, firstOnly: boolean) {
  const dx = new Float64Array(at(cuSeqlens, cuSeqlens.length - 1) * H);
  dpooled.forEach((value, i) => {
    const [s, c] = [Math.floor(i / H), i % H];
    const start = at(cuSeqlens, s);
    const count = firstOnly ? 1 : at(cuSeqlens, s + 1) - start;
    for (let t = start; t < start + count; t++) dx[t * H + c] = value / count;
  });
  return dx;
}

const SMALLEST = 1e-12;
const normOf = (x: Float64Array, s: number, H: number) => Math.sqrt(sum(H, (c) => at(x, s * H + c) ** 2));

/** Each row over its norm, which is taken as at least 1e-12. */
export const normalise = (x: Float64Array, H: number): Float64Array =>
  fill(x.length, (i) => at(x, i) / Math.max(normOf(x, Math.floor(i / H), H), SMALLEST));

export const normaliseGradient = (x: Float64Array, dy: Float64Array, H: number): Float64Array =>
  fill(x.length, (i) => {
    const s = Math.floor(i / H);
    const norm = normOf(x, s, H);
    if (norm < SMALLEST) return at(dy, i) / SMALLEST;
    const along = sum(H, (c) => at(dy, s * H + c) * at(x, s * H + c)) / norm;
    return (at(dy, i) - (along * at(x, i)) / norm) / norm;
  });
