import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Judgement } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { nearCopies, wordsOf } from "../../src/data/nearcopies.ts";
import {
  UnknownSplit,
  chooseSplits,
  findLeaks,
  leakReport,
  leaksBySplit,
  splitJudgements,
  trainedBy,
} from "../../src/data/split.ts";

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
    "do OTTERS hold hands",
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
  const leaks = findLeaks({ queries }, trainedBy({ queries }, train), evaluation);
  expect(leaks).toEqual({
    queries: ["q4", "q1", "q3"],
    sharedDocument: ["q3"],
    nearCopy: ["q1"],
    clean: ["q4"],
  });
  expect(leakReport(leaks)).toEqual({ queries: 3, sharedDocument: 1, nearCopy: 1, clean: 1 });
  const none = findLeaks({ queries }, trainedBy({ queries }, []), evaluation);
  expect(leakReport(none)).toEqual({ queries: 3, sharedDocument: 0, nearCopy: 0, clean: 3 });
  // One that is both is one query that is not clean.
  const both = findLeaks({ queries }, trainedBy({ queries }, [judgement(0, 1)]), evaluation);
  expect(leakReport(both)).toEqual({ queries: 3, sharedDocument: 1, nearCopy: 1, clean: 2 });
});

test("every split that is not trained on has its report, if anything is trained on", () => {
  const queries = [0, 1, 2, 3].map((i) => ({ id: queryId(`q${i}`), text: `question number ${"abcd"[i] ?? ""}${i}` }));
  const judgements = {
    train: [judgement(0, 0)],
    dev: [judgement(1, 0)],
    test: [judgement(2, 2), judgement(3, 3)],
    other: [judgement(3, 0, 0)],
  };
  expect(leaksBySplit({ queries, judgements })).toEqual({
    dev: { queries: 1, sharedDocument: 1, nearCopy: 0, clean: 0 },
    test: { queries: 2, sharedDocument: 0, nearCopy: 0, clean: 2 },
  });
  expect(leaksBySplit({ queries, judgements: { train: judgements.train } })).toBeUndefined();
  expect(leaksBySplit({ queries, judgements: { dev: judgements.dev, test: judgements.test } })).toBeUndefined();
});

test.each([
  ["A café, G-to-A: 1/2000_x?", ["a", "cafe", ",", "g", "-", "to", ":", "1", "/", "2000_x", "?"]],
  ["Χρώμα 日本語のテキスト", ["χρωμα", "日", "本", "語", "のテキスト"]],
  ["  ", []],
])("the words of %j", (text, words) => {
  expect([...wordsOf(text)]).toEqual(words);
});

test("seven words of ten are a near-copy, six of nine are not, and no words are none", () => {
  expect(nearCopies(["a b c d e f g h"], ["A b c d e f g x y"]).size).toBe(1);
  expect(nearCopies(["a b c d e f g"], ["a b c d e f x y"]).size).toBe(0);
  // A full stop at the end of both is one more word in common: 7 of 10.
  expect(nearCopies(["a b c d e f g."], ["a b c d e f x y."]).size).toBe(1);
  expect(nearCopies(["?!"], ["..."]).size).toBe(0);
  expect(nearCopies([""], [""]).size).toBe(0);
});

test("near-copies are the same with and without the prefix filter", () => {
  const text = fc
    .array(fc.constantFrom(..."abcdefghijkl".split("")), { maxLength: 12 })
    .map((letters) => letters.join(" "));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.array(text, { maxLength: 8 }), (texts, others) => {
      const similar = (one: string, other: string) => {
        const [a, b] = [one, other].map((text) => [...new Set(text.split(" ").filter(Boolean))]);
        const shared = a?.filter((word) => b?.includes(word)).length ?? 0;
        return shared > 0 && shared / new Set([...(a ?? []), ...(b ?? [])]).size >= 0.7;
      };
      const plain = texts.flatMap((one, i) => (others.some((other) => similar(one, other)) ? [i] : []));
      expect([...nearCopies(texts, others)]).toEqual(plain);
    }),
    { numRuns: 2000 },
  );
});
