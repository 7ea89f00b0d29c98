import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { compareHits } from "../../src/retrieval/order.ts";
import { readRun, UnreadableRun, UnwritableRun, writeRun } from "../../src/retrieval/trec.ts";

const ranking = (query: string, hits: readonly (readonly [string, number])[]): Ranking => ({
  queryId: queryId(query),
  hits: hits.map(([document, score]) => ({ documentId: documentId(document), score })),
});

describe("TREC runs", () => {
  it("are written best first, with ranks from 1", () => {
    const run = writeRun([ranking("q1", [["a", 1], ["c", 2.5], ["b", 1]]), ranking("q2", []), ranking("q3", [["a", -1e-7]])], "bm25"); // prettier-ignore
    expect(run).toBe("q1 Q0 c 1 2.5 bm25\nq1 Q0 b 2 1 bm25\nq1 Q0 a 3 1 bm25\nq3 Q0 a 1 -1e-7 bm25\n");
  });

  it("are cut at 100 hits, or where asked", () => {
    const many = ranking(
      "q",
      Array.from({ length: 150 }, (_, i) => [`d${i}`, i] as const),
    );
    expect(writeRun([many], "x").trimEnd().split("\n")).toHaveLength(100);
    expect(writeRun([many], "x", 2)).toBe("q Q0 d149 1 149 x\nq Q0 d148 2 148 x\n");
  });

  it("come back as they were, scores to the last bit", () => {
    const hits = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^\S{1,5}$/), fc.float({ noNaN: true, noDefaultInfinity: true })),
      {
        selector: ([id]) => id,
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(hits, (found) => {
        const { queryId, hits } = ranking("q", found);
        const written = { queryId, hits: hits.map((hit) => ({ ...hit, score: hit.score + 0 })).sort(compareHits) };
        expect(readRun(writeRun([written], "x"))).toEqual([written]);
      }),
    );
  });

  it("are read by score, not by rank, with tabs, CRLF, a byte order mark and empty lines", () => {
    const run = "\uFEFFq1\tQ0\ta\t1\t1.5\tx\r\nq2 Q0 a 1 3 x\r\n\r\nq1  Q0 b 2 2e0 x";
    expect(readRun(run)).toEqual([ranking("q1", [["b", 2], ["a", 1.5]]), ranking("q2", [["a", 3]])]); // prettier-ignore
    expect(readRun("")).toEqual([]);
  });

  it("say which line is wrong", () => {
    const attempt = (text: string) => () => readRun(text);
    expect(attempt("q Q0 a 1 2 x\nq Q0 a 1 2")).toThrow(UnreadableRun);
    expect(attempt("q Q0 a 1 2 x\nq Q0 a 1 2")).toThrow("Line 2 has 5 columns");
    expect(attempt("q Q0 a 1 high x")).toThrow('the score "high"');
    expect(attempt("q Q0 a 1 2 x\nq Q0 a 2 1 x")).toThrow("Line 2 names document a for query q a second time");
  });

  it("cannot hold white space in an id or in the tag", () => {
    expect(() => writeRun([ranking("q 1", [["a", 1]])], "x")).toThrow(UnwritableRun);
    expect(() => writeRun([ranking("q", [["a b", 1]])], "x")).toThrow('The document id "a b"');
    expect(() => writeRun([ranking("q", [["", 1]])], "x")).toThrow("is empty");
    expect(() => writeRun([], "my run")).toThrow("tag");
  });
});
