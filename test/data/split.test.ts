import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Judgement } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { nearCopies, nearlyEqual, wordsOf } from "../../src/data/nearcopies.ts";
import { UnknownSplit, chooseSplits, findLeaks, leakReport, splitJudgements } from "../../src/data/split.ts";

const judgement = (query: number, document: number, grade = 1): Judgement => ({
  queryId: queryId(`q${query}`),
  documentId: documentId(`d${document}`),
  grade,
});

/** As many queries, each with a document of its own. */
const apart = (queries: number) => Array.from({ length: queries }, (_, i) => judgement(i, i));

const countQueries = (judgements: readonly Judgement[] = []) => new Set(judgements.map((one) => one.queryId)).size;

test("one split is divided 80 : 20 by query, and by the seed alone", () => {
  const collection = { judgements: { all: apart(50) } };
  const { judgements, note } = splitJudgements(collection, 7);
  expect([countQueries(judgements["train"]), countQueries(judgements["test"])]).toEqual([40, 10]);
  expect(note).toBe(
    'The only split, "all", was divided by query: 40 to train on and 10 to measure, of 50 queries. Queries that share a relevant document are on the same side.',
  );
  expect(splitJudgements(collection, 7)).toEqual(splitJudgements(collection, 7));
  expect(splitJudgements(collection, 8).judgements).not.toEqual(judgements);
});

test("nothing is lost, and no relevant document is on both sides", () => {
  const pairs = fc.array(fc.tuple(fc.nat(8), fc.nat(8), fc.integer({ min: -1, max: 2 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(pairs, fc.nat(), (rows, seed) => {
      const all = rows.map(([query, document, grade]) => judgement(query, document, grade));
      const { judgements } = splitJudgements({ judgements: { train: all } }, seed);
      const { train = [], test: held = [] } = judgements;
      expect(train.length + held.length).toBe(all.length);
      expect(held.length).toBeGreaterThan(0);
      const gold = new Set(train.filter(({ grade }) => grade > 0).map((one) => one.documentId));
      expect(held.some(({ documentId: id, grade }) => grade > 0 && gold.has(id))).toBe(false);
      const trained = new Set(train.map((one) => one.queryId));
      expect(held.some((one) => trained.has(one.queryId))).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

test("queries that hang together through others stay together", () => {
  const chain = [
    judgement(1, 1),
    judgement(2, 1),
    judgement(2, 2),
    judgement(3, 2),
    judgement(4, 4),
    judgement(5, 3, 0),
    judgement(1, 3, 0),
  ];
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { judgements } = splitJudgements({ judgements: { all: chain } }, seed);
    const held = new Set(judgements["test"]?.map((one) => one.queryId));
    expect(held.size).toBe(1);
    for (const id of held) seen.add(id);
  }
  // q5 shares a document with q1, but one that answers neither.
  expect(seen).toEqual(new Set(["q4", "q5"]));
});

test("where all queries hang together, all are measured and none trained on", () => {
  const { judgements, note } = splitJudgements({ judgements: { all: [judgement(1, 1), judgement(2, 1)] } }, 1);
  expect(judgements).toEqual({ train: [], test: [judgement(1, 1), judgement(2, 1)] });
  expect(note).toContain("none can be held out");
});

test("a collection that has splits keeps them", () => {
  const judgements = { train: apart(3), dev: apart(2) };
  expect(splitJudgements({ judgements }, 1)).toEqual({ judgements, note: "" });
});

test.each([
  [["train", "dev", "test"], "auto", "test", true],
  [["train", "dev", "val"], "auto", "dev", true],
  [["train", "validation", "val"], "auto", "validation", true],
  [["val", "train"], "auto", "val", true],
  [["train", "mine"], "auto", "mine", true],
  [["all"], "auto", "all", false],
  [["train", "dev", "test"], "dev", "dev", true],
  [["train", "test"], "train", "train", false],
  [["dev", "test"], "auto", "test", false],
] as const)("of %j, %s measures on %s", (names, wanted, expected, trains) => {
  const judgements = Object.fromEntries(names.map((name, i) => [name, [judgement(i, i)]]));
  const { train, evaluation } = chooseSplits({ judgements }, wanted);
  expect(evaluation).toEqual({ name: expected, judgements: judgements[expected] });
  expect(train).toEqual(trains ? judgements["train"] : []);
});

test.each([
  [["train", "test"], "validation", /no split "validation"\. There are: train, test/],
  [["train", "test"], "constructor", /no split "constructor"/],
  [["a", "b"], "auto", /not clear which split to measure on\. There are: a, b/],
  [["train"], "auto", /There is: train/],
  [[], "auto", /no judgements/],
])("of %j, %s is an error that names the splits", (names, wanted, words) => {
  const judgements = Object.fromEntries(names.map((name) => [name, [judgement(1, 1)]]));
  expect(() => chooseSplits({ judgements }, wanted)).toThrow(words);
  expect(() => chooseSplits({ judgements }, wanted)).toThrow(UnknownSplit);
});

test("leaks: shared relevant documents and near-copies", () => {
  const texts = [
    "Do otters hold hands?",
    "do OTTERS hold, hands",
    "Where do foxes dig dens?",
    "What is an owl?",
    "Are zebras striped?",
  ];
  const queries = texts.map((text, i) => ({ id: queryId(`q${i}`), text }));
  const train = [judgement(0, 0), judgement(2, 2), judgement(2, 5, 0)];
  const evaluation = [
    judgement(4, 5),
    judgement(1, 1),
    judgement(3, 2),
    judgement(3, 5),
    judgement(1, 0, 0),
    judgement(9, 2, 0),
  ];
  expect(findLeaks({ queries }, train, evaluation)).toEqual({
    queries: ["q4", "q1", "q3"],
    sharedDocument: ["q3"],
    nearCopy: ["q1"],
  });
  expect(leakReport({ queries }, train, evaluation)).toEqual({ queries: 3, sharedDocument: 1, nearCopy: 1 });
  expect(leakReport({ queries }, [], evaluation)).toEqual({ queries: 3, sharedDocument: 0, nearCopy: 0 });
});

test("seven words of ten are a near-copy, six of nine are not, and no words are none", () => {
  expect(nearlyEqual(wordsOf("a b c d e f g h"), wordsOf("A b, c d e f g x y"))).toBe(true);
  expect(nearlyEqual(wordsOf("a b c d e f g"), wordsOf("a b c d e f x y"))).toBe(false);
  expect(nearlyEqual(wordsOf("?!"), wordsOf("..."))).toBe(false);
});

test("near-copies are the same with and without the prefix filter", () => {
  const text = fc
    .array(fc.constantFrom(..."abcdefghijkl".split("")), { maxLength: 12 })
    .map((letters) => letters.join(" "));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.array(text, { maxLength: 8 }), (texts, others) => {
      const plain = texts.flatMap((one, i) =>
        others.some((other) => nearlyEqual(wordsOf(one), wordsOf(other))) ? [i] : [],
      );
      expect([...nearCopies(texts, others)]).toEqual(plain);
    }),
    { numRuns: 2000 },
  );
});
