/**
 * A WordPiece vocabulary by byte-pair merges (Sennrich et al., 2016) over lower-cased words: the most frequent pair of
 * neighbouring pieces becomes a piece, until the vocabulary is full. Ties go to the pair that sorts first, so that the
 * same text always gives the same vocabulary.
 */

export const SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/** Words as BERT's pre-tokenizer splits them: runs of letters, marks and digits, and single signs. */
export function wordCounts(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const plain = text
      .toLowerCase()
      .normalize("NFD")
      .replace(/\p{Mn}/gu, "");
    for (const word of plain.match(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

interface Word {
  readonly pieces: string[];
  readonly count: number;
}

const joined = (left: string, right: string): string => left + right.slice(2);
/** Pieces hold no space: a pair is told by one. */
const paired = (left: string, right: string): string => `${left} ${right}`;

/** Pairs of neighbouring pieces, how often each occurs, and in which words. */
class Pairs {
  readonly #counts = new Map<string, number>();
  readonly #words = new Map<string, Set<Word>>();
  /** Pairs by count; a pair stays in the list of every count that it once had, and is passed over there. */
  readonly #byCount = new Map<number, Set<string>>();
  #highest = 0;

  add(pair: string, word: Word, times: number): void {
    const count = (this.#counts.get(pair) ?? 0) + times;
    this.#counts.set(pair, count);
    let words = this.#words.get(pair);
    if (!words) this.#words.set(pair, (words = new Set()));
    words.add(word);
    let equals = this.#byCount.get(count);
    if (!equals) this.#byCount.set(count, (equals = new Set()));
    equals.add(pair);
    this.#highest = Math.max(this.#highest, count);
  }

  /** The pair with the highest count and the words that have it; undefined when no pair occurs twice. */
  take(): { readonly pair: string; readonly words: readonly Word[] } | undefined {
    for (; this.#highest > 1; this.#highest--) {
      const listed = this.#byCount.get(this.#highest);
      const present = [...(listed ?? [])].filter((pair) => this.#counts.get(pair) === this.#highest);
      const [first] = present.toSorted();
      if (first === undefined) {
        this.#byCount.delete(this.#highest);
        continue;
      }
      const words = [...(this.#words.get(first) ?? [])];
      this.#counts.delete(first);
      this.#words.delete(first);
      return { pair: first, words };
    }
    return undefined;
  }
}

function addAll(pairs: Pairs, word: Word, sign: 1 | -1): void {
  for (let i = 1; i < word.pieces.length; i++) {
    pairs.add(paired(word.pieces[i - 1] ?? "", word.pieces[i] ?? ""), word, sign * word.count);
  }
}

function merge({ pieces }: Word, left: string, right: string): void {
  for (let i = 1; i < pieces.length; i++) {
    if (pieces[i - 1] === left && pieces[i] === right) pieces.splice(i - 1, 2, joined(left, right));
  }
}

/** Printable ASCII, and every letter seen at least `rare` times; words with rarer ones become [UNK]. */
function alphabetOf(counts: ReadonlyMap<string, number>, rare: number): string[] {
  const ascii = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => c === c.toLowerCase());
  const letters = new Map<string, number>();
  for (const [word, count] of counts) {
    for (const letter of word) letters.set(letter, (letters.get(letter) ?? 0) + count);
  }
  const common = [...letters].filter(([, count]) => count >= rare).map(([letter]) => letter);
  return [...new Set([...ascii, ...common])].toSorted();
}

/** Pieces by id: special tokens, every common letter alone and inside a word, then merges in their order. */
export function trainVocabulary(counts: ReadonlyMap<string, number>, size: number, rare = 1): string[] {
  const alphabet = alphabetOf(counts, rare);
  const known = new Set(alphabet);
  const vocabulary = new Set<string>([...SPECIAL_TOKENS, ...alphabet, ...alphabet.map((letter) => `##${letter}`)]);
  const pairs = new Pairs();
  for (const [text, count] of counts) {
    const letters = Array.from(text);
    if (!letters.every((letter) => known.has(letter))) continue;
    addAll(pairs, { pieces: letters.map((letter, i) => (i === 0 ? letter : `##${letter}`)), count }, 1);
  }
  while (vocabulary.size < size) {
    const best = pairs.take();
    if (!best) break;
    const [left = "", right = ""] = best.pair.split(" ");
    vocabulary.add(joined(left, right));
    for (const word of best.words) {
      if (!word.pieces.includes(left)) continue;
      addAll(pairs, word, -1);
      merge(word, left, right);
      addAll(pairs, word, 1);
    }
  }
  return [...vocabulary];
}
