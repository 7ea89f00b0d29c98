import { at, fill, sum } from "./at.ts";

export interface Pairs {
  readonly queries: ArrayLike<number>;
  readonly offsets: ArrayLike<number>;
  readonly candidates: ArrayLike<number>;
}

/** The loss of each query (B): -log softmax of the first of its candidates. */
export const infonce = (e: Float64Array, { queries, offsets, candidates }: Pairs, H: number, temperature: number) =>
  fill(queries.length, (b) => {
    const first = at(offsets, b);
    const scores = fill(
      at(offsets, b + 1) - first,
      (j) => sum(H, (c) => at(e, at(queries, b) * H + c) * at(e, at(candidates, first + j) * H + c)) / temperature,
    );
    const highest = Math.max(...scores);
    return highest - at(scores, 0) + Math.log(sum(scores.length, (j) => Math.exp(at(scores, j) - highest)));
  });

/** The gradient of the mean loss by the embeddings (S, H). */
export function infonceGradient(e: Float64Array, pairs: Pairs, H: number, temperature: number): Float64Array {
  const { queries, offsets, candidates } = pairs;
  const de = new Float64Array(e.length);
  for (let b = 0; b < queries.length; b++) {
    const [first, end] = [at(offsets, b), at(offsets, b + 1)];
    const dot = (p: number) => sum(H, (c) => at(e, at(queries, b) * H + c) * at(e, at(candidates, p) * H + c));
    const highest = Math.max(...fill(end - first, (j) => dot(first + j)));
    const mass = (p: number) => Math.exp((dot(p) - highest) / temperature);
    const total = sum(end - first, (j) => mass(first + j));
    for (let p = first; p < end; p++) {
      const g = (mass(p) / total - (p === first ? 1 : 0)) / (temperature * queries.length);
      for (let c = 0; c < H; c++) {
        const [q, d] = [at(queries, b) * H + c, at(candidates, p) * H + c];
        const [eq, ed] = [at(e, q), at(e, d)];
        de[q] = at(de, q) + g * ed;
        de[d] = at(de, d) + g * eq;
      }
    }
  }
  return de;
}
