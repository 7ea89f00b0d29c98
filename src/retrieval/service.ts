/**
 * What the retriever thread serves. A stop arrives with the next report: after some 50 ms of indexing or searching, but
 * about a quarter of a second at the end of indexing 100,000 texts.
 */
import { assert, present } from "../base/assert.ts";
import type { RetrieverStages } from "../domain/stages.ts";
import { buildBm25, searchBm25, type Bm25Index } from "./bm25.ts";
import { denseIndex, searchDense, type DenseIndex } from "./dense.ts";
import { paced, searchFused } from "./hybrid.ts";
import { restricted, scores } from "./metrics.ts";
import { momentsOf, type Moments } from "./moments.ts";
import { comparePaired } from "./significance.ts";

/** A retriever without any index. Building one replaces the one before it. */
export function createRetriever(): RetrieverStages {
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
      return yield* searchDense(vectorIndex(name), input);
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
