import { expect, test } from "vitest";
import { bucketOf, bucketsByDistance } from "../../src/encoder/distance.ts";

test("MPNet's 32 buckets: at which distances the next one starts, keys after the query 16 above", () => {
  // By relative_position_bucket of transformers 4.57.6 (MPNetEncoder), run for distances up to 600 with PyTorch in float32.
  const starts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];
  for (let far = 0; far <= 600; far++) {
    const entry = starts.findLastIndex((start) => start <= far);
    expect(bucketOf(-far, 32), `${far} before`).toBe(entry);
    if (far > 0) expect(bucketOf(far, 32), `${far} after`).toBe(16 + entry);
  }
});

test("by distance, from the farthest key before the query to the farthest after it", () => {
  expect([...bucketsByDistance(1, 32)]).toEqual([0]);
  expect([...bucketsByDistance(4, 32)]).toEqual([3, 2, 1, 0, 17, 18, 19]);
});
