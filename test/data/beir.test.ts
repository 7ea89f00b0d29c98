import { expect, test } from "vitest";
import type { Files } from "./import.ts";
import { importFiles, jsonl, reasons, sound } from "./import.ts";

const withFiles = (files: Files) => importFiles({ ...sound, ...files });

test("a BEIR folder", async () => {
  const { collection, summary, rejected } = await importFiles(sound);
  expect(collection).toEqual({
    name: "tiny",
    documents: [
      { id: "d1", title: "Otters", text: "Otters hold hands." },
      { id: "d2", title: "", text: "Foxes dig dens." },
      { id: "3", title: "Owls", text: "" },
    ],
    queries: [
      { id: "q1", text: "Do otters hold hands?" },
      { id: "q2", text: "Where do foxes live?" },
    ],
    judgements: {
      test: [
        { queryId: "q1", documentId: "d1", grade: 2 },
        { queryId: "q1", documentId: "3", grade: 0 },
      ],
      train: [{ queryId: "q2", documentId: "d2", grade: 1 }],
    },
    negatives: [],
  });
  expect(summary).toMatchObject({
    format: "BEIR folder",
    documents: 3,
    queries: 2,
    judgements: { train: 1, test: 2 },
    negatives: 0,
    leaks: { test: { queries: 1, sharedDocument: 0, nearCopy: 0, clean: 1 } },
    rejected: 0,
  });
  expect(rejected).toEqual([]);
  // By name, whatever the order of the files was.
  expect(Object.keys(collection.judgements)).toEqual(["test", "train"]);
});

test("the same at the top, with backslashes, and under a long prefix", async () => {
  const { summary } = await importFiles(sound);
  for (const prefix of ["", "a/b/c/", "data\\tiny\\", "./"]) {
    const moved = Object.entries(sound).map(([path, text]) => [path.replace("tiny/", prefix), text] as const);
    expect((await importFiles(Object.fromEntries(moved))).summary.digest).toBe(summary.digest);
  }
});

test("the name is meta.json's where there is one", async () => {
  expect((await withFiles({ "tiny/meta.json": '{"name": " Small animals "}' })).collection.name).toBe("Small animals");
  const bad = await withFiles({ "tiny/meta.json": '{"name": 3}' });
  expect(bad.collection.name).toBe("tiny");
  expect(reasons(bad)).toEqual([expect.stringContaining("tiny/meta.json:0 no name: meta.json must be one object")]);
});

test("qrels of the Hugging Face copies: JSON lines, and 1.0 for 1", async () => {
  const { "tiny/qrels/test.tsv": _, ...rest } = sound;
  const read = await importFiles({
    ...rest,
    "tiny/qrels/test.jsonl": jsonl(
      { "query-id": "q1", "corpus-id": "d1", score: 1 },
      { "query-id": "q1", "corpus-id": 3, score: 0 },
    ),
    "tiny/qrels/train.tsv": "q2\td2\t1.0\n",
  });
  expect(read.summary).toMatchObject({
    format: "BEIR folder (qrels as JSONL)",
    judgements: { test: 2, train: 1 },
    rejected: 0,
  });
});

test("qrels in TREC's four columns, by spaces, without header, with a negative grade", async () => {
  const read = await withFiles({ "tiny/qrels/test.tsv": "q1 0 d1 1\nq1 0 d2 -1\n" });
  expect(read.collection.judgements["test"]).toEqual([
    { queryId: "q1", documentId: "d1", grade: 1 },
    { queryId: "q1", documentId: "d2", grade: -1 },
  ]);
  expect(read.summary.rejected).toBe(0);
});

