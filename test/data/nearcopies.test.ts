import * as fc from "fast-check";
import { expect, test } from "vitest";
import { copiesAmong, nearCopies } from "../../src/data/nearcopies.ts";

/** Jaccard similarity of word sets by its definition, in whole numbers; words are single letters here. */
function alike(a: string, b: string): boolean {
  const [one, other] = [new Set(a.split(" ").filter(Boolean)), new Set(b.split(" ").filter(Boolean))];
  const shared = [...one].filter((word) => other.has(word)).length;
  return shared > 0 && 10 * shared >= 7 * new Set([...one, ...other]).size;
}

const text = fc
  .array(fc.constantFrom(..."abcdefghijkl".split("")), { maxLength: 14 })
  .map((letters) => letters.join(" "));

function allCopies(texts: readonly string[]): ReadonlyMap<number, readonly number[]> {
  const work = copiesAmong(texts);
  let result = work.next();
  while (!result.done) result = work.next();
  return result.value;
}

test("finds exactly the pairs that the definition gives, both ways, and nothing with itself", () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
      const expected = texts.map((one, i) => texts.flatMap((other, j) => (i !== j && alike(one, other) ? [j] : [])));
      const found = allCopies(texts);
      expect(texts.map((_, i) => (found.get(i) ?? []).toSorted((a, b) => a - b))).toEqual(expected);
      expect([...found.values()].every(({ length }) => length > 0)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("and those of one list in another", () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 15 }), fc.array(text, { maxLength: 15 }), (texts, others) => {
      const expected = texts.flatMap((one, i) => (others.some((other) => alike(one, other)) ? [i] : []));
      expect([...nearCopies(texts, others)]).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test("seven of ten words are enough, in any case and with any accents", () => {
  expect(
    [...allCopies(["a b c d e f g h i j", "É Á ć D", "A B C D E F G", "e a c d"]).entries()].toSorted(
      ([a], [b]) => a - b,
    ),
  ).toEqual([
    [0, [2]],
    [1, [3]],
    [2, [0]],
    [3, [1]],
  ]);
});
