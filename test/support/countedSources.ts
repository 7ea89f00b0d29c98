/** Sources that count what is read of them, and an eye on what is allocated for numbers. */
import { vi } from "vitest";
import { bytesSource, type FileSource } from "../../src/base/fileSource.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";

export interface Counts {
  /** Bytes asked for, and the most of them at once. */
  read: number;
  largest: number;
}

/** Each answer is a copy, as it is from a disk. */
export function counted(sources: readonly FileSource[]): {
  readonly files: readonly FileSource[];
  readonly counts: Counts;
} {
  const counts = { read: 0, largest: 0 };
  const files = sources.map((source) => ({
    ...source,
    async read(start: number, end: number) {
      counts.read += end - start;
      counts.largest = Math.max(counts.largest, end - start);
      return (await source.read(start, end)).slice();
    },
  }));
  return { files, counts };
}

export const sourcesOf = ({ files }: EncoderFolder): readonly FileSource[] =>
  Object.entries(files).map(([path, bytes]) => bytesSource(path, bytes));

/** Bytes of the Float32Arrays that `work` makes by their length. */
export async function floatsMade(work: () => Promise<unknown>): Promise<number> {
  let bytes = 0;
  class Watched extends Float32Array {
    constructor(length: number) {
      super(length);
      if (typeof length === "number") bytes += 4 * length;
    }
  }
  vi.stubGlobal("Float32Array", Watched);
  try {
    await work();
  } finally {
    vi.unstubAllGlobals();
  }
  return bytes;
}