test("each bad row of the corpus is told with its line, and the good ones are read", async () => {
  const read = await withFiles({
    "tiny/corpus.jsonl":
      sound["tiny/corpus.jsonl"] +
      '{"_id": "d1", "text": "again"}\n' +
      '{"_id": "e1", "title": "", "text": "  "}\n' +
      '{"_id": "e2"}\n{"_id": "e3", "text": 5}\n{"text": "no id"}\n{"_id": " ", "text": "x"}\n' +
      '{"_id": 12345678901234567890, "text": "x"}\n{"_id": true, "text": "x"}\n' +
      '["a list"]\n{"_id": "e4", "text": "x",}\n{"_id": "e5", "text": "x", "title": ["y"]}\nrubbish\n',
  });
  expect(reasons(read)).toEqual([
    'tiny/corpus.jsonl:4 repeated document id: "d1" was taken on line 1 already; the first one is kept',
    "tiny/corpus.jsonl:5 empty document: title and text are both empty",
    'tiny/corpus.jsonl:6 no text: "text" is missing; it must be a string',
    'tiny/corpus.jsonl:7 text is not text: "text" is a number and must be a string',
    'tiny/corpus.jsonl:8 no id: "_id" is missing; give every row one',
    'tiny/corpus.jsonl:9 empty id: "_id" is empty; give every row its own',
    expect.stringContaining("tiny/corpus.jsonl:10 id is not exact"),
    expect.stringContaining("tiny/corpus.jsonl:11 id is not text"),
    expect.stringContaining("tiny/corpus.jsonl:12 not a JSON object"),
    expect.stringContaining("tiny/corpus.jsonl:13 not valid JSON"),
    expect.stringContaining("tiny/corpus.jsonl:14 title is not text"),
    expect.stringContaining("tiny/corpus.jsonl:15 not a JSON object"),
  ]);
  expect(read.rejected[11]?.excerpt).toBe("rubbish");
  expect(read.summary).toMatchObject({ documents: 3, rejected: 12 });
});

test("bad queries, and queries that no split judges, are left out and told", async () => {
  const read = await withFiles({
    "tiny/queries.jsonl": `${sound["tiny/queries.jsonl"]}${jsonl({ _id: "q1", text: "again" }, { _id: "q8", text: " " }, { _id: "q9", text: "Why?" })}`,
  });
  expect(reasons(read)).toEqual([
    'tiny/queries.jsonl:3 repeated query id: "q1" was taken on line 1 already; the first one is kept',
    "tiny/queries.jsonl:4 empty query: its text is empty",
    "tiny/queries.jsonl:5 query has no relevant document: no split judges it, so it can be neither trained on nor measured",
  ]);
  expect(read.rejected[2]?.excerpt).toBe("Why?");
  expect(read.collection.queries.map(({ id }) => id)).toEqual(["q1", "q2"]);
});

test("a query that a split judges is kept, even if nothing is relevant to it", async () => {
  const read = await withFiles({ "tiny/qrels/test.tsv": "q1\td1\t0\n" });
  expect(read.summary).toMatchObject({ queries: 2, rejected: 0 });
});

test("bad judgements", async () => {
  const read = await withFiles({
    "tiny/qrels/test.tsv": `${sound["tiny/qrels/test.tsv"]}q1\td1\t0\nq7\td1\t1\nq1\td7\t1\nq1\td2\thigh\nq1\td2\t0.5\nq1\td2\t\nq1\td2\nq1\td2\t0x1\nquery-id\tcorpus-id\tscore\n`,
  });
  expect(reasons(read).map((reason) => reason.replace("tiny/qrels/test.tsv:", ""))).toEqual([
    '4 repeated judgement: query "q1" and document "d1" were judged on line 2 already (grade 2); the first one is kept',
    '5 unknown query: "q7" is not among the queries that were read',
    '6 unknown document: "d7" is not among the documents that were read',
    '7 grade is not a whole number: "high" must be 0, 1, 2, …',
    '8 grade is not a whole number: "0.5" must be 0, 1, 2, …',
    "9 wrong number of columns: 2 columns, separated by tabs or spaces, where query, document and grade are needed",
    "10 wrong number of columns: 2 columns, separated by tabs or spaces, where query, document and grade are needed",
    '11 grade is not a whole number: "0x1" must be 0, 1, 2, …',
    '12 grade is not a whole number: "score" must be 0, 1, 2, …',
  ]);
});

test("the same judgement may stand in two splits", async () => {
  const read = await withFiles({ "tiny/qrels/dev.tsv": "q1\td1\t1\n" });
  expect(read.summary).toMatchObject({ judgements: { dev: 1, test: 2, train: 1 }, rejected: 0 });
});

