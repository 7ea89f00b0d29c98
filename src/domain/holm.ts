/** When p-values are many: the level at which a difference is called one, and Holm's correction. */
import { assert } from "../base/assert.ts";

/** A difference counts as one where p lies below. */
export const significant = 0.05;

/**
 * p-values of one family, adjusted for being many, in the order given: sorted upwards, the i-th of m (from 0) times m − i,
 * none smaller than the one before it, none above 1 (Holm, Scandinavian Journal of Statistics 6, 1979).
 */
export function holm(pValues: readonly number[]): number[] {
  assert(
    pValues.every((p) => p >= 0 && p <= 1),
    `p-values in [0, 1], not ${pValues.join(", ")}`,
  );
  const adjusted = pValues.map(() => 0);
  let largest = 0;
  const order = pValues.map((_, i) => i).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0));
  order.forEach((at, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues[at] ?? 0) * (pValues.length - rank)));
    adjusted[at] = largest;
  });
  return adjusted;
}
