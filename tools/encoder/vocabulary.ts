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

/** How often each pair of neighbouring pieces occurs. */
function pairCounts(words: readonly Word[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (const [i, right] of pieces.slice(1).entries()) {
      const pair = `${pieces[i]} ${right}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  return counts;
}

/** The pair with the highest count over all words; undefined when no pair occurs twice. */
function bestPair(words: readonly Word[]): readonly [string, string] | undefined {
  let [best, most] = ["", 1];
  for (const [pair, count] of pairCounts(words)) {
    if (count > most || (count === most && most > 1 && pair < best)) [best, most] = [pair, count];
  }
  const [left, right] = best.split(" ");
  return left && right ? [left, right] : undefined;
}

function merge({ pieces }: Word, left: string, right: string): void {
  for (let i = 1; i < pieces.length; i++) {
    if (pieces[i - 1] === left && pieces[i] === right) pieces.splice(i - 1, 2, joined(left, right));
  }
}

/** Pieces by id: special tokens, every printable ASCII character alone and inside a word, then merges in their order. */
export function trainVocabulary(counts: ReadonlyMap<string, number>, size: number): string[] {
  const ascii = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => c === c.toLowerCase());
  const letters = [...counts.keys()].flatMap((word) => Array.from(word));
  const alphabet = [...new Set([...ascii, ...letters])].toSorted();
  const vocabulary = new Set<string>([...SPECIAL_TOKENS, ...alphabet, ...alphabet.map((letter) => `##${letter}`)]);
  const words = [...counts].map(([word, count]): Word => ({
    pieces: Array.from(word, (letter, i) => (i === 0 ? letter : `##${letter}`)),
    count,
  }));
  while (vocabulary.size < size) {
    const pair = bestPair(words);
    if (!pair) break;
    const [left, right] = pair;
    vocabulary.add(joined(left, right));
    for (const word of words) if (word.pieces.includes(left)) merge(word, left, right);
  }
  return [...vocabulary];
}
