/** Putting numbers onto the GPU. */
import type { Gpu } from "./device.ts";
import type { Slice } from "./slice.ts";
import { assert } from "../base/assert.ts";

/** Written at once: the browser stages a copy of each write. In numbers. */
const PIECE = 2 ** 23;

type Numbers = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Writes numbers to the start of a tensor, in order with what is submitted. */
export function write(gpu: Gpu, { buffer, offset, size }: Slice, numbers: Numbers): void {
  assert(numbers.byteLength <= size, `${numbers.byteLength} bytes do not fit into ${size}`);
  for (let start = 0; start < numbers.length; start += PIECE) {
    const length = Math.min(PIECE, numbers.length - start);
    gpu.device.queue.writeBuffer(buffer, offset + start * 4, numbers, start, length);
  }
}
