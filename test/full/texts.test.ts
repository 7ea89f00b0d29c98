/** Texts from 1 to 512 tokens, batches from one text to thousands, and batches that nobody would make on purpose. */
import { batchOf, familyNames, shapeOf, textsOf, type Batch, type Case, type FamilyName } from "./case.ts";
import { matrix } from "./matrix.ts";

const sizes = { layers: 2, hidden: 32, heads: 2, window: 5 };

function caseOf(name: string, family: FamilyName, batch: Batch, pooling: Case["pooling"] = "mean"): Case {
  const longest = Math.max(...batch.texts.map((text) => text.length));
  return { name: `${family}, ${name}`, family, pooling, batch, shape: shapeOf(family, { ...sizes, longest }) };
}

/** One below, at and above the sizes of tiles and blocks. */
const borders = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512];

matrix(
  "lengths",
  familyNames.flatMap((family) => [
    caseOf("1 to 512 tokens", family, batchOf(borders, { queries: 5, negatives: 3, inBatch: false })),
    caseOf("all of 512", family, batchOf([512], { queries: 1, negatives: 2, inBatch: false })),
    caseOf("all of 1", family, batchOf([1], { queries: 3, negatives: 1, inBatch: true })),
  ]),
);

/** Lists of texts by hand. */
const given = (lengths: readonly number[], groups: Batch["groups"], inBatch = false): Batch => ({
  texts: textsOf(lengths),
  groups,
  inBatch,
});

const odd: readonly (readonly [string, Batch])[] = [
  ["one query with one candidate", given([7, 12], [{ query: 0, positive: 1, negatives: [] }])],
  ["one query with its positive and a negative", given([7, 12, 1], [{ query: 0, positive: 1, negatives: [2] }])],
  ["the query is its own positive", given([7, 12], [{ query: 0, positive: 0, negatives: [1] }])],
  ["one text and nothing else", given([9], [{ query: 0, positive: 0, negatives: [0] }])],
  [
    "queries are one another's candidates",
    given(
      [7, 12, 3],
      [
        { query: 0, positive: 1, negatives: [2, 0] },
        { query: 1, positive: 2, negatives: [0] },
        { query: 2, positive: 0, negatives: [1] },
      ],
      true,
    ),
  ],
  [
    "a candidate of all queries, twice of one",
    given(
      [3, 4, 5, 20, 6, 7, 8],
      [0, 1, 2].map((query) => ({ query, positive: 4 + query, negatives: query === 1 ? [3, 3] : [3] })),
      true,
    ),
  ],
  [
    "the same words in many texts",
    {
      ...batchOf([6], { queries: 3, negatives: 2, inBatch: true }),
      texts: Array.from({ length: 12 }, () => [5, 6, 5, 5, 7, 5]),
    },
  ],
  ["a text that nobody asks for", given([7, 12, 30, 4], [{ query: 0, positive: 1, negatives: [3] }])],
  ["one query with 300 candidates", batchOf([5, 2, 9], { queries: 1, negatives: 299, inBatch: false })],
  ["64 queries, each a candidate's list of all", batchOf([4, 3, 6, 1], { queries: 64, negatives: 0, inBatch: true })],
];

matrix(
  "odd batches",
  (["bert", "mpnet", "modernbert", "static"] as const).flatMap((family, i) =>
    odd.map(([name, batch], k) => caseOf(name, family, batch, family !== "static" && (i + k) % 2 ? "cls" : "mean")),
  ),
);

matrix(
  "many texts",
  (["bert", "mpnet", "modernbert", "static"] as const).flatMap((family) => [
    caseOf(
      "2,000 of 2 tokens",
      family,
      batchOf([2], { queries: 400, negatives: 3, inBatch: false }),
      family === "bert" ? "cls" : "mean",
    ),
    caseOf("1,200 of 1 to 5 tokens", family, batchOf([1, 5, 2, 4, 3], { queries: 300, negatives: 2, inBatch: false })),
  ]),
);
