/** A tiny collection in words that the tiny encoder knows: 14 documents, 8 queries, judged in train and test. */
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";

const sentences = [
  "the cat sat on the mat",
  "the dog ran on the mat",
  "the cat ran on the sea",
  "the dog sat on the salt",
  "salt sea tide",
  "moon tide sea",
  "the moon sat on the sea",
  "cat dog moon",
  "salt on the mat",
  "tide ran on the salt",
  "the mat sat on the cat",
  "moon salt tide cat",
  "dog sea mat",
  "the tide sat",
];
const queries: readonly (readonly [text: string, document: number])[] = [
  ["cat mat", 0],
  ["dog ran", 1],
  ["salt sea", 4],
  ["moon tide", 5],
  ["cat sea", 2],
  ["dog salt", 3],
  ["salt mat", 8],
  ["tide salt", 9],
];
const judged = (from: number, to: number) =>
  queries
    .slice(from, to)
    .map(([, document], i) => ({ queryId: queryId(`q${from + i}`), documentId: documentId(`d${document}`), grade: 1 }));

export const tinyCollection: Collection = {
  name: "tiny",
  documents: sentences.map((text, i) => ({ id: documentId(`d${i}`), title: "", text })),
  queries: queries.map(([text], i) => ({ id: queryId(`q${i}`), text })),
  judgements: { train: judged(0, 4), test: judged(4, 8) },
  negatives: [
    {
      queryId: queryId("q0"),
      source: "synthetic",
      title: "",
      text: "the cat ran on the tide",
      reasoning: { positive: "it has the mat", shares: "the cat", lacks: "the mat" },
    },
  ],
};
