/**
 * An arena: many tensors that live and die together, at offsets planned from their sizes. It has banks, because a dispatch
 * may not read one range of a buffer and write another (WebGPU specification, 3.4.3, usage scopes: a buffer counts as a
 * whole): what a kernel reads and what it writes must be in different banks. A bank is one buffer, or more where the
 * device's limit on a buffer's size is smaller than the bank.
 */
import { present } from "../base/assert.ts";
import type { Gpu } from "./device.ts";
import { outOfMemory } from "./errors.ts";
import type { Slice } from "./slice.ts";
import { align, ALIGNMENT, Usage } from "./usage.ts";

const USAGE = Usage.uniform | Usage.storage | Usage.copySource | Usage.copyTarget;

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

export interface Room {
  readonly bytes: number;
  /** 0, 1, … */
  readonly bank: number;
}

export type Rooms = ReadonlyMap<string, Room>;

/** Places tensors one after the other in slabs of at most `limit` bytes, those of different banks in different slabs. */
export function layOut(rooms: Rooms, limit: number): Layout {
  const places = new Map<string, Place>();
  const slabs: number[] = [];
  const open = new Map<number, number>();
  for (const [name, { bytes, bank }] of rooms) {
    const size = Math.max(bytes, 4);
    if (align(size) > limit) throw outOfMemory(name, size, `it allows ${limit} bytes in one buffer`);
    let slab = open.get(bank);
    if (slab === undefined || (slabs[slab] ?? 0) + align(size) > limit) {
      slab = slabs.push(0) - 1;
      open.set(bank, slab);
    }
    const offset = slabs[slab] ?? 0;
    places.set(name, { slab, offset, size });
    slabs[slab] = offset + align(size);
  }
  return { places, slabs };
}

export interface Arena {
  /** The tensor called `name`. */
  at(name: string): Slice;
  dispose(): void;
}

/** Allocates an arena for tensors given by name, uniforms among them. Errors: GpuOutOfMemory. */
export async function createArena(gpu: Gpu, label: string, rooms: Rooms): Promise<Arena> {
  const { maxBufferSize, maxStorageBufferBindingSize: most } = gpu.device.limits;
  for (const [name, { bytes }] of rooms) {
    if (bytes > most) throw outOfMemory(name, bytes, `it allows ${most} bytes in one binding`);
  }
  const { places, slabs } = layOut(rooms, Math.floor(maxBufferSize / ALIGNMENT) * ALIGNMENT);
  const total = slabs.reduce((sum, bytes) => sum + bytes, 0);
  const buffers = await gpu.reserve(label, total, () =>
    slabs.map((bytes, i) => gpu.allocate(`${label} ${i}`, bytes, USAGE)),
  );
  return {
    at(name) {
      const { slab, offset, size } = present(places.get(name), `${name} in ${label}`);
      return { buffer: present(buffers[slab], `slab ${slab}`), offset, size };
    },
    dispose: () => buffers.forEach((buffer) => gpu.free(buffer)),
  };
}
