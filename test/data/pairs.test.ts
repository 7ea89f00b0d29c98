import { expect, test } from "vitest";
import { importFiles, jsonl, reasons } from "./import.ts";

const read = (text: string) => importFiles({ "pairs.jsonl": text });

test("rows of query, positive and negatives become a collection", async () => {
  const { collection, summary } = await read(
    jsonl(
      { query: "otters?", positive: "They hold hands.", negatives: ["They fly.", { title: "T", text: "They hum." }] },
      { query: "foxes?", positive: [{ text: "They dig." }, "They hold hands."] },
    ),
  );
  expect(collection).toEqual({
    name: "pairs",
    documents: [
      { id: "d1", title: "", text: "They hold hands." },
      { id: "d2", title: "", text: "They fly." },
      { id: "d3", title: "T", text: "They hum." },
      { id: "d4", title: "", text: "They dig." },
    ],
    queries: [
      { id: "q1", text: "otters?" },
      { id: "q2", text: "foxes?" },
    ],
    judgements: {
      all: [
        { queryId: "q1", documentId: "d1", grade: 1 },
        { queryId: "q2", documentId: "d4", grade: 1 },
        { queryId: "q2", documentId: "d1", grade: 1 },
      ],
    },
    negatives: [
      { queryId: "q1", source: "given", title: "", text: "They fly." },
      { queryId: "q1", source: "given", title: "T", text: "They hum." },
    ],
  });
  expect(summary).toMatchObject({
    format: "JSONL of pairs",
    documents: 4,
    queries: 2,
    judgements: { all: 3 },
    negatives: 2,
  });
});

test.each([
  [{ anchor: "q", positive: "p" }, "JSONL of pairs (query from anchor)"],
  [{ query: "q", pos: ["p"], neg: ["n"] }, "JSONL of pairs (positive from pos; negatives from neg)"],
  [{ question: "q", answer: "p" }, "JSONL of pairs (query from question; positive from answer)"],
  [
    { anchor: "q", positive: "p", negative_10: "n", negative_2: "n2", negative_1: "n1", negative: null },
    "JSONL of pairs (query from anchor; negatives from negative_1, negative_2, negative_10)",
  ],
])("other names for the fields: %j", async (row, format) => {
  const { summary, collection } = await read(jsonl(row));
  expect(summary).toMatchObject({ format, queries: 1, rejected: 0 });
  expect(collection.queries[0]?.text).toBe("q");
  expect(collection.documents[0]?.text).toBe("p");
});

test("numbered negatives are read in the order of their numbers", async () => {
  const row = { anchor: "q", positive: "p", negative_10: "c", negative_2: "b", negative_1: "a" };
  expect((await read(jsonl(row))).collection.negatives.map(({ text }) => text)).toEqual(["a", "b", "c"]);
});

test("rows of the same query are one query", async () => {
  const { collection, summary } = await read(
    jsonl(
      { query: "q", positive: "p", negative: "n1" },
      { query: "q", positive: "p", negative: "n2" },
      { query: "q", positive: "p2" },
    ),
  );
  expect(summary).toMatchObject({ queries: 1, judgements: { all: 2 }, negatives: 2, rejected: 0 });
  expect(collection.negatives.map(({ text }) => text)).toEqual(["n1", "n2"]);
});

test("bad rows are told", async () => {
  const result = await read(
    jsonl(
      { query: "q", positive: "p", negatives: ["n"] },
      { query: "q", positive: "p" },
      { positive: "p" },
      { query: "q2" },
      { query: "", positive: "p" },
      { query: "q2", positive: "" },
      { query: "q2", positive: [] },
      { query: "q2", positive: 7 },
      { query: "q2", positive: "p", negatives: ["p"] },
      { query: "q", positive: "n" },
      { query: ["q2"], positive: "p" },
      { query: "q2", positive: "p", negative: "" },
    ) + "nothing\n",
  );
  expect(reasons(result).map((reason) => reason.replace("pairs.jsonl:", ""))).toEqual([
    "2 repeated row: the query and all its passages were given before, the query first on line 1",
    '3 no query: the row has "positive"; "query", "anchor" or "question" is needed',
    '4 no positive: the row has "query"; "positive", "pos" or "answer" is needed',
    '5 empty query: "query" is empty',
    '6 empty positive: "positive" has an empty passage; fill it or leave it out',
    '7 no positive: "positive" is an empty list',
    '8 positive is not text: "positive" must be a string, an object {"title", "text"}, or a list of these',
    '9 negative is also positive: "p" is the positive on line 9 and the negative on line 9 for the same query; keep one',
    '10 negative is also positive: "n" is the negative on line 1 and the positive on line 10 for the same query; keep one',
    '11 query is not text: "query" must be a string',
    '12 empty negative: "negative" has an empty passage; fill it or leave it out',
    expect.stringContaining("13 not a JSON object"),
  ]);
  expect(result.summary).toMatchObject({ queries: 1, documents: 2, rejected: 12 });
});
