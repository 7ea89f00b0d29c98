/**
 * Texts that nearly repeat one another: Jaccard similarity of their sets of words at least 7/10. Words are what a
 * lower-casing BERT tokenizer makes before its pieces: accents off, each run of letters and digits, each other sign and
 * each ideograph for itself; nothing is stemmed or left out. So the same punctuation makes two texts more alike: that
 * finds rather more near-copies than fewer.
 *
 * Exact, and fast by two filters. Prefixes (Bayardo, Ma and Srikant, WWW 2007): with all words in one order, rarest
 * first, two sets of similarity t share a word among the first n − ⌈t n⌉ + 1 of each, n being that set's own size.
 * Positions (Xiao, Wang, Lin and Yu, WWW 2008): where they share one there, no more words can be shared after it than
 * the shorter rest has.
 */
import type { Progress } from "../domain/stages.ts";

/** As a fraction, to compare in whole numbers. */
const threshold = { over: 7, under: 10 } as const;

const word = /\p{Ideographic}|[[\p{L}\p{M}\p{N}_]--\p{Ideographic}]+|[^\p{L}\p{M}\p{N}_\s]/gv;

export const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .toLowerCase()
      .normalize("NFD")
      .replace(/\p{Mn}/gu, "")
      .match(word),
  );

/** The least number s of shared words for which s / (a + b − s) ≥ 7/10, a and b being the sizes of the sets. */
const needed = (a: number, b: number): number =>
  Math.ceil((threshold.over * (a + b)) / (threshold.over + threshold.under));

/**
 * The words of texts as numbers, so that long texts by the ten thousand fit in memory. `ranked` then gives each text's
 * in ascending order, 0 for the rarest of all.
 */
function numbering() {
  const ids = new Map<string, number>();
  const frequency: number[] = [];
  const sets: Int32Array[] = [];
  function add(text: string): void {
    const set = Int32Array.from(wordsOf(text), (word) => {
      const id = ids.get(word) ?? ids.size;
      ids.set(word, id);
      frequency[id] = (frequency[id] ?? 0) + 1;
      return id;
    });
    sets.push(set);
  }
  function ranked(): Int32Array[] {
    const order = [...frequency.keys()].sort((a, b) => (frequency[a] ?? 0) - (frequency[b] ?? 0) || a - b);
    const rank = new Int32Array(order.length);
    for (const [place, id] of order.entries()) rank[id] = place;
    return sets.map((set) => set.map((id) => rank[id] ?? 0).sort());
  }
  return { add, ranked };
}

const prefixLength = (size: number): number =>
  size === 0 ? 0 : size - Math.ceil((threshold.over * size) / threshold.under) + 1;

/** Whether two ascending lists share at least `least` numbers. */
function share(a: Int32Array, b: Int32Array, least: number): boolean {
  let [i, j, shared] = [0, 0, 0];
  while (shared < least && shared + Math.min(a.length - i, b.length - j) >= least) {
    const [x, y] = [a[i] ?? 0, b[j] ?? 0];
    if (x === y) shared += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
  }
  return shared >= least;
}

interface CopyIndex {
  add(place: number): void;
  /** The places that were added and hold a near-copy of the text at `place`. */
  find(place: number): number[];
}

function copyIndex(sets: readonly Int32Array[]): CopyIndex {
  /** By word: places whose prefix has it, each followed by where in the prefix. */
  const byWord = new Map<number, number[]>();
  /** By place: words found to be shared so far; −1 where there cannot be enough. All 0 between two searches. */
  const shared = new Int32Array(sets.length);
  const setAt = (place: number): Int32Array => sets[place] ?? new Int32Array(0);
  const prefixOf = (set: Int32Array): Int32Array => set.subarray(0, prefixLength(set.length));

  /** Places that share a word of the prefix and may share enough. */
  function candidates(set: Int32Array): number[] {
    const touched: number[] = [];
    for (const [i, word] of prefixOf(set).entries()) {
      const list = byWord.get(word) ?? [];
      for (let at = 0; at < list.length; at += 2) {
        const place = list[at] ?? 0;
        const so = shared[place] ?? 0;
        if (so < 0) continue;
        if (so === 0) touched.push(place);
        const size = setAt(place).length;
        const most = so + Math.min(set.length - i, size - (list[at + 1] ?? 0));
        shared[place] = most < needed(set.length, size) ? -1 : so + 1;
      }
    }
    const hopeful = touched.filter((place) => (shared[place] ?? 0) > 0);
    for (const place of touched) shared[place] = 0;
    return hopeful;
  }

  return {
    add(place) {
      for (const [i, word] of prefixOf(setAt(place)).entries()) {
        const list = byWord.get(word);
        if (list) list.push(place, i);
        else byWord.set(word, [place, i]);
      }
    },
    find(place) {
      const set = setAt(place);
      return candidates(set).filter((other) => {
        const found = setAt(other);
        return share(set, found, needed(set.length, found.length));
      });
    },
  };
}

/** The places in `texts` of those that nearly repeat one of `others`. */
export function nearCopies(texts: readonly string[], others: readonly string[]): ReadonlySet<number> {
  const words = numbering();
  for (const text of [...texts, ...others]) words.add(text);
  const index = copyIndex(words.ranked());
  for (const other of others.keys()) index.add(texts.length + other);
  return new Set([...texts.keys()].filter((place) => index.find(place).length > 0));
}

/** Texts between two reports. */
const textsPerReport = 64;

/** By place, the places of a text's near-copies among the others, for those that have any. */
export function* copiesAmong(
  texts: readonly string[],
): Generator<Progress, ReadonlyMap<number, readonly number[]>, void> {
  // Reading the words is about half of the work.
  const at = (done: number): Progress => ({ done, total: 2 * texts.length, unit: "texts" });
  const words = numbering();
  for (const [place, text] of texts.entries()) {
    words.add(text);
    if (place % textsPerReport === 0) yield at(place);
  }
  const index = copyIndex(words.ranked());
  const copies = new Map<number, number[]>();
  const note = (place: number, copy: number): void => {
    const known = copies.get(place);
    if (known) known.push(copy);
    else copies.set(place, [copy]);
  };
  for (const place of texts.keys()) {
    for (const copy of index.find(place)) {
      note(place, copy);
      note(copy, place);
    }
    index.add(place);
    if (place % textsPerReport === 0) yield at(texts.length + place);
  }
  return copies;
}
