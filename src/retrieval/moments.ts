/**
 * Mean μ and covariance C of a collection's vectors. Over all documents the inner products with a query q have the mean
 * q·μ and the variance qᵀC q: the spread of its scores without scoring every document.
 */
import type { Vectors } from "../domain/encoder.ts";
import type { Spread } from "./fusion.ts";

export interface Moments {
  /** (dimensions) */
  readonly mean: Float64Array;
  /** (dimensions, dimensions), only where the column is not before the row. */
  readonly covariance: Float64Array;
}

/** Of a larger collection as many documents are taken, evenly spaced: σ is then right to about 1 %. */
const mostDocuments = 10_000;
/** Multiplications between two reports: about 30 ms. */
const workPerReport = 25_000_000;

/** Where the vectors that are taken start in the values. */
function startsOf({ dimensions, values }: Vectors): number[] {
  const documents = values.length / dimensions;
  const taken = Math.min(documents, mostDocuments);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * documents) / taken) * dimensions);
}

function meanOf({ dimensions, values }: Vectors, starts: readonly number[]): Float64Array {
  const mean = new Float64Array(dimensions);
  for (const start of starts) for (let i = 0; i < dimensions; i++) mean[i] = (mean[i] ?? 0) + (values[start + i] ?? 0);
  return mean.map((sum) => sum / starts.length);
}

/** `vectors`: (documents, dimensions), at least one document. Yields now and then while it works. */
export function* momentsOf(vectors: Vectors): Generator<void, Moments> {
  const { dimensions, values } = vectors;
  const starts = startsOf(vectors);
  const mean = meanOf(vectors, starts);
  const covariance = new Float64Array(dimensions ** 2);
  const centred = new Float64Array(dimensions);
  let work = 0;
  for (const start of starts) {
    for (let i = 0; i < dimensions; i++) centred[i] = (values[start + i] ?? 0) - (mean[i] ?? 0);
    for (let i = 0; i < dimensions; i++) {
      const x = (centred[i] ?? 0) / starts.length;
      const row = i * dimensions;
      for (let j = i; j < dimensions; j++) covariance[row + j] = (covariance[row + j] ?? 0) + x * (centred[j] ?? 0);
    }
    if ((work += dimensions ** 2 / 2) < workPerReport) continue;
    work = 0;
    yield;
  }
  return { mean, covariance };
}

/** Of the inner products of `query` with the vectors that the moments are of. */
export function spreadOf({ mean, covariance }: Moments, query: Float32Array): Spread {
  const { length } = mean;
  let product = 0;
  let variance = 0;
  for (let i = 0; i < length; i++) {
    const x = query[i] ?? 0;
    product += x * (mean[i] ?? 0);
    let others = 0;
    for (let j = i + 1; j < length; j++) others += (covariance[i * length + j] ?? 0) * (query[j] ?? 0);
    variance += x * (x * (covariance[i * length + i] ?? 0) + 2 * others);
  }
  return { mean: product, deviation: Math.sqrt(Math.max(0, variance)) };
}
