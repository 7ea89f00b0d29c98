/**
 * How far an inner product in float32 may be from the true one. What is found with float32 products is sure to hold the
 * best documents when those that are worse by less than this are looked at too.
 */
import type { Vectors } from "../domain/encoder.ts";

/** Half a unit in the last place: the largest relative error of a float32 rounding. */
const unit = 2 ** -24;
/** Half of the smallest float32: the largest error of a product too small to keep 24 bits. */
const tiny = 2 ** -150;
/** The smallest float32 with all its bits: WGSL may take any number below it for 0. */
const smallestNormal = 2 ** -126;
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

/** γₙ = n·u / (1 − n·u): the relative error of n roundings by at most u each. */
const gamma = (roundings: number, unit: number): number => (roundings * unit) / (1 - roundings * unit);

/**
 * Bound of |rounded float64 product − float32 product| for two vectors whose lengths multiply to `length`: γₙ · length
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, eq. 3.5, and Cauchy–Schwarz), n the roundings
 * on the way to a sum of `dimensions` products, with four more for the float64 product, for rounding it to float32, for
 * the lengths, and for the score that it is compared with. Infinity where float32 may overflow.
 */
export function float32Margin(dimensions: number, length: number): number {
  if (!(length < safe)) return Infinity;
  return gamma(dimensions + 4, unit) * length + (dimensions + 4) * tiny;
}

/**
 * The same for products in WGSL, of vectors of lengths `a` and `b`, and for comparing them with a limit that was itself
 * rounded to float32. WGSL (Floating Point Accuracy; Differences from IEEE-754; Reassociation and Fusion) rounds up or
 * down, which is twice the error, and sums in any order, for which eq. 3.5 holds too. What goes into an operation or comes
 * out may be flushed to 0: products, sums and limit, 2 · dimensions + 1 numbers, and numbers of the vectors, which the other
 * vector's multiply: Σ |aₖ| and Σ |bₖ|, at most √dimensions times the lengths. Twice that leaves room for roundings.
 */
export function wgslMargin(dimensions: number, a: number, b: number): number {
  const length = a * b;
  if (!(length < safe)) return Infinity;
  const flushed = 2 * (2 * dimensions + 1 + Math.sqrt(dimensions) * (a + b)) * smallestNormal;
  return gamma(dimensions + 4, 2 * unit) * length + flushed;
}
