import { describe, expect, it } from "vitest";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { readRun, UnreadableRun } from "../../src/retrieval/trec.ts";

const ranking = (query: string, hits: readonly (readonly [string, number])[]): Ranking => ({
  queryId: queryId(query),
  hits: hits.map(([document, score]) => ({ documentId: documentId(document), score })),
});

describe("TREC runs", () => {
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
});
