import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import findCode from "./find.wgsl?raw";

const find: Kernel = { name: "likely/find", code: findCode };

/** Queries and documents of one dispatch; B · S is below 2³². */
export interface LikelySizes {
  readonly B: number;
  readonly S: number;
}

/** The uniform `Sizes` of the kernel, for vectors of `dimensions`. */
export const sizesUniform = ({ B, S }: LikelySizes, dimensions: number): Uint32Array<ArrayBuffer> =>
  new Uint32Array([B, S, dimensions, 0]);

/** Words of `found` before its first pair. */
export const FOUND_HEAD = 2;
/** Words of `found` with room for `capacity` pairs. */
export const foundWords = (capacity: number): number => FOUND_HEAD + 2 * capacity;

interface FindLikely {
  /** Words: how many there are, one of no meaning, then for each pair b · S + s and the bits of its product. Starts as 0. */
  readonly found: Slice;
  readonly sizes: Slice;
  /** (B, H) */
  readonly queries: Slice;
  /** (S, H) */
  readonly documents: Slice;
  /** (B) */
  readonly limits: Slice;
}

/**
 * The pairs of a query and a document whose inner product in float32 is the query's limit or more. All numbers and
 * products must be finite. Where more are counted than `found` has room for, some are missing.
 */
export const findLikely = ({ found, sizes, queries, documents, limits }: FindLikely): Dispatch<LikelySizes> => ({
  kernel: find,
  // One pipeline for all sizes: a search would wait for another to be compiled.
  constants: {},
  bindings: [sizes, queries, documents, limits, found],
  // Queries first: workgroups that run at the same time read the same documents, and all queries fit a cache.
  workgroups: ({ B, S }) => [Math.ceil(B / 64), Math.ceil(S / 64)],
});
