/** Transformers on kernels of our own, in WebAssembly: texts back to back in chunks, forward, loss, backward, on one thread. */
import { present } from "../../base/assert.ts";
import type { Pooling } from "../../domain/encoder.ts";
import type { ContrastiveBatch, PackedTexts } from "../../domain/engine.ts";
import type { ParameterTable } from "../parameters.ts";
import { chunksOf, type Chunk } from "./chunks.ts";
import { floatBytes, roundUp, type Heap } from "./heap.ts";
import { panelColumns } from "./kernels/product.ts";
import type { Layers } from "./layers.ts";
import { lossOf } from "./loss.ts";
import type { Arena, Network, Target } from "./network.ts";
import type { Parameters } from "./parts.ts";
import { pool, poolBackward, rowsOf, unitVectors, type Rows } from "./tokens.ts";

interface TransformerOptions<Pass> {
  readonly shape: Parameters["shape"];
  readonly table: ParameterTable;
  readonly layers: Layers<Pass>;
  readonly pooling: Pooling;
  /** Bytes of activations kept from a step's forward pass; chunks beyond that are run forward a second time. */
  readonly keptBytes: number;
}

/**
 * Tokens in a chunk: enough that copying the weights into panels is little beside multiplying with them, few enough that a
 * block's activations stay in the cache.
 */
const LARGEST_CHUNK = 1024;

/** A chunk's way forward. */
interface Forward<Pass> {
  readonly chunk: Chunk;
  readonly pass: Pass;
}

/** Holds the weights behind the embedding tables as the heap has them, until they change. */
export class Transformer<Pass> implements Network {
  readonly #heap: Heap;
  readonly #options: TransformerOptions<Pass>;
  /** Where the arena's part behind the embedding tables starts, in floats; the heap has that part as it is. */
  readonly #start: number;
  readonly #weights: number;
  readonly #ones: number;
  readonly #zeros: number;
  #current = false;

  constructor(heap: Heap, options: TransformerOptions<Pass>) {
    const { shape, table, layers } = options;
    this.#heap = heap;
    this.#options = options;
    const behind = Object.values(table.regions).filter(({ name }) => !layers.tables.includes(name));
    this.#start = Math.min(...behind.map(({ offset }) => offset));
    this.#weights = heap.take(table.floats - this.#start);
    const width = roundUp(shape.hidden, panelColumns);
    this.#zeros = heap.takeZeros(width);
    this.#ones = heap.takeZeros(width);
    heap.view(this.#ones, shape.hidden).fill(1);
  }

  embed(weights: Arena, texts: PackedTexts): Arena {
    const pooled = this.#pooledRows(texts);
    for (const chunk of chunksOf(texts, LARGEST_CHUNK)) this.#forward(weights, chunk, { pooled, keep: false });
    return unitVectors(pooled);
  }

  differentiate(weights: Arena, batch: ContrastiveBatch, { settings, gradient }: Target): number {
    const { hidden } = this.#options.shape;
    const count = gradient.length - this.#start;
    return this.#heap.during(() => {
      const sums = this.#heap.takeZeros(count);
      const pooled = this.#pooledRows(batch.texts);
      const passes = this.#forwardAll(weights, batch.texts, pooled);
      const { loss, dEmbeddings } = lossOf(unitVectors(pooled), hidden, batch, settings);
      for (const waiting of passes) {
        this.#heap.during(() => {
          const pass = "chunk" in waiting ? waiting : this.#forward(weights, waiting, { keep: true });
          this.#backward(pass, { pooled, dEmbeddings }, { sums, gradient });
        });
      }
      const added = this.#heap.view(sums, count);
      for (let i = 0; i < count; i++) gradient[this.#start + i] = (gradient[this.#start + i] ?? 0) + (added[i] ?? 0);
      return loss;
    });
  }

  weightsChanged(): void {
    this.#current = false;
  }

  dispose(): void {
    this.#heap.dispose();
  }

  #pooledRows({ cuSeqlens }: PackedTexts): Rows {
    const { hidden } = this.#options.shape;
    return { hidden, values: new Float64Array((cuSeqlens.length - 1) * hidden) };
  }

  #parameters(gradients = 0): Parameters {
    const { shape, table } = this.#options;
    const within = (region: string) => (present(table.regions[region], region).offset - this.#start) * floatBytes;
    return {
      heap: this.#heap,
      shape,
      ones: this.#ones,
      zeros: this.#zeros,
      weight: (region) => this.#weights + within(region),
      gradient: (region) => gradients + within(region),
      has: (region) => table.regions[region] !== undefined,
    };
  }

  /** Forward passes whose memory is still held; or chunks only, of those beyond what may be kept. */
  #forwardAll(weights: Arena, texts: PackedTexts, pooled: Rows): readonly (Forward<Pass> | Chunk)[] {
    const { layers, keptBytes } = this.#options;
    let kept = 0;
    return chunksOf(texts, LARGEST_CHUNK).map((chunk) => {
      kept += layers.bytes * chunk.texts.tokenIds.length;
      const keep = kept <= keptBytes;
      const pass = this.#forward(weights, chunk, { pooled, keep });
      return keep ? pass : chunk;
    });
  }

  /** With `keep`, takes memory for what the way back needs, and leaves it taken. Adds the pooled texts to `pooled`. */
  #forward(
    weights: Arena,
    chunk: Chunk,
    { pooled, keep }: { readonly pooled?: Rows; readonly keep: boolean },
  ): Forward<Pass> {
    const tokens = chunk.texts.tokenIds.length;
    const run = (): Forward<Pass> => {
      const parameters = this.#parameters();
      return this.#run(weights, { chunk, pass: this.#options.layers.take(parameters, tokens, keep) }, pooled);
    };
    return keep ? run() : this.#heap.during(run);
  }

  #run(weights: Arena, forward: Forward<Pass>, pooled: Rows | undefined): Forward<Pass> {
    const { shape, table, layers, pooling } = this.#options;
    const { chunk, pass } = forward;
    const heap = this.#heap;
    if (!this.#current) heap.view(this.#weights, table.floats - this.#start).set(weights.subarray(this.#start));
    this.#current = true;
    heap.during(() => {
      const y = heap.takeMatrix(chunk.texts.tokenIds.length, shape.hidden);
      layers.forward(this.#parameters(), weights, chunk.texts, { pass, y });
      if (pooled) pool(chunk, pooling, rowsOf(heap, y), pooled);
    });
    return forward;
  }

  #backward(
    { chunk, pass }: Forward<Pass>,
    from: { readonly pooled: Rows; readonly dEmbeddings: Float64Array },
    { sums, gradient }: { readonly sums: number; readonly gradient: Arena },
  ): void {
    const { shape, layers, pooling } = this.#options;
    const d = this.#heap.takeMatrix(chunk.texts.tokenIds.length, shape.hidden);
    poolBackward(chunk, pooling, from, rowsOf(this.#heap, d));
    layers.backward(this.#parameters(sums), gradient, chunk.texts, { pass, d });
  }
}
