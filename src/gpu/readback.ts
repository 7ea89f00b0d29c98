/** Getting numbers back from the GPU: all of a tensor at once, or a few numbers a step, late, through a ring of buffers. */
import { present } from "../base/assert.ts";
import type { Gpu } from "./device.ts";
import type { Slice } from "./slice.ts";
import { MAP_READ, Usage } from "./usage.ts";

/** A copy goes in pieces: large mappings have been unreliable in Chrome, and hold memory on both sides. */
const PIECE = 2 ** 25;

/** A copy of a tensor of float32, as it is when everything submitted so far is done. */
export async function readFloats(gpu: Gpu, { buffer, offset, size }: Slice): Promise<Float32Array<ArrayBuffer>> {
  const result = new Float32Array(size / Float32Array.BYTES_PER_ELEMENT);
  const bytes = new Uint8Array(result.buffer);
  const staging = gpu.allocate("readback", Math.min(size, PIECE), Usage.mapRead | Usage.copyTarget);
  try {
    for (let start = 0; start < size; start += PIECE) {
      const length = Math.min(PIECE, size - start);
      const encoder = gpu.device.createCommandEncoder({ label: "readback" });
      encoder.copyBufferToBuffer(buffer, offset + start, staging, 0, length);
      gpu.device.queue.submit([encoder.finish()]);
      await gpu.settle(staging.mapAsync(MAP_READ, 0, length));
      bytes.set(new Uint8Array(staging.getMappedRange(0, length)), start);
      staging.unmap();
    }
  } finally {
    gpu.free(staging);
  }
  return result;
}

/** A few small buffers that steps copy their outcome into; each is mapped when its step is done. */
export class ReadbackRing {
  readonly #gpu: Gpu;
  readonly #bytes: number;
  readonly #buffers: readonly GPUBuffer[];
  readonly #free: GPUBuffer[];
  readonly #waiting: ((buffer: GPUBuffer) => void)[] = [];

  constructor(gpu: Gpu, { label, bytes, slots }: { label: string; bytes: number; slots: number }) {
    this.#gpu = gpu;
    this.#bytes = bytes;
    this.#buffers = Array.from({ length: slots }, (_, i) =>
      gpu.allocate(`${label} ${i}`, bytes, Usage.mapRead | Usage.copyTarget),
    );
    this.#free = [...this.#buffers];
  }

  /** A slot to copy into, as soon as one is free: this is what keeps the CPU from running far ahead of the GPU. */
  take(): Promise<GPUBuffer> {
    const buffer = this.#free.pop();
    if (buffer) return Promise.resolve(buffer);
    return this.#gpu.settle(new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** What was copied into a slot, once it is there; frees the slot. */
  async read(slot: GPUBuffer): Promise<Float32Array<ArrayBuffer>> {
    await this.#gpu.settle(slot.mapAsync(MAP_READ, 0, this.#bytes));
    const values = new Float32Array(slot.getMappedRange(0, this.#bytes).slice(0));
    slot.unmap();
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
    return values;
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#gpu.free(present(buffer, "slot"));
  }
}
