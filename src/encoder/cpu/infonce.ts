import type { ContrastiveBatch } from "../../domain/engine.ts";

export interface Loss {
  /** Mean over queries, in nats. */
  readonly loss: number;
  /** (S, H) */
  readonly dEmbeddings: Float64Array<ArrayBuffer>;
}

/**
 * InfoNCE (van den Oord et al., 2018) and its gradient, in double precision: for query b with candidates j, positive first,
 * −log softmax(e_b·e_j / τ)[0]. `embeddings` is (S, H) of unit vectors.
 */
export function infoNce(embeddings: Float32Array, hidden: number, batch: ContrastiveBatch, temperature: number): Loss {
  const { queries, offsets, candidates } = batch;
  const dEmbeddings = new Float64Array(embeddings.length);
  let total = 0;
  for (let b = 0; b < queries.length; b++) {
    const query = (queries[b] ?? 0) * hidden;
    const own = candidates.subarray(offsets[b], offsets[b + 1]);
    const scores = Float64Array.from(own, (text) => dot(embeddings, query, text * hidden, hidden) / temperature);
    const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    total += highest + Math.log(sum) - (scores[0] ?? 0);
    own.forEach((text, j) => {
      const share = Math.exp((scores[j] ?? 0) - highest) / sum;
      const dScore = (share - (j === 0 ? 1 : 0)) / temperature / queries.length;
      const candidate = text * hidden;
      for (let h = 0; h < hidden; h++) {
        dEmbeddings[query + h] = (dEmbeddings[query + h] ?? 0) + dScore * (embeddings[candidate + h] ?? 0);
        dEmbeddings[candidate + h] = (dEmbeddings[candidate + h] ?? 0) + dScore * (embeddings[query + h] ?? 0);
      }
    });
  }
  return { loss: total / queries.length, dEmbeddings };
}

function dot(x: Float32Array, a: number, b: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (x[a + i] ?? 0) * (x[b + i] ?? 0);
  return sum;
}
