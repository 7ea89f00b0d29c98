import * as fc from "fast-check";
import { expect, test } from "vitest";
import { arrange, arranged, ImpossibleSplit, withJudgements } from "../../src/data/arrange.ts";
import type { Arrangement } from "../../src/domain/arrangement.ts";
import type { Judgement, Judgements } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { tinyCollection } from "../support/collection.ts";

const judgement = (query: number, document: number, grade = 1): Judgement => ({
  queryId: queryId(`q${query}`),
  documentId: documentId(`d${document}`),
  grade,
});
const as = (names: Arrangement["names"], holdOut?: Arrangement["holdOut"]): Arrangement => ({ names, holdOut });
const queriesOf = (rows: readonly Judgement[] = []): Set<string> => new Set(rows.map(({ queryId }) => queryId));
const apart = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => judgement(from + i, from + i));

test("whole splits are renamed, joined and left out", () => {
  const judgements: Judgements = { all: apart(0, 2), test: apart(2, 4), old: [judgement(0, 0, 2), judgement(4, 4)] };
  const names: Arrangement["names"] = [
    ["all", "train"],
    ["test", undefined],
    ["old", "train"],
  ];
  // The first grade of a pair stays.
  expect(arrange(judgements, as(names))).toEqual({ train: [...apart(0, 2), judgement(4, 4)] });
  expect(
    arrange(
      judgements,
      as([
        ["__proto__", "train"],
        ["all", "__proto__"],
      ]),
    ),
  ).toEqual(Object.fromEntries([["__proto__", apart(0, 2)]]));
});

test("a share of the queries is held out, by the seed alone, beside what was there", () => {
  const judgements: Judgements = { train: apart(0, 100), dev: apart(100, 103) };
  const ask = (seed: number) =>
    arrange(
      judgements,
      as(
        [
          ["train", "train"],
          ["dev", "dev"],
        ],
        { from: "train", to: "dev", share: 0.3, seed },
      ),
    );
  const made = ask(5);
  expect([queriesOf(made["train"]).size, queriesOf(made["dev"]).size]).toEqual([70, 33]);
  expect(made["dev"]?.slice(0, 3)).toEqual(apart(100, 103));
  expect(ask(5)).toEqual(made);
  expect(ask(6)).not.toEqual(made);
});

test("nothing is lost, and no relevant document is on both sides", () => {
  const pairs = fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 0, max: 2 })), {
    minLength: 1,
    maxLength: 25,
  });
  fc.assert(
    fc.property(pairs, fc.nat(), fc.double({ min: 0.05, max: 0.95, noNaN: true }), (rows, seed, share) => {
      const distinct = new Map(
        rows.map(([query, document, grade]) => [`${query} ${document}`, judgement(query, document, grade)]),
      );
      const train = [...distinct.values()];
      let made: Judgements;
      try {
        made = arrange({ train }, as([["train", "train"]], { from: "train", to: "test", share, seed }));
      } catch (error) {
        expect(error).toBeInstanceOf(ImpossibleSplit);
        return;
      }
      const { train: kept = [], test: held = [] } = made;
      expect(kept.length + held.length).toBe(train.length);
      expect(kept.length * held.length).toBeGreaterThan(0);
      const gold = new Set(kept.filter(({ grade }) => grade > 0).map(({ documentId }) => documentId));
      expect(held.some(({ documentId, grade }) => grade > 0 && gold.has(documentId))).toBe(false);
      expect([...queriesOf(held)].some((id) => queriesOf(kept).has(id))).toBe(false);
    }),
  );
});

test("what cannot be is refused in words", () => {
  const together = { train: [judgement(0, 0), judgement(1, 0), judgement(2, 0)] };
  const hold = { from: "train", to: "test", share: 0.2, seed: 1 };
  expect(() => arrange(together, as([["train", "train"]], hold))).toThrow(/3 queries of "train" all hang together/u);
  expect(() => arrange(together, as([["train", "dev"]], hold))).toThrow(/no split "train"/u);
  expect(() => arrange(together, as([["train", "test"]], { ...hold, from: "test" }))).toThrow(/itself/u);
  expect(() => arrange(together, as([["train", undefined]]))).toThrow(/Nothing would be left/u);
});

test("leaks are counted anew, and queries without a split are left out with their decoys", () => {
  const { judgements } = tinyCollection;
  const made = arranged(
    tinyCollection,
    as([
      ["train", undefined],
      ["test", "train"],
    ]),
  );
  expect(made.leaks).toBeUndefined();
  const collection = withJudgements(tinyCollection, made.judgements);
  expect(collection.queries.map(({ id }) => id)).toEqual(["q4", "q5", "q6", "q7"]);
  expect(collection.negatives).toEqual([]);
  expect(collection.documents).toBe(tinyCollection.documents);
  const leaky = arranged(
    tinyCollection,
    as([
      ["train", "train"],
      ["test", "test"],
    ]),
  );
  expect(leaky.judgements).toEqual(judgements);
  expect(leaky.leaks?.["test"]?.queries).toBe(4);
});
