import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Document, Query } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { buildBm25, searchBm25, type Bm25Index } from "../../src/retrieval/bm25.ts";
import { last } from "./last.ts";

const document = (id: string, text: string, title = ""): Document => ({ id: documentId(id), title, text });
const query = (text: string): Query => ({ id: queryId("q"), text });
const index = (documents: readonly Document[]): Bm25Index => last(buildBm25(documents));

function search(documents: readonly Document[], text: string, depth = 10): [string, number][] {
  const [ranking] = last(searchBm25(index(documents), { queries: [query(text)], depth }));
  return (ranking?.hits ?? []).map((hit) => [hit.documentId, hit.score]);
}

const fishes = [
  document("a", "fish", "red fish"),
  document("b", "The blue fish"),
  document("c", "green"),
  document("e", ""),
];

describe("BM25", () => {
  it("scores as the formula on paper", () => {
    // e has no term, so N = 3 and avgdl = (3 + 2 + 1) / 3 = 2.
    // idf(fish) = ln(1 + (3 − 2 + .5) / (2 + .5)) = ln 1.6 = .4700036; idf(red) = ln(1 + 2.5 / 1.5) = ln 2.6667 = .9808293
    // a: dl 3, norm .9 · (.6 + .4 · 3/2) = 1.08; fish .4700036 · 2 / 3.08 = .3051972; red .9808293 · 1 / 2.08 = .4715525
    // b: dl 2, norm .9 · (.6 + .4 · 2/2) = .9;   fish .4700036 · 1 / 1.9 = .2473703
    const hits = search(fishes, "red fish");
    expect(hits.map(([id]) => id)).toEqual(["a", "b"]);
    expect(hits[0]?.[1]).toBeCloseTo(0.3051972 + 0.4715525, 6);
    expect(hits[1]?.[1]).toBeCloseTo(0.2473703, 6);
  });

  it("counts a term as often as the query has it", () => {
    expect(search(fishes, "fish, fishes")[1]?.[1]).toBeCloseTo(2 * 0.2473703, 6);
  });

  it("sums up the index", () => {
    expect(index(fishes).summary).toEqual({ documents: 4, terms: 4, averageLength: 2 });
  });

  it("finds nothing for unknown words, stop words, an empty query or an empty collection", () => {
    for (const text of ["zebra", "the", ""]) expect(search(fishes, text)).toEqual([]);
    expect(search([], "fish")).toEqual([]);
    expect(search([document("e", "")], "fish")).toEqual([]);
  });

  it("does not carry scores from one query to the next", () => {
    const queries = ["red fish", "zebra", "red fish", "green"].map(query);
    const rankings = last(searchBm25(index(fishes), { queries, depth: 10 }));
    expect(rankings[2]).toEqual(rankings[0]);
    expect(rankings[1]?.hits).toEqual([]);
    expect(rankings[3]?.hits.map((hit) => hit.documentId)).toEqual(["c"]);
  });

  it("breaks ties by id descending, also at the cut", () => {
    const same = ["d9", "d10", "d2", "d1"].map((id) => document(id, "same words"));
    expect(search(same, "words").map(([id]) => id)).toEqual(["d9", "d2", "d10", "d1"]);
    expect(search(same, "words", 2).map(([id]) => id)).toEqual(["d9", "d2"]);
  });

  it("agrees with a direct sum over any small collection", () => {
    const word = fc.constantFrom("ant", "bee", "cat", "dog", "eel");
    const text = fc.array(word, { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), text, (texts, words) => {
        const documents = texts.map((terms, i) => document(`d${i}`, terms.join(" ")));
        const found = new Map(search(documents, words.join(" "), documents.length));
        texts.forEach((terms, i) => expect(found.get(`d${i}`) ?? 0).toBeCloseTo(directScore(texts, terms, words), 5));
      }),
    );
  });

  it("reports up to the last document and the last query", () => {
    const many = Array.from({ length: 600 }, (_, i) => document(`d${i}`, `word${i} common`));
    expect([...buildBm25(many)].map(({ done }) => done)).toEqual([250, 500, 600]);
    const reports = [...searchBm25(index(many), { queries: [query("common"), query("word7")], depth: 5 })];
    expect(reports.at(-1)).toEqual({ done: 2, total: 2, unit: "queries" });
  });
});

/** The formula with nothing precomputed. */
function directScore(texts: readonly string[][], terms: readonly string[], words: readonly string[]): number {
  const lengths = texts.map(({ length }) => length).filter((length) => length > 0);
  const averageLength = lengths.reduce((a, b) => a + b, 0) / lengths.length;
  const ofWord = (word: string): number => {
    const tf = terms.filter((term) => term === word).length;
    const df = texts.filter((other) => other.includes(word)).length;
    const idf = Math.log(1 + (lengths.length - df + 0.5) / (df + 0.5));
    return tf === 0 ? 0 : (idf * tf) / (tf + 0.9 * (0.6 + (0.4 * terms.length) / averageLength));
  };
  return words.reduce((sum, word) => sum + ofWord(word), 0);
}