test("says how many queries of each split training gives away, and nothing where there is no training split", async () => {
  const read = await withFiles({ "tiny/qrels/dev.tsv": "q1\td2\t1\n" });
  expect(read.summary.leaks).toEqual({
    dev: { queries: 1, sharedDocument: 1, nearCopy: 0, clean: 0 },
    test: { queries: 1, sharedDocument: 0, nearCopy: 0, clean: 1 },
  });
  const { "tiny/qrels/train.tsv": _, ...untrained } = sound;
  expect((await importFiles(untrained)).summary).not.toHaveProperty("leaks");
});

test("negatives that were written for a query", async () => {
  const reasoning = { positive: "p", shares: "s", lacks: "l" };
  const read = await withFiles({
    "tiny/negatives.jsonl": jsonl(
      { queryId: "q1", text: "Otters swim.", reasoning, attributes: { domain: "zoology" }, model: "m", recipe: "r" },
      { queryId: "q2", source: "human", title: "Dens", text: "Wolves dig dens." },
      { queryId: "q7", text: "x" },
      { queryId: "q1", text: " " },
      { queryId: "q1", text: "Otters swim." },
      { queryId: "q1", text: "x", source: "bm25" },
      { queryId: "q1", text: "x", reasoning: { positive: "p" } },
      { queryId: "q1", text: "x", attributes: { length: 3 } },
      { queryId: "q1", text: "x", model: 3 },
    ),
  });
  expect(read.collection.negatives).toEqual([
    {
      queryId: "q1",
      source: "synthetic",
      title: "",
      text: "Otters swim.",
      reasoning,
      attributes: { domain: "zoology" },
      model: "m",
      recipe: "r",
    },
    { queryId: "q2", source: "human", title: "Dens", text: "Wolves dig dens." },
  ]);
  expect(read.rejected.map(({ line, reason }) => [line, reason.split(":")[0]])).toEqual([
    [3, "unknown query"],
    [4, "empty negative"],
    [5, "repeated negative"],
    [6, "unknown source"],
    [7, "reasoning is not valid"],
    [8, "attributes are not valid"],
    [9, "model is not text"],
  ]);
});

test("keys and names that mean something to JavaScript mean nothing here", async () => {
  const read = await importFiles({
    "corpus.jsonl":
      '{"_id": "__proto__", "text": "a"}\n{"_id": "constructor", "text": "b", "__proto__": {"title": "polluted"}}\n' +
      '{"__proto__": {"_id": "x", "text": "y"}}\n',
    "queries.jsonl": jsonl({ _id: "toString", text: "q" }),
    "qrels/__proto__.tsv": "toString\t__proto__\t1\n",
    "negatives.jsonl": '{"queryId": "toString", "text": "n", "attributes": {"__proto__": "p", "constructor": "c"}}\n',
  });
  expect(read.collection.documents).toEqual([
    { id: "__proto__", title: "", text: "a" },
    { id: "constructor", title: "", text: "b" },
  ]);
  expect(Object.keys(read.collection.judgements)).toEqual(["__proto__"]);
  expect(Object.keys(read.collection.negatives[0]?.attributes ?? {})).toEqual(["__proto__", "constructor"]);
  expect(reasons(read)).toEqual(['corpus.jsonl:3 no id: "_id" is missing; give every row one']);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  expect("title" in {}).toBe(false);
});

test("data files that belong to nothing are named; others and system files are not", async () => {
  const read = await withFiles({
    "tiny/README.md": "#",
    "tiny/.DS_Store": "x",
    "__MACOSX/tiny/._corpus.jsonl": "x",
    "__MACOSX/tiny/extra.jsonl": "x",
    "tiny/extra.jsonl": "{}",
    "tiny/qrels/test.jsonl": "{}",
  });
  expect(reasons(read)).toEqual([
    "tiny/extra.jsonl:0 not read: this file belongs to no part of the collection that was recognised",
    "tiny/qrels/test.jsonl:0 not read: this file belongs to no part of the collection that was recognised",
  ]);
});
