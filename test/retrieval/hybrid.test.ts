/** An encoder's rankings, alone and fused, against a float64 version that scores every document of a made-up collection. */
import { beforeAll, describe, expect, it } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { random } from "../../src/base/random.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { EncoderRankings, Hit } from "../../src/domain/ranking.ts";
import { momentsOf, spreadOf } from "../../src/retrieval/moments.ts";
import { compareIds } from "../../src/retrieval/order.ts";
import { createRetriever } from "../../src/retrieval/service.ts";

const source = random(1, "hybrid");
const DOCUMENTS = 1400;
/** More than are searched at once. */
const QUERIES = 131;
const DIMENSIONS = 7;
const LISTED = 1000;
const words = ["red", "green", "blue", "fish", "tree", "moon", "salt", "tide", "cat", "dog"];
const drawn = (count: number) => Array.from({ length: count }, () => words[source.integer(words.length)] ?? "");
const documents = Array.from({ length: DOCUMENTS }, (_, i) => ({
  id: documentId(`d${i}`),
  title: "",
  text: drawn(1 + source.integer(6)).join(" "),
}));
// The last asks for a word that no document has.
const queries = Array.from({ length: QUERIES }, (_, i) => ({
  id: queryId(`q${i}`),
  text: i === QUERIES - 1 ? "zebra" : drawn(2).join(" "),
}));
const vectorsOf = (rows: number) => ({
  dimensions: DIMENSIONS,
  values: Float32Array.from({ length: rows * DIMENSIONS }, () => source.normal() + 0.5),
});
const [ofDocuments, ofQueries] = [vectorsOf(DOCUMENTS), vectorsOf(QUERIES)];
const row = ({ values }: { values: Float32Array }, i: number) => [
  ...values.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS),
];
const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, k) => sum + x * (b[k] ?? 0), 0);
const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
function deviation(numbers: readonly number[]): number {
  const middle = mean(numbers);
  return Math.sqrt(mean(numbers.map((x) => (x - middle) ** 2)));
}

/** Scores of all documents, best first as trec_eval has it; those of BM25 without the documents it gives nothing. */
interface Plain {
  readonly id: string;
  readonly score: number;
}
const sorted = (scored: readonly Plain[]) =>
  scored.toSorted((a, b) => Math.fround(b.score) - Math.fround(a.score) || compareIds(b.id, a.id));

describe("search by an encoder, alone and fused with BM25", () => {
  let found: EncoderRankings;
  let byWords: readonly (readonly Hit[])[];

  beforeAll(async () => {
    const retriever = createRetriever();
    const ids = documents.map(({ id }) => id);
    await finish(retriever.indexText({ documents }));
    await finish(retriever.indexVectors({ name: "after", ids, vectors: ofDocuments }));
    const input = { name: "after", queries, vectors: ofQueries, depth: 100 };
    found = await finish(retriever.searchFused(input));
    byWords = (await finish(retriever.searchText({ queries, depth: DOCUMENTS }))).map(({ hits }) => hits);
  });

  it.each([0, 1, 31, 32, 64, QUERIES - 1])("is that of the plain formulas (query %i)", (q) => {
    const near = sorted(documents.map(({ id }, d) => ({ id, score: product(row(ofQueries, q), row(ofDocuments, d)) })));
    const matching = sorted((byWords[q] ?? []).map((hit) => ({ id: hit.documentId, score: hit.score })));
    const lists = [matching.slice(0, LISTED), near.slice(0, LISTED)];
    const rankSum = new Map<string, number>();
    for (const list of lists) list.forEach(({ id }, i) => rankSum.set(id, (rankSum.get(id) ?? 0) + 1 / (60 + i + 1)));
    expectRanking(found.rrf[q]?.hits, rankSum);

    const scoreOf = new Map(matching.map(({ id, score }) => [id, score]));
    const all = [documents.map(({ id }) => scoreOf.get(id) ?? 0), near.map(({ score }) => score)] as const;
    const last = [matching.length < LISTED ? 0 : (matching[LISTED - 1]?.score ?? 0), near[LISTED - 1]?.score ?? 0];
    const zs = all.map((scores, i) => {
      const [middle, width] = [mean(scores), deviation(scores)];
      const listed = new Map(lists[i]?.map(({ id, score }) => [id, score]));
      return (id: string) => (width === 0 ? 0 : ((listed.get(id) ?? last[i] ?? 0) - middle) / width);
    });
    const zSum = new Map([...rankSum.keys()].map((id) => [id, mean(zs.map((z) => z(id)))]));
    expectRanking(found.zscore[q]?.hits, zSum);
    expect(found.alone[q]?.hits.map((hit) => hit.documentId)).toEqual(near.slice(0, 100).map(({ id }) => id));
  });

  it("gives every query its rankings, in order", () => {
    for (const rankings of Object.values(found)) {
      expect(rankings.map((ranking) => ranking.queryId)).toEqual(queries.map(({ id }) => id));
      expect(rankings.every(({ hits }) => hits.length === 100)).toBe(true);
    }
    // Without a word in common BM25 has no say.
    const documentsOf = (hits: readonly Hit[] = []) => hits.map((hit) => hit.documentId);
    expect(documentsOf(found.zscore[QUERIES - 1]?.hits)).toEqual(documentsOf(found.alone[QUERIES - 1]?.hits));
    expect(documentsOf(found.rrf[QUERIES - 1]?.hits)).toEqual(documentsOf(found.alone[QUERIES - 1]?.hits));
  });
});

/** The best hundred of `sums`, to rounding: those that round alike may stand in another order. */
function expectRanking(hits: readonly Hit[] = [], sums: ReadonlyMap<string, number>): void {
  const plain = sorted([...sums].map(([id, score]) => ({ id, score }))).slice(0, 100);
  expect(hits).toHaveLength(100);
  for (const [i, hit] of hits.entries()) {
    expect(hit.score).toBeCloseTo(plain[i]?.score ?? Number.NaN, 5);
    expect(hit.score).toBeCloseTo(sums.get(hit.documentId) ?? Number.NaN, 5);
  }
}

describe("the spread of inner products", () => {
  const made = <T>(work: Generator<unknown, T>): T => {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
    }
  };

  it("is that over all documents", () => {
    const moments = made(momentsOf(ofDocuments));
    for (const q of [0, 5, 77]) {
      const scores = documents.map((_, d) => product(row(ofQueries, q), row(ofDocuments, d)));
      const spread = spreadOf(moments, ofQueries.values.subarray(q * DIMENSIONS, (q + 1) * DIMENSIONS));
      expect(spread.mean).toBeCloseTo(mean(scores), 9);
      expect(spread.deviation).toBeCloseTo(deviation(scores), 9);
    }
  });

  it("is 0 where all documents are the same", () => {
    const moments = made(momentsOf({ dimensions: 2, values: Float32Array.of(0.1, 0.7, 0.1, 0.7, 0.1, 0.7) }));
    expect(spreadOf(moments, Float32Array.of(1, 1)).deviation).toBe(0);
  });

  it("is of documents from everywhere where they are many", () => {
    // 25,000 numbers 0, 1, … 24,999: mean 12,499.5, deviation 25,000 / √12.
    const values = Float32Array.from({ length: 25_000 }, (_, i) => i);
    const { mean: middle, deviation: width } = spreadOf(made(momentsOf({ dimensions: 1, values })), Float32Array.of(1));
    expect(Math.abs(middle - 12_499.5)).toBeLessThan(5);
    expect(width / (25_000 / Math.sqrt(12))).toBeCloseTo(1, 3);
  });
});
