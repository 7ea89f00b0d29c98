/** The moments of AdamW on the GPU, as float32 or packed into 16 bits each: their memory, their update, and their way out and in. */
import type { OptimizerName } from "../../domain/engine.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Dispatch } from "../../gpu/pass.ts";
import { readFloats } from "../../gpu/readback.ts";
import { whole, type Slice } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import { adamw, adamw16, packMoments, unpackMoments, type AdamSettings } from "../../kernels/adamw/adamw.ts";
import type { Counts } from "../../kernels/counts.ts";
import { pieceOf, type Piece } from "./arenas.ts";

interface Moments {
  readonly first: Float32Array<ArrayBuffer>;
  readonly second: Float32Array<ArrayBuffer>;
}

interface Common {
  readonly gradient: Slice;
  readonly counts: Slice;
  /** Uniform: the learning rate. */
  readonly rate: Slice;
  /** gradnorm's STATE. */
  readonly state: Slice;
}

export interface Optimiser {
  readonly buffers: readonly GPUBuffer[];
  update(piece: Piece, at: Common, settings: Omit<AdamSettings, "decayed">): Dispatch<Counts>;
  read(): Promise<Moments>;
  write(moments: Moments): void;
}

/** Bytes of both moments for each number that trains. */
export const momentBytes = (name: OptimizerName): number => (name === "adamw16" ? 4 : 8);

function withFloats(gpu: Gpu, bytes: number): Optimiser {
  const first = gpu.storage("first moment", bytes);
  const second = gpu.storage("second moment", bytes);
  return {
    buffers: [first, second],
    update: (piece, at, settings) =>
      adamw(
        {
          ...at,
          weight: piece.weight,
          firstMoment: pieceOf(first, piece),
          secondMoment: pieceOf(second, piece),
        },
        { ...settings, decayed: piece.decayed },
      ),
    read: async () => ({ first: await readFloats(gpu, whole(first)), second: await readFloats(gpu, whole(second)) }),
    write(moments) {
      write(gpu, whole(first), moments.first);
      write(gpu, whole(second), moments.second);
    },
  };
}

function with16Bits(gpu: Gpu, bytes: number): Optimiser {
  const packed = gpu.storage("moments of 16 bits", bytes);
  return {
    buffers: [packed],
    update: (piece, at, settings) =>
      adamw16(
        { ...at, weight: piece.weight, moments: pieceOf(packed, piece) },
        { ...settings, decayed: piece.decayed },
        piece.offset,
      ),
    async read() {
      const { buffer } = await readFloats(gpu, whole(packed));
      return unpackMoments(new Uint32Array(buffer));
    },
    write: ({ first, second }) => write(gpu, whole(packed), packMoments(first, second)),
  };
}

/** For so many numbers, all moments zero. Errors: GpuOutOfMemory, at once or where {@link Gpu.reserve} is around it. */
export const createOptimiser = (gpu: Gpu, name: OptimizerName, floats: number): Optimiser =>
  name === "adamw16" ? with16Bits(gpu, floats * 4) : withFloats(gpu, floats * 4);
