/** What the kernels need to know about a batch of packed texts, worked out on the CPU: a few integers a token. */
import { assert } from "../../base/assert.ts";
import { mostTokens, type BertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { GpuOutOfMemory } from "../../gpu/errors.ts";
import { BLOCK } from "../../kernels/counts.ts";

/** Items sorted by key, as compressed sparse rows: those with key ids[u] are order[offsets[u] … offsets[u + 1]), in order. */
export interface SortedRows {
  readonly ids: Int32Array<ArrayBuffer>;
  readonly offsets: Int32Array<ArrayBuffer>;
  readonly order: Int32Array<ArrayBuffer>;
}

/** Sorts the indices of `keys`, whole numbers below `bound`, by key: a stable counting sort, O(keys + bound). */
export function sortRows(keys: Int32Array, bound: number): SortedRows {
  const next = new Int32Array(bound + 1);
  for (const key of keys) next[key + 1] = (next[key + 1] ?? 0) + 1;
  const ids: number[] = [];
  const offsets: number[] = [];
  for (let key = 0; key < bound; key++) {
    const count = next[key + 1] ?? 0;
    const start = next[key] ?? 0;
    if (count > 0) {
      ids.push(key);
      offsets.push(start);
    }
    next[key + 1] = start + count;
  }
  const order = new Int32Array(keys.length);
  keys.forEach((key, i) => {
    const at = next[key] ?? 0;
    order[at] = i;
    next[key] = at + 1;
  });
  return { ids: Int32Array.from(ids), offsets: Int32Array.from([...offsets, keys.length]), order };
}

/** Sorted rows by their names in the index. */
export const rowsNamed = (name: string, { ids, offsets, order }: SortedRows) => ({
  [`${name}.ids`]: ids,
  [`${name}.offsets`]: offsets,
  [`${name}.order`]: order,
});

/** One number a token, and the blocks of the attention kernels. */
export interface TextIndex {
  readonly T: number;
  readonly S: number;
  /** (T) position of each token: its place in its text, from the shape's first position on. */
  readonly positions: Int32Array<ArrayBuffer>;
  /** (T) text of each token. */
  readonly textOf: Int32Array<ArrayBuffer>;
  /** (blocks, 4) first token; the text's first token and the one behind its last; 0. */
  readonly blocks: Int32Array<ArrayBuffer>;
}

/** WebGPU's default maxComputeWorkgroupsPerDimension. */
const MOST = 65535;

/** For kernels with a workgroup for each of `count` things. Errors: GpuOutOfMemory for more than 65,535. */
export function checkWorkgroups(count: number, things: string): void {
  if (count <= MOST) return;
  throw new GpuOutOfMemory(
    `A batch of ${count} ${things} is more than the GPU takes at once, ${MOST}. Use a smaller batch or shorter texts.`,
  );
}

export function checkTexts({ tokenIds, cuSeqlens }: PackedTexts, vocabulary: number): void {
  const T = tokenIds.length;
  assert(cuSeqlens.length > 1 && cuSeqlens[0] === 0 && cuSeqlens.at(-1) === T, `cuSeqlens of ${T} tokens`);
  assert(
    cuSeqlens.every((start, s) => s === 0 || start > (cuSeqlens[s - 1] ?? 0)),
    "a text has no token",
  );
  assert(
    tokenIds.every((id) => id >= 0 && id < vocabulary),
    `a token id is not below ${vocabulary}`,
  );
}

/** (T) text of each token. */
export function textOfTokens({ tokenIds, cuSeqlens }: PackedTexts): Int32Array<ArrayBuffer> {
  const textOf = new Int32Array(tokenIds.length);
  for (let s = 0; s + 1 < cuSeqlens.length; s++) textOf.fill(s, cuSeqlens[s], cuSeqlens[s + 1]);
  return textOf;
}

/** Errors: GpuOutOfMemory for more than 65,535 tokens: some of a transformer's kernels have a workgroup for each. */
export function indexTexts(
  texts: PackedTexts,
  shape: Pick<BertShape, "vocabulary" | "positions" | "firstPosition">,
): TextIndex {
  const { firstPosition = 0 } = shape;
  const most = mostTokens(shape);
  checkWorkgroups(texts.tokenIds.length, "tokens");
  checkTexts(texts, shape.vocabulary);
  const T = texts.tokenIds.length;
  const S = texts.cuSeqlens.length - 1;
  const positions = new Int32Array(T);
  const blocks: number[] = [];
  for (let s = 0; s < S; s++) {
    const start = texts.cuSeqlens[s] ?? 0;
    const end = texts.cuSeqlens[s + 1] ?? 0;
    assert(end - start <= most, `text ${s} has ${end - start} of 1 to ${most} tokens`);
    for (let t = start; t < end; t++) {
      positions[t] = firstPosition + t - start;
      if ((t - start) % BLOCK === 0) blocks.push(t, start, end, 0);
    }
  }
  return { T, S, positions, textOf: textOfTokens(texts), blocks: Int32Array.from(blocks) };
}
