/**
 * Exact search with float32 products in WebAssembly against float64 products alone, and against products on WebGPU where
 * Node finds a device, turn by turn in one process:
 *   node tools/run.mjs bench/search.ts [DOCUMENTS [QUERIES [DIMENSIONS [DEPTH]]]]
 * On the processor in processor seconds, so that other work on the machine counts little; with the GPU, and on the processor
 * beside it, in seconds of the clock. The best of three turns; of one where WebGPU itself runs on the processor.
 */
import { isDeepStrictEqual } from "node:util";
import { nodeGpu } from "../experiments/node-gpu.ts";
import { random } from "../src/base/random.ts";
import type { Vectors } from "../src/domain/encoder.ts";
import { documentId, queryId } from "../src/domain/ids.ts";
import type { Ranking } from "../src/domain/ranking.ts";
import type { Progress } from "../src/domain/stages.ts";
import { denseIndex, searchDense, type DenseIndex, type DenseInput } from "../src/retrieval/dense.ts";
import { openGpuSearch, type GpuSearch } from "../src/retrieval/gpuSearch.ts";

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

interface Timed {
  readonly rankings: Ranking[];
  /** Seconds of the processor. */
  readonly busy: number;
  /** Seconds of the clock. */
  readonly clock: number;
}

type Search = Generator<Progress, Ranking[]> | AsyncGenerator<Progress, Ranking[], void>;

async function timed(search: Search): Promise<Timed> {
  const [before, start] = [process.cpuUsage(), performance.now()];
  let result = await search.next();
  while (!result.done) result = await search.next();
  const { user, system } = process.cpuUsage(before);
  return { rankings: result.value, busy: (user + system) / 1e6, clock: (performance.now() - start) / 1000 };
}

/** The best of some turns of each search. */
async function best(searches: readonly (() => Search)[], count: number): Promise<Timed[]> {
  const all: Timed[][] = searches.map(() => []);
  for (let turn = 0; turn < count; turn++)
    for (const [i, search] of searches.entries()) all[i]?.push(await timed(search()));
  return all.map((some) =>
    some.reduce((a, b) => ({ ...a, busy: Math.min(a.busy, b.busy), clock: Math.min(a.clock, b.clock) })),
  );
}

async function openDevice(): Promise<GpuSearch | undefined> {
  try {
    return await openGpuSearch(await nodeGpu(), { software: true });
  } catch (error) {
    console.log(`no WebGPU here: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

interface Setting {
  readonly index: DenseIndex;
  readonly input: DenseInput;
  /** "1.20 s, 20.1 GFLOP/s" */
  readonly words: (seconds: number) => string;
}

async function benchCpu({ index, input, words }: Setting): Promise<boolean> {
  if (!index.products) console.log("no vector instructions here: both are the same");
  const plain = { ...index, products: undefined };
  const [fast, slow] = await best([() => searchDense(index, input), () => searchDense(plain, input)], turns);
  const same = isDeepStrictEqual(fast?.rankings, slow?.rankings);
  const [one, two] = [fast?.busy ?? NaN, slow?.busy ?? NaN];
  console.log(`float32 products, float64 scores: ${words(one)}\nfloat64 alone: ${words(two)}`);
  console.log(`${(two / one).toFixed(1)} times as fast; ${same ? "the same" : "DIFFERENT"} rankings`);
  return same;
}

async function benchGpu(device: GpuSearch, { index, input, words }: Setting): Promise<boolean> {
  const first = await timed(device.search(index, input));
  const blocks = device.blocks;
  const both = [() => searchDense(index, input), () => device.search(index, input)];
  const [cpu, gpu] = await best(both, device.software ? 1 : turns);
  const same = isDeepStrictEqual(cpu?.rankings, gpu?.rankings);
  const [one, two] = [cpu?.clock ?? NaN, gpu?.clock ?? NaN];
  console.log(`products on WebGPU, ${device.name}: ${words(two)} by the clock, ${blocks} blocks on the GPU`);
  console.log(`its first search, with the kernel's compilation: ${first.clock.toFixed(2)} s`);
  console.log(`the processor beside it: ${words(one)} by the clock`);
  console.log(`${(one / two).toFixed(2)} times as fast as the processor; ${same ? "the same" : "DIFFERENT"} rankings`);
  if (device.fault) console.log(`THE DEVICE FAILED: ${device.fault.message}`);
  return same && !device.fault;
}

export async function main(given: readonly string[]): Promise<number> {
  const [documents = 100_000, queries = 200, dimensions = 384, depth = 100] = given.map(Number);
  const ids = Array.from({ length: documents }, (_, i) => documentId(`d${i}`));
  const index = denseIndex(ids, unitVectors(documents, dimensions, 1));
  const queryIds = Array.from({ length: queries }, (_, i) => queryId(`q${i}`));
  const input = { queryIds, vectors: unitVectors(queries, dimensions, 2), depth };
  const words = (seconds: number) =>
    `${seconds.toFixed(2)} s, ${((2e-9 * documents * queries * dimensions) / seconds).toFixed(1)} GFLOP/s`;
  console.log(`${queries} queries, ${documents} documents, ${dimensions} dimensions, the best ${depth}`);
  const same = await benchCpu({ index, input, words });
  const device = await openDevice();
  const sameOnGpu = !device || (await benchGpu(device, { index, input, words }));
  device?.dispose();
  return same && sameOnGpu ? 0 : 1;
}
