import { expect, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { SPECIAL_TOKENS, trainVocabulary, wordCounts } from "../../tools/encoder/vocabulary.ts";

interface Word {
  pieces: string[];
  readonly count: number;
}

function pairCounts(words: readonly Word[]): Map<string, number> {
  const pairs = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]} ${pieces[i]}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + count);
    }
  }
  return pairs;
}

function joined(pieces: readonly string[], left: string, right: string, whole: string): string[] {
  const made: string[] = [];
  for (const piece of pieces) {
    if (made.at(-1) === left && piece === right) made[made.length - 1] = whole;
    else made.push(piece);
  }
  return made;
}

/** Byte-pair merges as they are defined: all pairs are counted anew for every merge. */
function slowMerges(counts: ReadonlyMap<string, number>, merges: number): string[] {
  const words = [...counts].map(([text, count]): Word => ({
    pieces: Array.from(text, (letter, i) => (i === 0 ? letter : `##${letter}`)),
    count,
  }));
  const made: string[] = [];
  while (made.length < merges) {
    const [best] = [...pairCounts(words)].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (!best || best[1] < 2) break;
    const [left = "", right = ""] = best[0].split(" ");
    const whole = left + right.slice(2);
    if (!made.includes(whole)) made.push(whole);
    for (const word of words) word.pieces = joined(word.pieces, left, right, whole);
  }
  return made;
}

test.each([1, 2, 3, 4, 5])("merges as counting all pairs anew does (seed %i)", (seed) => {
  const source = random(seed, "words");
  const letters = "abcd";
  const word = () => Array.from({ length: 1 + source.integer(7) }, () => letters[source.integer(4)] ?? "").join("");
  const counts = new Map(Array.from({ length: 60 }, () => [word(), 1 + source.integer(9)] as const));
  const plain = trainVocabulary(new Map([["a", 1]]), 0).length;
  const vocabulary = trainVocabulary(counts, plain + 40);
  expect(vocabulary.slice(plain)).toEqual(slowMerges(counts, 40));
});

test("words are lower-cased, without accents, and signs stand alone", () => {
  expect([...wordCounts(["Émile's Émile"])]).toEqual([
    ["emile", 2],
    ["'", 1],
    ["s", 1],
  ]);
});

test("special tokens come first, and rare letters get no piece", () => {
  const counts = new Map([
    ["ab", 5],
    ["aβ", 2],
  ]);
  const vocabulary = trainVocabulary(counts, 1000, 3);
  expect(vocabulary.slice(0, 5)).toEqual([...SPECIAL_TOKENS]);
  expect(vocabulary).toContain("ab");
  expect(vocabulary.join("")).not.toContain("β");
  expect(trainVocabulary(counts, 1000, 2)).toContain("aβ");
});
