/**
 * Exact search with the products on a GPU. As in dense.ts float32 finds and float64 scores, so that the rankings are the
 * same, bit for bit: the first documents are searched on the CPU, then the GPU compares each product with the limit that its
 * query's best documents so far set, and only the pairs that reach it come back to be scored. What the GPU cannot do is done
 * on the CPU: vectors too long for float32, blocks with too many likely pairs, and all that is left when the device fails.
 */
import { present } from "../base/assert.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { Progress } from "../domain/stages.ts";
import { openGpu, type Gpu } from "../gpu/device.ts";
import { GpuUnavailable } from "../gpu/errors.ts";
import { Pipelines } from "../gpu/pass.ts";
import { blockSizer, type BlockSizer } from "./blockSizer.ts";
import {
  groupsOf,
  pacer,
  rankingsOf,
  scoreDocuments,
  type DenseIndex,
  type DenseInput,
  type Group,
  type Pacer,
  type Span,
} from "./dense.ts";
import { createFinder, type Likely, type LikelyFinder } from "./likelyFinder.ts";
import { scorePairs, type Asking } from "./likelyPairs.ts";
import { wgslMargin } from "./margin.ts";

/** Queries of a group: the documents travel to the GPU once for all of them. */
const groupSize = 1024;
/** Bytes of documents that are on the GPU at once. WebGPU's default limit for a binding is 128 MiB. */
const blockBytes = 2 ** 25;
/** Pairs that come back for a block, at most: 4 MiB. */
const defaultCapacity = 2 ** 19;
/** Documents that are searched on the CPU to give the GPU a limit: as many, and more for deep rankings. */
const firstDocuments = 1024;
const firstPerDepth = 4;

const float32Most = (2 - 2 ** -23) * 2 ** 127;

/** One search, and what it holds. */
interface Search {
  readonly index: DenseIndex;
  readonly input: DenseInput;
  readonly due: Pacer;
  /** Documents that fit the GPU's buffer. */
  readonly most: number;
  readonly sizer: BlockSizer;
  /** Made when it is first needed. */
  finder: LikelyFinder | undefined;
}

/** What a product must reach to matter to its query; finite, as WGSL has no other numbers. */
const limitsOf = ({ group, margins }: Asking): Float32Array<ArrayBuffer> =>
  Float32Array.from(group.asked, ({ heap }, q) =>
    Math.max(-float32Most, Math.min(float32Most, heap.least() - (margins[q] ?? Infinity))),
  );

/** Errors: GpuUnavailable, also where the GPU is software (the CPU is faster then), unless that is wanted. */
export async function openGpuSearch(
  gpu: GPU | undefined,
  { software = false, capacity = defaultCapacity }: { readonly software?: boolean; readonly capacity?: number } = {},
): Promise<GpuSearch> {
  const opened = await openGpu(gpu);
  if (opened.software && !software) {
    opened.dispose();
    throw new GpuUnavailable(`${opened.name} is slower than search on the CPU. Leave the search to the CPU.`);
  }
  return new GpuSearch({ gpu: opened, pipelines: new Pipelines(opened), capacity });
}

/** A GPU to search with. Several searches may run at once: each holds its own buffers, until it ends or is stopped. */
export class GpuSearch {
  readonly #gpu: Gpu;
  readonly #pipelines: Pipelines;
  readonly #capacity: number;
  #fault: Error | undefined;
  #blocks = 0;

  /** `capacity`: pairs that come back for a block, at most. Owns the GPU. */
  constructor({ gpu, pipelines, capacity }: { gpu: Gpu; pipelines: Pipelines; capacity: number }) {
    this.#gpu = gpu;
    this.#pipelines = pipelines;
    this.#capacity = capacity;
  }

  /** The adapter; says so where it is software. */
  get name(): string {
    return this.#gpu.name;
  }

  get software(): boolean {
    return this.#gpu.software;
  }

  /** What ended the use of the GPU, if something has. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Blocks of documents that the GPU alone has searched so far. */
  get blocks(): number {
    return this.#blocks;
  }

