import { afterAll, beforeAll, expect, test } from "vitest";
import { FOUND_HEAD, findLikely, foundWords, sizesUniform } from "../../src/kernels/likely/likely.ts";
import { at as item } from "../reference/at.ts";
import { innerProducts, type Size } from "../reference/likely.ts";
import { kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

interface Given {
  readonly queries: Float64Array;
  readonly documents: Float64Array;
  readonly limits: Float64Array;
  readonly capacity: number;
}

/** The count, and the product of each pair by b · S + s. All of `found` is NaN before, but for the count. */
async function find({ queries, documents, limits, capacity }: Given, { B, S, H }: Size) {
  const poisoned = new Float32Array(foundWords(capacity)).fill(NaN);
  new Uint32Array(poisoned.buffer)[0] = 0;
  const out = await bench.run({
    counts: { B, S },
    inputs: { sizes: sizesUniform({ B, S }, H), queries, documents, limits, found: poisoned },
    outputs: {},
    dispatches: (at) => [
      findLikely({
        found: at("found"),
        sizes: at("sizes"),
        queries: at("queries"),
        documents: at("documents"),
        limits: at("limits"),
      }),
    ],
  });
  const floats = out["found"] ?? new Float32Array();
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const count = words[0] ?? NaN;
  const told = Array.from({ length: Math.min(count, capacity) }, (_, i): [number, number] => [
    words[FOUND_HEAD + 2 * i] ?? NaN,
    floats[FOUND_HEAD + 2 * i + 1] ?? NaN,
  ]);
  const rest = floats.subarray(FOUND_HEAD + 2 * told.length);
  return { count, told, rest };
}

const sizes = [
  { B: 1, S: 1, H: 1 },
  { B: 1, S: 65, H: 3 },
  { B: 65, S: 1, H: 16 },
  { B: 7, S: 129, H: 17 },
  { B: 70, S: 70, H: 33 },
  { B: 64, S: 64, H: 16 },
  { B: 129, S: 66, H: 385 },
];

/** Rows of NaN behind a matrix: a buffer is larger than what is in it, and its rest from a block before. */
const withRest = (values: Float64Array, H: number): Float64Array =>
  Float64Array.of(...values, ...Array.from({ length: 3 * H }, () => NaN));

test.each(sizes)("the pairs and products of whole numbers, which float32 has exactly, at %o", async (size) => {
  const { B, S, H } = size;
  const whole = (count: number, name: string) => normals(count, name, 3).map(Math.round);
  const [queries, documents] = [whole(B * H, "q"), whole(S * H, "d")];
  const products = innerProducts(queries, documents, size);
  // One of its own products for each query: what equals a limit is likely.
  const limits = Float64Array.from({ length: B }, (_, b) => item(products, b * S + ((b * 7) % S)));
  const expected = [...products.entries()].filter(([n, product]) => product >= item(limits, Math.floor(n / S)));
  const given = { queries: withRest(queries, H), documents: withRest(documents, H), limits, capacity: B * S };
  const { count, told, rest } = await find(given, size);
  expect(told.sort(([a], [b]) => a - b)).toEqual(expected);
  expect(count).toBe(expected.length);
  expect(rest.every(Number.isNaN)).toBe(true);
});

test("products are those of float64 to float32's rounding, and limits divide them", async () => {
  const size = { B: 65, S: 67, H: 100 };
  const [queries, documents] = [normals(65 * 100, "q"), normals(67 * 100, "d")];
  const limits = new Float64Array(65).fill(5);
  const { told } = await find({ queries, documents, limits, capacity: 65 * 67 }, size);
  const found = new Map(told);
  let likely = 0;
  innerProducts(queries, documents, size).forEach((product, n) => {
    if (Math.abs(product - 5) < 1e-4) return;
    expect(found.has(n)).toBe(product > 5);
    if (product > 5) likely++;
    if (product > 5) expect(Math.abs((found.get(n) ?? NaN) - product)).toBeLessThan(1e-4);
  });
  expect(likely).toBeGreaterThan(100);
});

test("where there is no room for all pairs it counts on, and tells as many as there is room for", async () => {
  const size = { B: 3, S: 70, H: 2 };
  const limits = new Float64Array(3).fill(-1000);
  const given = { queries: normals(6, "q"), documents: normals(140, "d"), limits };
  const { count, told } = await find({ ...given, capacity: 5 }, size);
  expect(count).toBe(210);
  expect(new Set(told.map(([n]) => n)).size).toBe(5);
  expect(told.every(([n, product]) => n < 210 && Number.isFinite(product))).toBe(true);
});
