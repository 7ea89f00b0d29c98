/**
 * How much two texts have in common, by triples of units that follow each other. A unit is a word, lower-cased; where words
 * are not set apart by spaces (Chinese, Japanese, Thai and their neighbours) it is a character.
 */

export const southeastAsian = String.raw`\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`;
export const unspaced = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー${southeastAsian}`;
const unit = new RegExp(
  String.raw`[${unspaced}]\p{M}*|(?:[[\p{L}\p{N}]--[${unspaced}]]\p{M}*)+(?:['’](?:[[\p{L}\p{N}]--[${unspaced}]]\p{M}*)+)*`,
  "gv",
);
const eastAsianCharacter = /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー]/u;
const southeastAsianCharacter = new RegExp(`^[${southeastAsian}]`, "u");

/** Characters of a document that are compared: longer ones are cut for this. */
const compared = 100_000;

/** Characters a word, for lengths only: Chinese words have 1.5 on average and Japanese 2 to 3; Thai ones 4. */
const charactersAWord = { eastAsian: 2, southeastAsian: 4 } as const;

/** Units of a shingle: pairs are shared by chance within a topic, quadruples miss a copy with every fourth word changed. */
const shingle = 3;

/** Letter case, punctuation and white space do not count. */
export function unitsOf(text: string): readonly string[] {
  return text.slice(0, compared).normalize("NFKC").toLowerCase().replaceAll("’", "'").match(unit) ?? [];
}

/** The length in words: where they are not set apart, from the number of characters. */
export function wordCount(units: readonly string[]): number {
  let words = 0;
  for (const unit of units) {
    if (eastAsianCharacter.test(unit)) words += 1 / charactersAWord.eastAsian;
    else if (southeastAsianCharacter.test(unit)) words += 1 / charactersAWord.southeastAsian;
    else words += 1;
  }
  return Math.round(words);
}

/** True where most units are single characters. */
export function isUnspaced(units: readonly string[]): boolean {
  const characters = units.filter((unit) => eastAsianCharacter.test(unit) || southeastAsianCharacter.test(unit));
  return characters.length > units.length / 2;
}

/** All runs of `size` units, as a set. */
export function shinglesOf(units: readonly string[], size: number = shingle): ReadonlySet<string> {
  const shingles = new Set<string>();
  for (let i = 0; i + size <= units.length; i++) shingles.add(units.slice(i, i + size).join(" "));
  return shingles;
}

export interface Overlap {
  /** Share of the first one's members that the second has too: 0 to 1. */
  readonly contained: number;
  /** Share of the second one's members that the first has too. */
  readonly contains: number;
  /** Common members over all members (Jaccard). */
  readonly jaccard: number;
}

/** 0 for empty sets: they have nothing in common. */
export function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): Overlap {
  let common = 0;
  for (const member of a) if (b.has(member)) common += 1;
  if (common === 0) return { contained: 0, contains: 0, jaccard: 0 };
  return { contained: common / a.size, contains: common / b.size, jaccard: common / (a.size + b.size - common) };
}

/** Whether `inner` stands in `outer` as it is, unit after unit. */
export function containsRun(outer: readonly string[], inner: readonly string[]): boolean {
  return inner.length > 0 && ` ${outer.join(" ")} `.includes(` ${inner.join(" ")} `);
}
