/**
 * Exact search with float32 products in WebAssembly against float64 products alone, turn by turn in one process:
 *   node tools/run.mjs bench/search.ts [DOCUMENTS [QUERIES [DIMENSIONS [DEPTH]]]]
 * Processor seconds, so that other work on the machine counts little; the best of three turns.
 */
import { isDeepStrictEqual } from "node:util";
import { random } from "../src/base/random.ts";
import type { Vectors } from "../src/domain/encoder.ts";
import { documentId, queryId } from "../src/domain/ids.ts";
import type { Ranking } from "../src/domain/ranking.ts";
import { denseIndex, searchDense, type DenseIndex } from "../src/retrieval/dense.ts";

const turns = 3;

/** Sums of three uniform numbers: near enough to normal ones, and quick. */
function unitVectors(rows: number, dimensions: number, seed: number): Vectors {
  const source = random(seed);
  const values = new Float32Array(rows * dimensions);
  for (let at = 0; at < values.length; at += dimensions) {
    const row = values.subarray(at, at + dimensions);
    for (let k = 0; k < dimensions; k++) row[k] = source.next() + source.next() + source.next() - 1.5;
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    for (let k = 0; k < dimensions; k++) row[k] = (row[k] ?? 0) / length;
  }
  return { dimensions, values };
}

/** Rankings, and processor seconds. */
function timed(index: DenseIndex, vectors: Vectors, depth: number): { rankings: Ranking[]; seconds: number } {
  const queryIds = Array.from({ length: vectors.values.length / vectors.dimensions }, (_, i) => queryId(`q${i}`));
  const before = process.cpuUsage();
  const search = searchDense(index, { queryIds, vectors, depth });
  let result = search.next();
  while (!result.done) result = search.next();
  const { user, system } = process.cpuUsage(before);
  return { rankings: result.value, seconds: (user + system) / 1e6 };
}

export function main(given: readonly string[]): number {
  const [documents = 100_000, queries = 200, dimensions = 384, depth = 100] = given.map(Number);
  const ids = Array.from({ length: documents }, (_, i) => documentId(`d${i}`));
  const fast = denseIndex(ids, unitVectors(documents, dimensions, 1));
  const plain = { ...fast, products: undefined };
  const asked = unitVectors(queries, dimensions, 2);
  console.log(`${queries} queries, ${documents} documents, ${dimensions} dimensions, the best ${depth}`);
  if (!fast.products) console.log("no vector instructions here: both are the same");
  const best = { fast: Infinity, plain: Infinity };
  let same = true;
  for (let turn = 0; turn < turns; turn++) {
    const [one, two] = [timed(fast, asked, depth), timed(plain, asked, depth)];
    best.fast = Math.min(best.fast, one.seconds);
    best.plain = Math.min(best.plain, two.seconds);
    same &&= isDeepStrictEqual(one.rankings, two.rankings);
  }
  const words = (seconds: number) =>
    `${seconds.toFixed(2)} s, ${((2e-9 * documents * queries * dimensions) / seconds).toFixed(1)} GFLOP/s`;
  console.log(`float32 products, float64 scores: ${words(best.fast)}\nfloat64 alone: ${words(best.plain)}`);
  console.log(`${(best.plain / best.fast).toFixed(1)} times as fast; ${same ? "the same" : "DIFFERENT"} rankings`);
  return same ? 0 : 1;
}
