/** The GPU's part of an exact search: which documents of a block may be among the best of which query of a group. */
import { createArena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Pipelines } from "../gpu/pass.ts";
import { ReadbackRing } from "../gpu/readback.ts";
import { whole } from "../gpu/slice.ts";
import { Submitter } from "../gpu/submit.ts";
import { write } from "../gpu/upload.ts";
import { FOUND_HEAD, findLikely, foundWords, sizesUniform, type LikelySizes } from "../kernels/likely/likely.ts";

export interface FinderSize {
  /** Most queries of a group. */
  readonly queries: number;
  /** Most documents of a block. */
  readonly documents: number;
  readonly dimensions: number;
  /** Most pairs of a query and a document that come back for a block. */
  readonly capacity: number;
}

/** Pairs of a query and a document of a block, in any order. */
export interface Likely {
  /** How many were found; where these are more than the capacity, some are missing. */
  readonly count: number;
  /** (pairs, 2): query · documents of the block + document, then the bits of the product. */
  readonly pairs: Uint32Array;
  /** The same memory as float32: [2 · i + 1] is the product of pair i. */
  readonly products: Float32Array;
}

export interface LikelyFinder {
  /** Takes a group of queries, (queries, dimensions). */
  takeQueries(values: Float32Array<ArrayBuffer>): void;
  /** The pairs whose product reaches the query's limit. `documents`: (documents, dimensions). Errors: DeviceLost. */
  find(documents: Float32Array<ArrayBuffer>, limits: Float32Array<ArrayBuffer>): Promise<Likely>;
  dispose(): void;
}

const words = Uint32Array.BYTES_PER_ELEMENT;

/** Allocates all that a search needs, for any number of groups and blocks. Errors: GpuOutOfMemory, DeviceLost. */
export async function createFinder(gpu: Gpu, pipelines: Pipelines, size: FinderSize): Promise<LikelyFinder> {
  const { dimensions } = size;
  const [inputs, output] = [0, 1];
  const arena = await createArena(
    gpu,
    "search",
    new Map([
      ["sizes", { bytes: 4 * words, bank: inputs }],
      ["queries", { bytes: size.queries * dimensions * words, bank: inputs }],
      ["documents", { bytes: size.documents * dimensions * words, bank: inputs }],
      ["limits", { bytes: size.queries * words, bank: inputs }],
      ["found", { bytes: foundWords(size.capacity) * words, bank: output }],
    ]),
  );
  const found = arena.at("found");
  const bound = { sizes: arena.at("sizes"), queries: arena.at("queries"), documents: arena.at("documents") };
  const limits = arena.at("limits");
  const ring = new ReadbackRing(gpu, { label: "search", bytes: found.size, slots: 1 });
  const submitter = new Submitter(gpu);
  const passes = await pipelines.realise([findLikely({ found, ...bound, limits })]);
  return {
    takeQueries: (values) => write(gpu, bound.queries, values),
    async find(documents, given) {
      const sizes: LikelySizes = { B: given.length, S: documents.length / dimensions };
      const slot = await ring.take();
      write(gpu, bound.sizes, sizesUniform(sizes, dimensions));
      write(gpu, bound.documents, documents);
      write(gpu, limits, given);
      const clears = [{ ...found, size: words }];
      submitter.submit({ label: "search", passes, counts: sizes, clears, copies: [{ from: found, to: whole(slot) }] });
      const numbers = await ring.read(slot);
      const all = new Uint32Array(numbers.buffer);
      return { count: all[0] ?? 0, pairs: all.subarray(FOUND_HEAD), products: numbers.subarray(FOUND_HEAD) };
    },
    dispose() {
      ring.dispose();
      arena.dispose();
    },
  };
}
