/**
 * How far an inner product in float32 may be from the true one. What is found with float32 products is sure to hold the
 * best documents when those that are worse by less than this are looked at too.
 */
import type { Vectors } from "../domain/encoder.ts";

/** Half a unit in the last place: the largest relative error of a float32 rounding. */
const unit = 2 ** -24;
/** Half of the smallest float32: the largest error of a product too small to keep 24 bits. */
const tiny = 2 ** -150;
/** Sums of products stay finite in float32 where the product of the lengths is below this. */
const safe = 2 ** 127;

/** Euclidean length of the vector at `row`; not finite where one of its numbers is not. */
function lengthAt({ dimensions, values }: Vectors, row: number): number {
  let sum = 0;
  for (let k = row * dimensions; k < (row + 1) * dimensions; k++) sum += (values[k] ?? 0) ** 2;
  return Math.sqrt(sum);
}

/** Euclidean lengths, in float64: the squares of float32 numbers are far from its limits. */
export function lengths(vectors: Vectors): Float64Array {
  const rows = vectors.dimensions === 0 ? 0 : vectors.values.length / vectors.dimensions;
  return Float64Array.from({ length: rows }, (_, row) => lengthAt(vectors, row));
}

/**
 * Bound of |rounded float64 product − float32 product| for two vectors whose lengths multiply to `length`: γₙ · length
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, eq. 3.5, and Cauchy–Schwarz), n the roundings
 * on the way to a sum of `dimensions` products, with four more for the float64 product, for rounding it to float32, for
 * the lengths, and for the score that it is compared with. Infinity where float32 may overflow.
 */
export function float32Margin(dimensions: number, length: number): number {
  if (!(length < safe)) return Infinity;
  const roundings = (dimensions + 4) * unit;
  return (roundings / (1 - roundings)) * length + (dimensions + 4) * tiny;
}
