/** Which words of a passage stand in another one too. */

export interface Piece {
  readonly text: string;
  readonly shared: boolean;
}

/** Words, and what stands between them. */
const tokensOf = (text: string): string[] => text.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]+/gu) ?? [];
const isWord = (token: string): boolean => /[\p{L}\p{N}]/u.test(token);

/** A shorter word counts only between two that do: "of" and "the" stand in every text. */
const tellingLength = 4;

/** `text` in pieces, by whether `other` has their words, in whatever order. */
export function sharedWords(text: string, other: string): Piece[] {
  const known = new Set(tokensOf(other).map((token) => token.toLowerCase()));
  const tokens = tokensOf(text);
  const has = tokens.map((token) => isWord(token) && known.has(token.toLowerCase()));
  const telling = tokens.map((token, i) => has[i] === true && (token.length >= tellingLength || /\p{N}/u.test(token)));
  const result: Piece[] = [];
  for (const [i, token] of tokens.entries()) {
    const shared = telling[i] === true || isBetween(i, has, telling, tokens);
    const last = result.at(-1);
    if (last?.shared === shared) result[result.length - 1] = { text: last.text + token, shared };
    else result.push({ text: token, shared });
  }
  return result;
}

/** Whether only known words lie between the token at `i` and a telling one on either side. */
function isBetween(
  i: number,
  has: readonly boolean[],
  telling: readonly boolean[],
  tokens: readonly string[],
): boolean {
  const reaches = (step: 1 | -1): boolean => {
    let at = i + step;
    while (at >= 0 && at < tokens.length && telling[at] !== true) {
      if (isWord(tokens[at] ?? "") && has[at] !== true) return false;
      at += step;
    }
    return telling[at] === true;
  };
  return (!isWord(tokens[i] ?? "") || has[i] === true) && reaches(1) && reaches(-1);
}
