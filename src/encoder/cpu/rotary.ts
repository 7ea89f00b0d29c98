/** Turning queries and keys by their places, in plain loops, which are little work (encoder/rotary.ts has the angles). */
import type { PackedTexts } from "../../domain/engine.ts";
import { eachText } from "./chunks.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";

interface Turn {
  readonly texts: PackedTexts;
  readonly heads: number;
  /** (places, D) for the longest text. */
  readonly angles: Float32Array;
  /** By the opposite angles: the way back. */
  readonly back?: boolean;
}

/** Turns the queries and the keys of qkv, (T, 3H), in place. */
export function turn(heap: Heap, qkv: Matrix, { texts, heads, angles, back = false }: Turn): void {
  const H = qkv.columns / 3;
  const D = H / heads;
  const half = D / 2;
  const { floats } = heap;
  eachText(texts, (_, first, length) => {
    for (let place = 0; place < length; place++) {
      const row = (qkv.at + (first + place) * qkv.row) / floatBytes;
      // Queries and keys are the row's first 2H numbers, head by head.
      for (let at = row; at < row + 2 * H; at += D) {
        for (let c = 0; c < half; c++) {
          const cosine = angles[place * D + c] ?? 0;
          const sine = (angles[place * D + half + c] ?? 0) * (back ? -1 : 1);
          const [one, two] = [floats[at + c] ?? 0, floats[at + half + c] ?? 0];
          floats[at + c] = one * cosine - two * sine;
          floats[at + half + c] = two * cosine + one * sine;
        }
      }
    }
  });
}
