import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { float32Margin, lengths } from "../../src/retrieval/margin.ts";
import { blockSize, createProducts, groupSize, panelSize, productsModule } from "../../src/retrieval/products.ts";

function numbers(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const source = random(seed);
  return Float32Array.from({ length: count }, () => scale * source.normal());
}

/** One sum in the order of the dimensions, each operation rounded to float32. */
function inFloat32(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, k) => Math.fround(sum + Math.fround(x * (b[k] ?? NaN))), 0);
}

const inFloat64 = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, k) => sum + x * (b[k] ?? NaN), 0);

/** Every product of a block and a group: [query][document]. */
function allProducts(documents: Float32Array, queries: Float32Array, dimensions: number): number[][] {
  const products = createProducts(dimensions);
  if (!products) throw new Error("no vector instructions here");
  products.scores.fill(NaN);
  products.takeDocuments(documents);
  products.takeQueries(queries);
  return Array.from({ length: queries.length / dimensions }, (_, q) => {
    products.multiply(Math.floor(q / panelSize));
    return Array.from(
      { length: documents.length / dimensions },
      (_, d) => products.scores[d * panelSize + (q % panelSize)] ?? NaN,
    );
  });
}

const rowsOf = (values: Float32Array, dimensions: number): Float32Array[] =>
  Array.from({ length: values.length / dimensions }, (_, i) => values.slice(i * dimensions, (i + 1) * dimensions));

test("the module is valid for any number of dimensions", () => {
  for (const dimensions of [1, 3, 384, 1024, 4096]) expect(WebAssembly.validate(productsModule(dimensions))).toBe(true);
});

test("products are those of a plain loop in float32, bit for bit, wherever document and query stand", () => {
  for (const dimensions of [1, 3, 5, 7, 33, 129]) {
    for (const [rows, columns] of [
      [1, 1],
      [3, 7],
      [4, 8],
      [5, 70],
      [blockSize, 9],
      [13, groupSize],
    ] as const) {
      const documents = numbers(rows * dimensions, 1);
      const queries = numbers(columns * dimensions, 2);
      const expected = rowsOf(queries, dimensions).map((query) =>
        rowsOf(documents, dimensions).map((document) => inFloat32(document, query)),
      );
      expect(allProducts(documents, queries, dimensions)).toEqual(expected);
    }
  }
});

test("a block and a group that were taken later replace those before them", () => {
  const products = createProducts(3);
  products?.takeDocuments(numbers(30, 1));
  products?.takeQueries(numbers(48, 1));
  products?.takeDocuments(Float32Array.of(1, 2, 3));
  products?.takeQueries(Float32Array.of(4, 5, 6, 7, 8, 9));
  products?.multiply(0);
  expect([...(products?.scores.slice(0, 2) ?? [])]).toEqual([32, 50]);
});

// From numbers whose products are too small for float32 to those whose products are nearly too large.
test.each([1e-30, 1e-22, 1e-20, 1, 1e15, 1e17])(
  "no product of numbers about %g is further from the rounded float64 one than the margin",
  (scale) => {
    for (const dimensions of [1, 2, 33, 384]) {
      // Sums of numbers of one sign lose most.
      const [documents, queries] = [
        numbers(16 * dimensions, 3, scale).map(Math.abs),
        numbers(8 * dimensions, 4, scale),
      ];
      const found = allProducts(documents, queries, dimensions);
      const long = lengths({ dimensions, values: documents });
      const asked = lengths({ dimensions, values: queries });
      rowsOf(queries, dimensions).forEach((query, q) =>
        rowsOf(documents, dimensions).forEach((document, d) => {
          const margin = float32Margin(dimensions, (long[d] ?? NaN) * (asked[q] ?? NaN));
          const exact = Math.fround(inFloat64(document, query));
          expect(Math.abs((found[q]?.[d] ?? NaN) - exact)).toBeLessThanOrEqual(margin);
        }),
      );
    }
  },
);

test("the margin holds where every addition loses what is added, and is small beside what it guards", () => {
  const dimensions = 400;
  const document = Float32Array.from({ length: dimensions }, (_, k) => (k === 0 ? 1 : 2 ** -25));
  const query = new Float32Array(dimensions).fill(1);
  const lost = 399 * 2 ** -25;
  expect(inFloat64(document, query) - (allProducts(document, query, dimensions)[0]?.[0] ?? NaN)).toBe(lost);
  const length = Math.hypot(...document) * Math.hypot(...query);
  expect(float32Margin(dimensions, length)).toBeGreaterThan(lost);
  // One rounding for each of 384 products is the bound of the literature.
  expect(float32Margin(384, 1)).toBeGreaterThan(384 * 2 ** -24);
  expect(float32Margin(384, 1)).toBeLessThan(400 * 2 ** -24);
});

test("there is no margin where float32 may overflow", () => {
  expect(float32Margin(3, 2 ** 128)).toBe(Infinity);
  expect(float32Margin(3, Infinity)).toBe(Infinity);
  expect(float32Margin(3, 2 ** 126)).toBeLessThan(2 ** 126);
});

test("lengths are Euclidean, also of numbers whose squares float32 cannot hold", () => {
  const values = Float32Array.of(3, 4, 0, 0, 2 ** 100, 0, 2 ** -100, 0, 1, NaN, 1, Infinity);
  expect([...lengths({ dimensions: 2, values })]).toEqual([5, 0, 2 ** 100, 2 ** -100, NaN, Infinity]);
});
