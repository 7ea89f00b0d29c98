/** A bias on the scores by distance: spelt out from its table for a forward pass, and its gradient gathered back into the table. */
import { mostTokens, type BertShape } from "../../domain/encoder.ts";
import { bucketsByDistance } from "../distance.ts";
import type { DistanceBias } from "./attention.ts";

const eachEntry = (
  { heads, distanceBuckets = 0 }: BertShape,
  reach: number,
  visit: (entry: number, at: number) => void,
): void => {
  const buckets = bucketsByDistance(reach, distanceBuckets);
  for (let head = 0; head < heads; head++) {
    buckets.forEach((bucket, i) => visit(bucket * heads + head, head * buckets.length + i));
  }
};

/** The bias of a `table` (buckets, N), with room for a gradient where it is wanted. */
export function distanceBias(shape: BertShape, table: Float32Array, wanted: boolean): DistanceBias {
  const reach = mostTokens(shape);
  const values = new Float32Array(shape.heads * (2 * reach - 1));
  eachEntry(shape, reach, (entry, at) => (values[at] = table[entry] ?? 0));
  return { reach, values, gradient: wanted ? new Float64Array(values.length) : undefined };
}

/** Adds the bias's gradient to that of its table. */
export function addDistanceGradient(
  shape: BertShape,
  { reach, gradient = new Float64Array() }: DistanceBias,
  table: Float32Array,
): void {
  const sums = new Float64Array(table.length);
  eachEntry(shape, reach, (entry, at) => (sums[entry] = (sums[entry] ?? 0) + (gradient[at] ?? 0)));
  sums.forEach((sum, entry) => (table[entry] = (table[entry] ?? 0) + sum));
}
