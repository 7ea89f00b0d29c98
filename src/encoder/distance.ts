/**
 * The bias that MPNet puts on the scores of attention, by how far the key is from the query: near distances have an entry each,
 * farther ones share it, those after the query apart from those before it (Raffel et al., T5, 2020, section 2.1: the bidirectional
 * form, as transformers' MPNetEncoder.relative_position_bucket has it).
 */

/** Distances from here on share the last entry of their side. */
const FARTHEST = 128;

/** The entry, of `buckets`, for the key at place q + distance beside the query at place q. */
export function bucketOf(distance: number, buckets: number): number {
  const side = buckets / 2;
  const near = side / 2;
  const start = distance > 0 ? side : 0;
  const far = Math.abs(distance);
  if (far < near) return start + far;
  // Logarithms to base 2: exact where the entries change at a power of two.
  const along = Math.log2(far / near) / Math.log2(FARTHEST / near);
  return start + Math.min(side - 1, near + Math.floor(along * (side - near)));
}

/** The entries for distances 1 − reach to reach − 1. */
export const bucketsByDistance = (reach: number, buckets: number): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: 2 * reach - 1 }, (_, i) => bucketOf(i + 1 - reach, buckets));
