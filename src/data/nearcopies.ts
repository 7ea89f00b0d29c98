/**
 * Texts that nearly repeat one of others: Jaccard similarity of their sets of words at least 7/10. A word is a run of
 * letters, combining marks and digits, lower-cased; nothing is stemmed or left out.
 *
 * Exact, and fast by prefix filtering (Bayardo, Ma and Srikant, WWW 2007): with all words in one order, rarest first, two
 * sets of similarity t share a word among the first n − ⌈t n⌉ + 1 of each, n being that set's own size.
 */

/** As a fraction, to compare in whole numbers. */
const threshold = { over: 7, under: 10 } as const;

export const wordsOf = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu));

export function nearlyEqual(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared += 1;
  return shared > 0 && threshold.under * shared >= threshold.over * (a.size + b.size - shared);
}

function rarestFirst(sets: readonly ReadonlySet<string>[]): (words: ReadonlySet<string>) => string[] {
  const frequency = new Map<string, number>();
  for (const word of sets.flatMap((words) => [...words])) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const of = (word: string) => frequency.get(word) ?? 0;
  return (words) => {
    const ordered = [...words].toSorted((a, b) => of(a) - of(b) || (a < b ? -1 : 1));
    return ordered.slice(0, words.size - Math.ceil((threshold.over * words.size) / threshold.under) + 1);
  };
}

/** The places in `texts` of those that nearly repeat one of `others`. */
export function nearCopies(texts: readonly string[], others: readonly string[]): ReadonlySet<number> {
  const sets = others.map(wordsOf);
  const prefixOf = rarestFirst(sets);
  const byWord = new Map<string, ReadonlySet<string>[]>();
  for (const words of sets) {
    for (const word of prefixOf(words)) {
      const list = byWord.get(word);
      if (list) list.push(words);
      else byWord.set(word, [words]);
    }
  }
  const copies = new Set<number>();
  texts.forEach((text, place) => {
    const words = wordsOf(text);
    const repeats = prefixOf(words).some((word) => byWord.get(word)?.some((other) => nearlyEqual(words, other)));
    if (repeats) copies.add(place);
  });
  return copies;
}
