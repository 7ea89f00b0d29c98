/**
 * What the retriever thread serves. A stop arrives with the next report: after some 50 ms of indexing or searching, but
 * about a quarter of a second at the end of indexing 100,000 texts.
 */
import { assert, present } from "../base/assert.ts";
import type { RetrieverStages } from "../domain/stages.ts";
import { buildBm25, searchBm25, type Bm25Index } from "./bm25.ts";
import { denseIndex, searchDense, type DenseIndex, type DenseInput } from "./dense.ts";
import type { GpuSearch } from "./gpuSearch.ts";
import { paced, searchFused } from "./hybrid.ts";
import { restricted, scores } from "./metrics.ts";
import { momentsOf, type Moments } from "./moments.ts";
import { comparePaired } from "./significance.ts";

/**
 * Multiplications from which a search is worth a GPU: the CPU does them in half a second. Opening a device, compiling the
 * kernel and sending the first block are taken to need most of that.
 */
const gpuWork = 4e9;
/**
 * Queries from which it is: 64 cost the CPU 3 µs for a document of 384 dimensions, and sending it, 1.5 kB, is taken to cost
 * one, however few the queries are.
 */
const gpuQueries = 64;

export interface RetrieverOptions {
  /** Opens a GPU to search with; asked once, when a search is first worth it. Left out or rejected: the CPU searches. */
  readonly openGpu?: () => Promise<GpuSearch>;
  /** Multiplications from which a search is worth it, at `gpuQueries` queries or more. */
  readonly leastWork?: number;
}

/** A retriever without any index. Building one replaces the one before it. */
export function createRetriever({ openGpu, leastWork = gpuWork }: RetrieverOptions = {}): RetrieverStages {
  let gpu: Promise<GpuSearch | undefined> | undefined;
  const gpuFor = async ({ ids, vectors }: DenseIndex, { queryIds }: DenseInput): Promise<GpuSearch | undefined> => {
    const work = queryIds.length * ids.length * vectors.dimensions;
    if (queryIds.length < gpuQueries || work < leastWork) return undefined;
    gpu ??= openGpu?.().catch(() => undefined);
    return gpu;
  };
  let text: Bm25Index | undefined;
  const vectorIndexes = new Map<string, DenseIndex>();
  /** Made when first asked for. */
  const moments = new WeakMap<DenseIndex, Moments>();
  const vectorIndex = (name: string): DenseIndex => present(vectorIndexes.get(name), `the vector index ${name}`);
  return {
    async *indexText({ documents }) {
      text = yield* buildBm25(documents);
      return text.summary;
    },
    async *searchText(input) {
      return yield* searchBm25(present(text, "the text index"), input);
    },
    async *indexVectors({ name, ids, vectors }) {
      vectorIndexes.set(name, denseIndex(ids, vectors));
    },
    async *searchVectors({ name, ...input }) {
      const index = vectorIndex(name);
      const found = await gpuFor(index, input);
      return yield* found ? found.search(index, input) : searchDense(index, input);
    },
    async *searchFused({ name, ...input }) {
      const dense = vectorIndex(name);
      const words = present(text, "the text index");
      const known =
        moments.get(dense) ??
        (yield* paced(momentsOf(dense.vectors), { done: 0, total: input.queries.length, unit: "queries" }));
      moments.set(dense, known);
      return yield* searchFused({ text: words, dense, moments: known }, input);
    },
    async *evaluate(input) {
      return scores(input);
    },
    async *restrict({ scores, queryIds, seed }) {
      return restricted(scores, new Set(queryIds), seed);
    },
    async *compare({ a, b, metric, seed }) {
      const sameQueries = a.queryIds.length === b.queryIds.length && a.queryIds.every((id, i) => id === b.queryIds[i]);
      assert(sameQueries, "the two systems were measured on different queries");
      return comparePaired(present(a.perQuery[metric], metric), present(b.perQuery[metric], metric), seed);
    },
  };
}
