/**
 * What the retriever thread serves. A stop arrives with the next report: after some 50 ms of indexing or searching, but
 * about a quarter of a second at the end of indexing 100,000 texts.
 */
import { assert, present } from "../base/assert.ts";
import type { RetrieverStages } from "../domain/stages.ts";
import { buildBm25, searchBm25, type Bm25Index } from "./bm25.ts";
import { denseIndex, searchDense, type DenseIndex } from "./dense.ts";
import { scores } from "./metrics.ts";
import { comparePaired } from "./significance.ts";

/** A retriever without any index. Building one replaces the one before it. */
export function createRetriever(): RetrieverStages {
  let text: Bm25Index | undefined;
  const vectorIndexes = new Map<string, DenseIndex>();
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
      return yield* searchDense(present(vectorIndexes.get(name), `the vector index ${name}`), input);
    },
    async *evaluate(input) {
      return scores(input);
    },
    async *compare({ a, b, metric, seed }) {
      const sameQueries = a.queryIds.length === b.queryIds.length && a.queryIds.every((id, i) => id === b.queryIds[i]);
      assert(sameQueries, "the two systems were measured on different queries");
      return comparePaired(present(a.perQuery[metric], metric), present(b.perQuery[metric], metric), seed);
    },
  };
}
