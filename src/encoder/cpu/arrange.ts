/**
 * How texts of many lengths become a few fixed shapes. jax-js compiles a program a shape (0.1–1 s each, once) and its heap
 * keeps a free list a size, so that shapes must be few; and every place that is padding costs as much as a token.
 *
 * Texts are taken longest first into chunks: R rows of L places, C = R·L, where L and C are 2^n or 3·2^n. A row takes
 * several texts where they fit (best fit), which attention keeps apart by their numbers.
 */
import { present } from "../../base/assert.ts";
import type { PackedTexts } from "../../domain/engine.ts";

/** A text's tokens: places [place, place + length) of the chunk are tokens [token, token + length) of the packed texts. */
export interface Placed {
  readonly text: number;
  readonly place: number;
  readonly token: number;
  readonly length: number;
}

export interface Chunk {
  readonly rows: number;
  /** L, places in a row. */
  readonly length: number;
  readonly texts: readonly Placed[];
}

/** 12, 16, 24, 32, 48, … : at most a third of a row is padding for its length alone. */
const LENGTHS = [12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
/** Places in a chunk. */
const CAPACITIES = [48, 96, 192, 384, 768, 1536, 3072];
/** The largest chunk that is at least so full is taken; one that takes all that is left may be emptier if it is small. */
const WELL_FILLED = 0.6;
const SMALL = 192;

/** Every text exactly once, in chunks of at most `largest` places (or one text, where it is longer). */
export function arrange({ cuSeqlens }: PackedTexts, largest: number): readonly Chunk[] {
  const lengthOf = (text: number) => (cuSeqlens[text + 1] ?? 0) - (cuSeqlens[text] ?? 0);
  let waiting = Array.from({ length: cuSeqlens.length - 1 }, (_, text) => text).toSorted(
    (a, b) => lengthOf(b) - lengthOf(a) || a - b,
  );
  const chunks: Chunk[] = [];
  while (waiting.length > 0) {
    const { chunk, left } = fill(waiting, lengthOf, { starts: cuSeqlens, largest });
    chunks.push(chunk);
    waiting = left;
  }
  return chunks;
}

interface Filled {
  readonly chunk: Chunk;
  readonly left: number[];
}

function fill(
  waiting: readonly number[],
  lengthOf: (text: number) => number,
  { starts, largest }: { readonly starts: Int32Array; readonly largest: number },
): Filled {
  const longest = lengthOf(waiting[0] ?? 0);
  const length = LENGTHS.find((n) => n >= longest) ?? longest;
  const fitting = CAPACITIES.filter((n) => n > length && n <= largest && n % length === 0);
  const sizes = [length, ...fitting];
  let best: Filled | undefined;
  for (const size of sizes) {
    const filled = place(waiting, lengthOf, starts, { rows: size / length, length });
    const used = filled.chunk.texts.reduce((sum, text) => sum + text.length, 0);
    const all = filled.left.length === 0;
    if (!best || used >= size * WELL_FILLED || (all && size <= SMALL)) best = filled;
    if (all) break;
  }
  return present(best, "a chunk size");
}

/** Best fit, longest first: each text goes into the fullest row that still holds it; what fits nowhere is left. */
function place(
  waiting: readonly number[],
  lengthOf: (text: number) => number,
  starts: Int32Array,
  { rows, length }: { readonly rows: number; readonly length: number },
): Filled {
  const used = new Int32Array(rows);
  const texts: Placed[] = [];
  const left: number[] = [];
  for (const text of waiting) {
    const own = lengthOf(text);
    let best = -1;
    for (let row = 0; row < rows; row++) {
      const after = (used[row] ?? 0) + own;
      if (after <= length && (best < 0 || after > (used[best] ?? 0) + own)) best = row;
    }
    if (best < 0) left.push(text);
    else {
      texts.push({ text, place: best * length + (used[best] ?? 0), token: starts[text] ?? 0, length: own });
      used[best] = (used[best] ?? 0) + own;
    }
  }
  return { chunk: { rows, length, texts }, left };
}

/** Padding has a number of its own: −1. */
export function textOfPlace({ rows, length, texts }: Chunk): Int32Array<ArrayBuffer> {
  const numbers = new Int32Array(rows * length).fill(-1);
  for (const { text, place, length } of texts) numbers.fill(text, place, place + length);
  return numbers;
}
