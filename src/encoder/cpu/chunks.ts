import { assert } from "../../base/assert.ts";
import type { PackedTexts } from "../../domain/engine.ts";

/** Some texts of many, one after another. */
export interface Chunk {
  /** The first text's number among all. */
  readonly first: number;
  /** The number of their first token among all. */
  readonly firstToken: number;
  /** The tokens of these texts alone. */
  readonly texts: PackedTexts;
}

/** Every text once, in their order, in chunks of at most `largest` tokens (or one text, where it is longer). */
export function chunksOf({ tokenIds, cuSeqlens }: PackedTexts, largest: number): readonly Chunk[] {
  const chunks: Chunk[] = [];
  const texts = cuSeqlens.length - 1;
  for (let first = 0, end = 0; first < texts; first = end) {
    const start = cuSeqlens[first] ?? 0;
    for (end = first + 1; end < texts && (cuSeqlens[end + 1] ?? 0) - start <= largest;) end++;
    chunks.push({
      first,
      firstToken: start,
      texts: {
        tokenIds: tokenIds.subarray(start, cuSeqlens[end]),
        cuSeqlens: cuSeqlens.slice(first, end + 1).map((token) => token - start),
      },
    });
  }
  return chunks;
}

/** Calls `visit` with each text's number in the chunk, its first token and its tokens. */
export function eachText(
  { cuSeqlens }: PackedTexts,
  visit: (text: number, first: number, length: number) => void,
): void {
  for (let text = 0; text + 1 < cuSeqlens.length; text++) {
    const first = cuSeqlens[text] ?? 0;
    const length = (cuSeqlens[text + 1] ?? 0) - first;
    assert(length > 0, `text ${text} has no token`);
    visit(text, first, length);
  }
}
