/** BERT on kernels of our own, in WebAssembly: texts back to back in chunks, forward, loss, backward, on one thread. */
import { present } from "../../base/assert.ts";
import type { Pooling } from "../../domain/encoder.ts";
import type { ContrastiveBatch, PackedTexts } from "../../domain/engine.ts";
import { blockBackward, blockForward, norm, normBackward, takeKept, takeNormal } from "./block.ts";
import type { Kept, Normal, Parameters } from "./block.ts";
import { chunksOf, type Chunk } from "./chunks.ts";
import { floatBytes, roundUp, type Heap, type Matrix } from "./heap.ts";
import { infoNce } from "./infonce.ts";
import { panelColumns } from "./kernels/product.ts";
import type { Arena, Network, Target } from "./network.ts";
import {
  lookUp,
  pool,
  poolBackward,
  scatterAdd,
  unitVectors,
  type FloatRows,
  type Layout,
  type Rows,
} from "./tokens.ts";

interface TransformerOptions {
  readonly layout: Layout;
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
interface Forward {
  readonly chunk: Chunk;
  readonly embedding: Normal;
  readonly blocks: readonly Kept[];
}

const EMBEDDING_NORM = "embeddings.norm";
const outputNorm = (layer: number): string => `layer.${layer}.output.norm`;

/** Holds the weights behind the embedding tables as the heap has them, until they change. */
export class Transformer implements Network {
  readonly #heap: Heap;
  readonly #options: TransformerOptions;
  /** Where the arena's part behind the embedding tables starts, in floats; the heap has that part as it is. */
  readonly #start: number;
  readonly #weights: number;
  readonly #ones: number;
  #current = false;

  constructor(heap: Heap, options: TransformerOptions) {
    const { shape, table } = options.layout;
    this.#heap = heap;
    this.#options = options;
    const tables = ["embeddings.word", "embeddings.position", "embeddings.type"];
    const behind = Object.values(table.regions).filter(({ name }) => !tables.includes(name));
    this.#start = Math.min(...behind.map(({ offset }) => offset));
    this.#weights = heap.take(table.floats - this.#start);
    this.#ones = heap.takeZeros(roundUp(shape.hidden, panelColumns));
    heap.view(this.#ones, shape.hidden).fill(1);
  }

  embed(weights: Arena, texts: PackedTexts): Arena {
    const pooled = this.#pooledRows(texts);
    for (const chunk of chunksOf(texts, LARGEST_CHUNK)) this.#forward(weights, chunk, { pooled, keep: false });
    return unitVectors(pooled);
  }

  differentiate(weights: Arena, batch: ContrastiveBatch, { temperature, gradient }: Target): number {
    const { hidden } = this.#options.layout.shape;
    const count = gradient.length - this.#start;
    return this.#heap.during(() => {
      const sums = this.#heap.takeZeros(count);
      const pooled = this.#pooledRows(batch.texts);
      const passes = this.#forwardAll(weights, batch.texts, pooled);
      const { loss, dEmbeddings } = infoNce(unitVectors(pooled), hidden, batch, temperature);
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
    const { hidden } = this.#options.layout.shape;
    return { hidden, values: new Float64Array((cuSeqlens.length - 1) * hidden) };
  }

  #parameters(gradients = 0): Parameters {
    const { shape, table } = this.#options.layout;
    const within = (region: string) => (present(table.regions[region], region).offset - this.#start) * floatBytes;
    return {
      heap: this.#heap,
      shape,
      ones: this.#ones,
      weight: (region) => this.#weights + within(region),
      gradient: (region) => gradients + within(region),
    };
  }

  #rows({ at, row }: Matrix): FloatRows {
    return { floats: this.#heap.floats, at: at / floatBytes, step: row / floatBytes };
  }

  /** Forward passes whose memory is still held; or chunks only, of those beyond what may be kept. */
  #forwardAll(weights: Arena, texts: PackedTexts, pooled: Rows): readonly (Forward | Chunk)[] {
    const { layout, keptBytes } = this.#options;
    let kept = 0;
    return chunksOf(texts, LARGEST_CHUNK).map((chunk) => {
      kept += forwardBytes(layout, chunk);
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
  ): Forward {
    const heap = this.#heap;
    if (!keep) return heap.during(() => this.#run(weights, chunk, this.#take(chunk, 1), pooled));
    return this.#run(weights, chunk, this.#take(chunk, this.#options.layout.shape.layers), pooled);
  }

  /** Room for what a chunk's way forward keeps; blocks without room of their own share the last's. */
  #take(chunk: Chunk, blocks: number): Forward {
    const { shape } = this.#options.layout;
    const tokens = chunk.texts.tokenIds.length;
    return {
      chunk,
      embedding: takeNormal(this.#heap, tokens, shape.hidden),
      blocks: Array.from({ length: blocks }, () => takeKept(this.#heap, tokens, shape)),
    };
  }

  #run(weights: Arena, { texts }: Chunk, pass: Forward, pooled: Rows | undefined): Forward {
    const { layout, pooling } = this.#options;
    const { layers, hidden } = layout.shape;
    const heap = this.#heap;
    if (!this.#current) heap.view(this.#weights, layout.table.floats - this.#start).set(weights.subarray(this.#start));
    this.#current = true;
    const parameters = this.#parameters();
    heap.during(() => {
      const [word, x] = [
        heap.takeMatrix(texts.tokenIds.length, hidden),
        heap.takeMatrix(texts.tokenIds.length, hidden),
      ];
      lookUp(layout, weights, texts, { word: this.#rows(word), place: this.#rows(x) });
      norm(parameters, EMBEDDING_NORM, { x: word, other: x, y: x }, pass.embedding);
      for (let i = 0; i < layers; i++) {
        const kept = present(pass.blocks[Math.min(i, pass.blocks.length - 1)], "room for a block");
        blockForward(parameters, i, { texts, kept }, x);
      }
      if (pooled) pool(pass.chunk, pooling, this.#rows(x), pooled);
    });
    return pass;
  }

  #backward(
    { chunk, embedding, blocks }: Forward,
    from: { readonly pooled: Rows; readonly dEmbeddings: Float64Array },
    { sums, gradient }: { readonly sums: number; readonly gradient: Arena },
  ): void {
    const { layout, pooling } = this.#options;
    const { texts } = chunk;
    const parameters = this.#parameters(sums);
    const d = this.#heap.takeMatrix(texts.tokenIds.length, layout.shape.hidden);
    poolBackward(chunk, pooling, from, this.#rows(d));
    for (const [i, kept] of [...blocks.entries()].toReversed()) {
      const before = blocks[i - 1];
      const input = before
        ? { region: outputNorm(i - 1), normal: before.outputNorm }
        : { region: EMBEDDING_NORM, normal: embedding };
      blockBackward(parameters, i, { texts, input, kept }, d);
    }
    normBackward(parameters, EMBEDDING_NORM, d, embedding);
    scatterAdd(layout, gradient, texts, this.#rows(d));
  }
}

/** Bytes that a {@link Forward} holds, but for a few a row. */
function forwardBytes({ shape: { hidden, intermediate, layers, heads } }: Layout, { texts }: Chunk): number {
  return floatBytes * texts.tokenIds.length * (hidden + layers * (6 * hidden + intermediate + 2 * heads));
}
