/** Transformers on kernels of our own, in WebAssembly: texts back to back in chunks, forward, loss, backward, on one thread. */
import { present } from "../../base/assert.ts";
import type { Pooling } from "../../domain/encoder.ts";
import type { ContrastiveBatch, PackedTexts, StepSize } from "../../domain/engine.ts";
import type { ParameterTable } from "../parameters.ts";
import { chunksOf, type Chunk } from "./chunks.ts";
import { floatBytes, roundUp, type Heap } from "./heap.ts";
import { panelColumns } from "./kernels/product.ts";
import { behindTables, bottomLayer, type Layers } from "./layers.ts";
import { lossOf } from "./loss.ts";
import { chunkTokens, heldPasses } from "./memory.ts";
import type { Arena, Network, Target } from "./network.ts";
import type { Parameters } from "./parts.ts";
import { pool, poolBackward, rowsOf, unitVectors, type Rows } from "./tokens.ts";

interface TransformerOptions {
  readonly shape: Parameters["shape"];
  readonly table: ParameterTable;
  readonly layers: Layers<unknown>;
  readonly pooling: Pooling;
  /** Bytes of activations kept from a step's forward pass; chunks beyond that are run forward a second time. */
  readonly keptBytes: number;
}

/** A chunk's way forward. */
interface Forward {
  readonly chunk: Chunk;
  readonly pass: unknown;
}

/** Holds the weights behind the embedding tables as the heap has them, until they change. */
export class Transformer implements Network {
  readonly #heap: Heap;
  readonly #options: TransformerOptions;
  /** Where the arena's part behind the embedding tables starts, in floats; the heap has that part as it is. */
  readonly #start: number;
  readonly #weights: number;
  readonly #ones: number;
  readonly #zeros: number;
  #current = false;

  constructor(heap: Heap, options: TransformerOptions) {
    const { shape, table, layers } = options;
    this.#heap = heap;
    this.#options = options;
    this.#start = behindTables(layers, table.regions);
    this.#weights = heap.take(table.floats - this.#start);
    const width = roundUp(shape.hidden, panelColumns);
    this.#zeros = heap.takeZeros(width);
    this.#ones = heap.takeZeros(width);
    heap.view(this.#ones, shape.hidden).fill(1);
  }

  embed(weights: Arena, texts: PackedTexts): Arena {
    const pooled = this.#pooledRows(texts);
    for (const chunk of chunksOf(texts, chunkTokens()))
      this.#heap.during(() => this.#forward(weights, chunk, { pooled, from: Infinity }));
    return unitVectors(pooled);
  }

  differentiate(weights: Arena, batch: ContrastiveBatch, target: Target): number {
    const { shape, layers } = this.#options;
    const { settings, gradient, wanted, share } = target;
    const start = behindTables(layers, wanted.regions);
    const count = gradient.length - start;
    return this.#heap.during(() => {
      const sums = this.#heap.takeZeros(count);
      const pooled = this.#pooledRows(batch.texts);
      const passes = this.#forwardAll(weights, batch.texts, { pooled, target });
      const { loss, dEmbeddings } = lossOf(unitVectors(pooled), shape.hidden, batch, settings);
      const from = { pooled, dEmbeddings: dEmbeddings.map((d) => d * share) };
      for (const waiting of passes) {
        this.#heap.during(() => {
          const again = { target, from: bottomLayer(wanted) };
          const pass = "chunk" in waiting ? waiting : this.#forward(weights, waiting, again);
          this.#backward(pass, from, { target, gradients: sums - start * floatBytes });
        });
      }
      const added = this.#heap.view(sums, count);
      for (let i = 0; i < count; i++) gradient[start + i] = (gradient[start + i] ?? 0) + (added[i] ?? 0);
      return loss;
    });
  }

  reserve(size: StepSize, { wanted, settings }: Pick<Target, "wanted" | "settings">): void {
    const { layers, keptBytes } = this.#options;
    const from = bottomLayer(wanted);
    const { passes, besides } = heldPasses(size, { layers, from, keptBytes, settings });
    const parameters = this.#parameters();
    this.#heap.during(() => {
      this.#heap.take(wanted.floats - behindTables(layers, wanted.regions));
      for (const tokens of passes) layers.take(parameters, tokens, from);
      this.#heap.take(besides / floatBytes);
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

  /** For a chunk of a training step, whose gradients lie from `gradients` on; without them, for no step. */
  #parameters(firstToken = 0, target?: Target, gradients = 0): Parameters {
    const { shape, table } = this.#options;
    const { dropping, wanted } = target ?? {};
    const offsetOf = (region: string) => present(table.regions[region], region).offset - this.#start;
    return {
      heap: this.#heap,
      shape,
      ones: this.#ones,
      zeros: this.#zeros,
      bottom: wanted && !wanted.embeddings ? wanted.lowest : -1,
      dropping: dropping && { ...dropping, first: dropping.first + firstToken },
      weight: (region) => this.#weights + offsetOf(region) * floatBytes,
      gradient: (region) => {
        const at = wanted?.regions[region];
        return at && gradients + at.offset * floatBytes;
      },
      has: (region) => table.regions[region] !== undefined,
    };
  }

  /** Forward passes whose memory is still held; or chunks only, of those beyond what may be kept. */
  #forwardAll(
    weights: Arena,
    texts: PackedTexts,
    { pooled, target }: { readonly pooled: Rows; readonly target: Target },
  ): readonly (Forward | Chunk)[] {
    const { layers, keptBytes } = this.#options;
    const from = bottomLayer(target.wanted);
    const bytes = layers.bytes(from);
    let kept = 0;
    return chunksOf(texts, chunkTokens(target.settings)).map((chunk) => {
      kept += bytes * chunk.texts.tokenIds.length;
      if (kept <= keptBytes) return this.#forward(weights, chunk, { pooled, target, from });
      this.#heap.during(() => this.#forward(weights, chunk, { pooled, target, from: Infinity }));
      return chunk;
    });
  }

  /**
   * Takes memory, and leaves it taken, for what the way back to layer `from` needs. Adds the pooled texts to `pooled`. Of a training
   * step where there is a target.
   */
  #forward(
    weights: Arena,
    chunk: Chunk,
    { pooled, target, from }: { readonly pooled?: Rows; readonly target?: Target; readonly from: number },
  ): Forward {
    const { shape, table, layers, pooling } = this.#options;
    const heap = this.#heap;
    const tokens = chunk.texts.tokenIds.length;
    const parameters = this.#parameters(chunk.firstToken, target);
    const pass = layers.take(parameters, tokens, from);
    if (!this.#current) heap.view(this.#weights, table.floats - this.#start).set(weights.subarray(this.#start));
    this.#current = true;
    heap.during(() => {
      const y = heap.takeMatrix(tokens, shape.hidden);
      layers.forward(parameters, weights, chunk.texts, { pass, y });
      if (pooled) pool(chunk, pooling, rowsOf(heap, y), pooled);
    });
    return { chunk, pass };
  }

  #backward(
    { chunk, pass }: Forward,
    from: { readonly pooled: Rows; readonly dEmbeddings: Float64Array },
    { target, gradients }: { readonly target: Target; readonly gradients: number },
  ): void {
    const { shape, layers, pooling } = this.#options;
    const d = this.#heap.takeMatrix(chunk.texts.tokenIds.length, shape.hidden);
    poolBackward(chunk, pooling, from, rowsOf(this.#heap, d));
    layers.backward(this.#parameters(chunk.firstToken, target, gradients), target.gradient, chunk.texts, { pass, d });
  }
}