  /** As searchDense, and the same rankings. Reports after each block too: the share of the group's queries that was searched. */
  async *search(index: DenseIndex, input: DenseInput): AsyncGenerator<Progress, Ranking[], void> {
    const total = input.queryIds.length;
    const search = this.#start(index, input);
    const rankings: Ranking[] = [];
    try {
      for (const group of groupsOf(index, input, groupSize)) {
        for await (const seen of this.#searchGroup(search, group)) {
          const done = group.first + Math.floor((group.asked.length * seen) / index.ids.length);
          yield { done, total, unit: "queries" };
        }
        rankings.push(...rankingsOf(group));
      }
    } finally {
      search.finder?.dispose();
    }
    yield { done: total, total, unit: "queries" };
    return rankings;
  }

  dispose(): void {
    this.#gpu.dispose();
  }

  #start(index: DenseIndex, input: DenseInput): Search {
    const { dimensions } = index.vectors;
    const bytes = Math.min(blockBytes, this.#gpu.device.limits.maxStorageBufferBindingSize);
    const most = Math.min(index.ids.length, Math.floor(bytes / (4 * dimensions)));
    const sizer = blockSizer({ depth: input.depth, dimensions, most, capacity: this.#capacity });
    return { index, input, most, due: pacer(), sizer, finder: undefined };
  }

  /** What `work` gives, or undefined once the device has failed: it is given back then, and not used again. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#fault) return undefined;
    try {
      return await work();
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
      this.#gpu.dispose();
      return undefined;
    }
  }

  /** One group against every document; yields how many of them are behind it. */
  async *#searchGroup(search: Search, group: Group): AsyncGenerator<number, void, void> {
    const { index, input, due } = search;
    const { ids, longest, vectors } = index;
    let seen = Math.min(ids.length, Math.max(firstDocuments, firstPerDepth * input.depth));
    for (const _ of scoreDocuments({ index, group, due }, { from: 0, to: seen })) yield 0;
    const margins = Float64Array.from(group.asked, ({ length }) => wgslMargin(vectors.dimensions, length, longest));
    if (seen < ids.length && margins.every(Number.isFinite))
      seen = yield* this.#searchBlocks(search, { index, group, margins, due }, seen);
    for (const _ of scoreDocuments({ index, group, due }, { from: seen, to: ids.length })) yield seen;
  }

  /** The documents from `first` on, as far as the GPU goes; yields and returns how many are behind. */
  async *#searchBlocks(search: Search, asking: Asking, first: number): AsyncGenerator<number, number, void> {
    const { index, group } = asking;
    await this.#attempt(async () => {
      search.finder ??= await this.#finderFor(search);
      search.finder.takeQueries(group.vectors);
    });
    let seen = first;
    while (seen < index.ids.length) {
      const to = Math.min(index.ids.length, seen + search.sizer.documents(group.asked.length, seen));
      const span = { from: seen, to };
      const found = await this.#attempt(() => this.#find(search, asking, span));
      if (!found) break;
      const complete = found.count <= this.#capacity;
      if (complete) this.#blocks++;
      for (const _ of complete ? scorePairs(asking, span, found) : scoreDocuments(asking, span)) yield seen;
      seen = to;
      yield seen;
    }
    return seen;
  }

  #finderFor({ index, input, most }: Search): Promise<LikelyFinder> {
    return createFinder(this.#gpu, this.#pipelines, {
      queries: Math.min(groupSize, input.queryIds.length),
      documents: most,
      dimensions: index.vectors.dimensions,
      capacity: this.#capacity,
    });
  }

  /** The likely pairs of a span; tells the sizer how it went. */
  async #find({ finder, sizer }: Search, asking: Asking, { from, to }: Span): Promise<Likely> {
    const { dimensions, values } = asking.index.vectors;
    const start = performance.now();
    const found = await present(finder, "the finder").find(
      values.subarray(from * dimensions, to * dimensions),
      limitsOf(asking),
    );
    const milliseconds = performance.now() - start;
    const queries = asking.group.asked.length;
    sizer.learn({ queries, documents: to - from, seen: from, likely: found.count, milliseconds });
    return found;
  }
}
