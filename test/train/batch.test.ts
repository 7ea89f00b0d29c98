import { describe, expect, test } from "vitest";
import { roles, type ContrastiveBatch } from "../../src/domain/engine.ts";
import type { TrainingSet } from "../../src/domain/training.ts";
import { contrastiveBatch, packTexts } from "../../src/train/batch.ts";
import type { BatchConfig } from "../../src/train/candidates.ts";

const data: TrainingSet = {
  queries: ["q0", "q1"],
  documents: ["d0", "d1", "d2", "d0"],
  rows: [
    { query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" }] },
    { query: 1, positive: 2, negatives: [{ document: 3, source: "synthetic" }] },
  ],
};
/** "d2" → [100, 2]: tells texts and kinds apart. */
const tokenize = (text: string, kind: "query" | "document") => [kind === "query" ? 1 : 100, Number(text.slice(1))];

test("packs texts back to back", () => {
  const { tokenIds, cuSeqlens } = packTexts([[5], [6, 7, 8], [9]]);
  expect([...tokenIds]).toEqual([5, 6, 7, 8, 9]);
  expect([...cuSeqlens]).toEqual([0, 1, 4, 5]);
});

test("each query has its own positive first and its own negatives; equal texts are one text", () => {
  const batch = contrastiveBatch(data, data.rows, { inBatch: false, mask: true }, tokenize);
  // Texts in first-seen order: q0, q1, d0, d1, d2; the last row's negative is d0 again.
  expect([...batch.texts.tokenIds]).toEqual([1, 0, 1, 1, 100, 0, 100, 1, 100, 2]);
  expect([...batch.queries]).toEqual([0, 1]);
  expect([...batch.offsets]).toEqual([0, 2, 4]);
  expect([...batch.candidates]).toEqual([2, 3, 4, 2]);
});

test("with in-batch negatives the other rows' documents follow, in row order, each occurrence", () => {
  const batch = contrastiveBatch(data, data.rows, { inBatch: true, mask: false }, tokenize);
  expect([...batch.offsets]).toEqual([0, 4, 8]);
  expect([...batch.candidates]).toEqual([2, 3, 4, 2, 4, 2, 2, 3]);
});

test("masked, a query is not told that what answers it is wrong, nor the same thing twice", () => {
  const rows: TrainingSet["rows"] = [
    { query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" }] },
    { query: 1, positive: 2, negatives: [{ document: 1, source: "bm25" }] },
    { query: 2, positive: 4, negatives: [{ document: 3, source: "random" }] },
  ];
  // Document 3 is document 0's text once more; the fourth row, not in the batch, says that 4 answers query 0 too.
  const other = { query: 0, positive: 4, negatives: [] };
  const set = { queries: ["q0", "q1", "q2"], documents: ["d0", "d1", "d2", "d0", "d4"], rows: [...rows, other] };
  const batch = contrastiveBatch(set, rows, { inBatch: true, mask: true }, tokenize);
  // Texts: q0, q1, q2, d0 (3), d1 (4), d2 (5), d4 (6).
  const [first, second, third] = [0, 1, 2].map((b) =>
    Array.from(batch.candidates.subarray(batch.offsets[b], batch.offsets[b + 1])),
  );
  expect(first).toEqual([3, 4, 5]);
  expect(second).toEqual([5, 4, 3, 6]);
  expect(third).toEqual([6, 3, 4, 5]);
});

describe("documents that do not train", () => {
  const vectorOf = (text: string) => Float32Array.of(Number(text.slice(1)), 0.5);
  const fixed = { dimensions: 2, vectorOf };

  test("queries are the only texts; each distinct document is one row, counted from the last text on", () => {
    const batch = contrastiveBatch({ ...data, fixed }, data.rows, { inBatch: true, mask: true }, tokenize);
    expect([...batch.texts.tokenIds]).toEqual([1, 0, 1, 1]);
    expect([...batch.queries]).toEqual([0, 1]);
    // Rows d0 (2), d1 (3), d2 (4); the second query has d0 itself already.
    expect([...(batch.fixed ?? [])]).toEqual([0, 0.5, 1, 0.5, 2, 0.5]);
    expect([...batch.offsets]).toEqual([0, 3, 6]);
    expect([...batch.candidates]).toEqual([2, 3, 4, 4, 2, 3]);
  });

  test("the lists name the same documents as where these train", () => {
    for (const inBatch of [true, false]) {
      const config = { inBatch, mask: false };
      const usual = contrastiveBatch(data, data.rows, config, tokenize);
      const {
        texts,
        candidates,
        fixed: rows = new Float32Array(),
        ...rest
      } = contrastiveBatch({ ...data, fixed }, data.rows, config, tokenize);
      const S = texts.cuSeqlens.length - 1;
      const numbers = Array.from(candidates, (candidate) => rows[2 * (candidate - S)]);
      expect(numbers).toEqual(
        Array.from(usual.candidates, (s) => usual.texts.tokenIds[(usual.texts.cuSeqlens[s] ?? 0) + 1]),
      );
      expect(rest).toMatchObject({ queries: usual.queries, offsets: usual.offsets });
    }
  });

  test("a repeated query is one text all the same", () => {
    const twice = { ...data, rows: [...data.rows, ...data.rows] };
    const batch = contrastiveBatch({ ...twice, fixed }, twice.rows, { inBatch: false, mask: true }, tokenize);
    expect([...batch.queries]).toEqual([0, 1, 0, 1]);
    expect([...batch.candidates]).toEqual([2, 3, 4, 2, 2, 3, 4, 2]);
  });
});

test("a query with a document's words is another text: prefixes differ", () => {
  const same: TrainingSet = { queries: ["d0"], documents: ["d0"], rows: [{ query: 0, positive: 0, negatives: [] }] };
  expect(contrastiveBatch(same, same.rows, { inBatch: false, mask: true }, tokenize).texts.cuSeqlens).toHaveLength(3);
});

/** Each query's list as names of texts: "q0: d0 d1". */
function listsIn({ texts, queries, offsets, candidates }: ContrastiveBatch): string[] {
  const name = (s = -1) => {
    const [kind, number] = texts.tokenIds.slice(texts.cuSeqlens[s], texts.cuSeqlens[s + 1]);
    return `${kind === 1 ? "q" : "d"}${number}`;
  };
  return Array.from(
    queries,
    (query, b) => `${name(query)}: ${Array.from(candidates.slice(offsets[b], offsets[b + 1]), name).join(" ")}`,
  );
}
const listsBy = (set: TrainingSet, config: BatchConfig, rows = set.rows) =>
  listsIn(contrastiveBatch(set, rows, config, tokenize));

describe("symmetric", () => {
  const rows: TrainingSet["rows"] = [
    { query: 0, positive: 0, negatives: [] },
    { query: 1, positive: 1, negatives: [] },
    { query: 0, positive: 2, negatives: [] },
    { query: 2, positive: 3, negatives: [] },
  ];
  // Document 3 is document 0's text once more; the fifth row, not in the batch, says that document 1 answers query 2.
  const set: TrainingSet = {
    queries: ["q0", "q1", "q2"],
    documents: ["d0", "d1", "d2", "d0"],
    rows: [...rows, { query: 2, positive: 1, negatives: [] }],
  };

  test("each row's answer has its query first, then the other rows' queries, each once, that it does not answer", () => {
    const lists = listsBy(set, { inBatch: true, mask: true, symmetric: true }, rows);
    expect(lists.slice(0, 4)).toEqual(listsBy(set, { inBatch: true, mask: true }, rows));
    expect(lists.slice(4)).toEqual(["d0: q0 q1", "d1: q1 q0", "d2: q0 q1 q2", "d0: q2 q1"]);
  });

  test("unmasked it has every other row's query", () => {
    const lists = listsBy(set, { inBatch: true, mask: false, symmetric: true }, rows);
    expect(lists.slice(4)).toEqual(["d0: q0 q1 q0 q2", "d1: q1 q0 q0 q2", "d2: q0 q0 q1 q2", "d0: q2 q0 q1 q0"]);
  });
});

describe("by a guide", () => {
  // The guide's score of query q and document d is the cosine in the plane: queries at 0° and 90°.
  const degrees = (angles: readonly number[]) => ({
    dimensions: 2,
    values: Float32Array.from(
      angles.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
    ),
  });
  const set: TrainingSet = {
    queries: ["q0", "q1"],
    documents: ["d0", "d1", "d2", "d3"],
    rows: [
      {
        query: 0,
        positive: 0,
        negatives: [
          { document: 2, source: "bm25" },
          { document: 3, source: "synthetic" },
        ],
      },
      { query: 1, positive: 1, negatives: [] },
    ],
    guide: { queries: degrees([0, 90]), documents: degrees([40, 50, 30, 60]) },
  };
  const gist = (strategy: "absolute" | "relative", margin: number, more: Partial<BatchConfig> = {}) =>
    listsBy(set, { inBatch: true, mask: true, gist: { strategy, margin }, ...more });

  test("negatives that score above the positive less the margin are left out, own and in-batch ones; the positive never", () => {
    // q0: its positive .766; d2 .866, d3 .5, d1 .643. q1: its positive .766; d0 .643, d2 .5, d3 .866.
    expect(gist("absolute", 0)).toEqual(["q0: d0 d3 d1", "q1: d1 d0 d2"]);
    expect(gist("absolute", 0.2)).toEqual(["q0: d0 d3", "q1: d1 d2"]);
    expect(gist("relative", 0.2)).toEqual(["q0: d0 d3", "q1: d1 d2"]);
    expect(gist("relative", 0.1)).toEqual(["q0: d0 d3 d1", "q1: d1 d0 d2"]);
    expect(gist("absolute", 2)).toEqual(["q0: d0", "q1: d1"]);
  });

  test("of a symmetric loss queries too: both of the other's query score .643", () => {
    expect(gist("absolute", 0, { symmetric: true }).slice(2)).toEqual(["d0: q0 q1", "d1: q1 q0"]);
    expect(gist("absolute", 0.2, { symmetric: true }).slice(2)).toEqual(["d0: q0", "d1: q1"]);
  });

  test("a score below zero is not loosened by a relative margin", () => {
    const far = { ...set, guide: { queries: degrees([0, 0]), documents: degrees([120, 120, 121, 119]) } };
    // The positive has −.5, so that −.55 is the limit: d2 has −.515.
    const by = { inBatch: false, mask: true, gist: { strategy: "relative", margin: 0.1 } } as const;
    expect(listsBy(far, by)[0]).toBe("q0: d0");
  });

  test("MarginMSE's targets are its scores, times the scale, for in-batch negatives too", () => {
    const config = { inBatch: true, mask: true, loss: "marginMSE", marginScale: 10 } as const;
    const batch = contrastiveBatch(set, set.rows, config, tokenize);
    expect(listsIn(batch)[0]).toBe("q0: d0 d2 d3 d1");
    expect([...(batch.targets ?? [])].slice(0, 4).map((target) => Number(target.toFixed(2)))).toEqual([
      7.66, 8.66, 5, 6.43,
    ]);
    expect(batch.targets).toHaveLength(batch.candidates.length);
    const { guide: _guide, ...without } = set;
    expect(() => contrastiveBatch(without, set.rows, config, tokenize)).toThrow("the guide's vectors");
  });

  test("roles: own negatives by their origin, and those that hardness is on", () => {
    const { found, written, hardened } = roles;
    const of = (more: Partial<BatchConfig>) => {
      const batch = contrastiveBatch(set, set.rows, { inBatch: true, mask: true, ...more }, tokenize);
      return batch.roles && [...batch.roles];
    };
    // q0: d0 d2 (found) d3 (written) d1 (of the other row); q1: d1 and the other row's d0 d2 d3.
    const own = [0, found, written, 0, 0, 0, 0, 0];
    expect(of({ entropy: { weight: 1, temperature: 1 } })).toEqual(own);
    const harder = (on: "all" | "own" | "written") => of({ hardness: { alpha: 1, on } });
    const plus = (bits: readonly number[]) => own.map((role, p) => role + (bits[p] ?? 0) * hardened);
    expect(harder("all")).toEqual(plus([0, 1, 1, 1, 0, 1, 1, 1]));
    expect(harder("own")).toEqual(plus([0, 1, 1]));
    expect(harder("written")).toEqual(plus([0, 0, 1]));
    expect(of({ hardness: { alpha: 1, on: "own" }, symmetric: true })).toEqual([...plus([0, 1, 1]), 0, 0, 0, 0]);
    expect(of({})).toBeUndefined();
  });
});
