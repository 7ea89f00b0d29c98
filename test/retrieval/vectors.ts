/** Made-up vectors, and the rankings that scoring and sorting everything gives. */
import { random } from "../../src/base/random.ts";
import type { Vectors } from "../../src/domain/encoder.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { compareHits } from "../../src/retrieval/order.ts";

export const documentIds = (n: number) => Array.from({ length: n }, (_, i) => documentId(`d${i}`));
export const queryIds = (n: number) => Array.from({ length: n }, (_, i) => queryId(`q${i}`));

/** Halves from −1 to 1: products are exact and many are equal. */
export function halves(rows: number, dimensions: number, seed: number): Vectors {
  const source = random(seed);
  return { dimensions, values: Float32Array.from({ length: rows * dimensions }, () => source.integer(5) / 2 - 1) };
}

/** Unit vectors with all 24 bits in use. */
export function unitVectors(rows: number, dimensions: number, seed: number): Vectors {
  const source = random(seed);
  const values = Array.from({ length: rows }, () => {
    const row = Array.from({ length: dimensions }, () => source.normal());
    const length = Math.hypot(...row);
    return row.map((value) => value / length);
  });
  return { dimensions, values: Float32Array.from(values.flat()) };
}

export const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, k) => sum + x * (b[k] ?? 0), 0);
export const row = ({ dimensions, values }: Vectors, i: number) =>
  values.subarray(i * dimensions, (i + 1) * dimensions);
export const rowsOf = ({ dimensions, values }: Vectors): number => values.length / dimensions;

/** Every score in float64, rounded to float32 as rankings have it, sorted. */
export function direct(documents: Vectors, queries: Vectors, depth: number): Ranking[] {
  return queryIds(rowsOf(queries)).map((id, q) => {
    const hits = documentIds(rowsOf(documents)).map((documentId, d) => ({
      documentId,
      score: Math.fround(dot(row(queries, q), row(documents, d))),
    }));
    return { queryId: id, hits: hits.sort(compareHits).slice(0, depth) };
  });
}
