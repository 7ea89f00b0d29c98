/**
 * An arena: many tensors that live and die together, at offsets planned from their sizes. It is one buffer unless the
 * device's limit on a buffer's size is smaller than the whole; then it is as few as that limit allows.
 */
import { present } from "../base/assert.ts";
import type { Gpu } from "./device.ts";
import { outOfMemory } from "./errors.ts";
import type { Slice } from "./slice.ts";
import { align } from "./usage.ts";

export interface Place {
  readonly slab: number;
  /** In bytes, a multiple of 256. */
  readonly offset: number;
  readonly size: number;
}

export interface Layout {
  readonly places: ReadonlyMap<string, Place>;
  /** Bytes of each slab. */
  readonly slabs: readonly number[];
}

/** Places tensors, given by name and size in bytes, one after the other in slabs of at most `limit` bytes. */
export function layOut(sizes: ReadonlyMap<string, number>, limit: number): Layout {
  const places = new Map<string, Place>();
  const slabs: number[] = [];
  for (const [name, size] of sizes) {
    const bytes = align(Math.max(size, 4));
    if (bytes > limit) throw outOfMemory(name, size, `it allows ${limit} bytes in one buffer`);
    const last = slabs.at(-1);
    if (last === undefined || last + bytes > limit) slabs.push(0);
    const slab = slabs.length - 1;
    const offset = slabs[slab] ?? 0;
    places.set(name, { slab, offset, size: Math.max(size, 4) });
    slabs[slab] = offset + bytes;
  }
  return { places, slabs };
}

export interface Arena {
  /** The tensor called `name`. */
  at(name: string): Slice;
  dispose(): void;
}

/** Allocates an arena for tensors given by name and size in bytes. Errors: GpuOutOfMemory. */
export async function createArena(gpu: Gpu, label: string, sizes: ReadonlyMap<string, number>): Promise<Arena> {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  for (const [name, size] of sizes) {
    if (size > maxStorageBufferBindingSize) {
      throw outOfMemory(name, size, `it allows ${maxStorageBufferBindingSize} bytes in one binding`);
    }
  }
  const { places, slabs } = layOut(sizes, Math.floor(maxBufferSize / 256) * 256);
  const total = slabs.reduce((sum, bytes) => sum + bytes, 0);
  const buffers = await gpu.reserve(label, total, () => slabs.map((bytes, i) => gpu.storage(`${label} ${i}`, bytes)));
  return {
    at(name) {
      const { slab, offset, size } = present(places.get(name), `${name} in ${label}`);
      return { buffer: present(buffers[slab], `slab ${slab}`), offset, size };
    },
    dispose: () => buffers.forEach((buffer) => gpu.free(buffer)),
  };
}
