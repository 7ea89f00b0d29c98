/**
 * The CPU engine behind the contract that the WebGPU engine fulfils, and its oracle, on one thread. A transformer's blocks run
 * on kernels of our own in WebAssembly with vector instructions (cpu/kernels). Plain loops do what is little work: embedding
 * lookup and its gradient, pooling, the loss and its gradient (in double precision), clipping and AdamW. A static encoder is
 * nothing but these, and needs no WebAssembly. One browser on one machine always gives the same bits; another may round
 * products otherwise. It computes in float32 whatever a recipe's precision is. Of the settings that bound memory, `microTokens`
 * bounds what is encoded at once; `recompute` changes nothing here, where chunks are run forward a second time instead.
 */
import { assert } from "../base/assert.ts";
import type { EncoderShape } from "../domain/encoder.ts";
import type { Engine, Model, PackedTexts, StepSize, Trainer, TrainerSettings } from "../domain/engine.ts";
import { layersOf } from "./cpu/family.ts";
import { Heap } from "./cpu/heap.ts";
import { predictMemory } from "./cpu/memory.ts";
import type { Arena, Network } from "./cpu/network.ts";
import { staticNetwork } from "./cpu/static.ts";
import { CpuTrainer } from "./cpu/trainer.ts";
import { Transformer } from "./cpu/transformer.ts";
import { parameterTable, type ParameterTable } from "./parameters.ts";
import { trainedTable } from "./trained.ts";

/**
 * Activations kept from the forward pass of a step, in bytes; chunks beyond that are run forward a second time
 * (GradCache: Gao et al., 2021). The memory of a WebAssembly module ends at 4 GiB.
 */
const KEPT_BYTES = 2 ** 30;

type ModelInput = Parameters<Engine["createModel"]>[0];

/** `keptBytes` bounds the memory of a step; it changes its time, not its result. */
export function createCpuEngine({ keptBytes = KEPT_BYTES } = {}): Promise<Engine> {
  const memory = new ByteCount();

  function networkOf({ shape, pooling }: ModelInput, table: ParameterTable): Network {
    if (shape.family === "static") {
      assert(pooling === "mean", "a static encoder's pooling is the mean");
      return staticNetwork(shape, table);
    }
    const heap = new Heap((bytes) => memory.add(bytes));
    return new Transformer(heap, { shape, table, pooling, keptBytes, layers: layersOf(shape, table) });
  }

  return Promise.resolve({
    info: { kind: "cpu", device: "1 thread", note: "" },
    predict: (training) => predictMemory(training, keptBytes),
    peakBytes: () => memory.peak,
    // async, so that what networkOf throws rejects.
    async createModel(input) {
      const { shape } = input;
      const table = parameterTable(shape);
      const weights = input.given === true ? input.weights : input.weights.slice();
      assert(weights.length === table.floats, `${weights.length} weights for an arena of ${table.floats}`);
      return new CpuModel({ shape, table, network: networkOf(input, table), memory }, weights);
    },
    dispose: () => undefined,
  });
}

/** Bytes in arenas and heaps. */
class ByteCount {
  peak = 0;
  #now = 0;
  add(bytes: number): void {
    this.#now += bytes;
    this.peak = Math.max(this.peak, this.#now);
  }
}

interface ModelParts {
  readonly shape: EncoderShape;
  readonly table: ParameterTable;
  readonly network: Network;
  readonly memory: ByteCount;
}

class CpuModel implements Model {
  readonly #parts: ModelParts;
  readonly #weights: Arena;
  #last: Promise<unknown> = Promise.resolve();
  #trains = false;

  constructor(parts: ModelParts, weights: Arena) {
    this.#parts = parts;
    this.#weights = weights;
    parts.memory.add(weights.byteLength);
  }

  get shape(): EncoderShape {
    return this.#parts.shape;
  }

  embed(texts: PackedTexts): Promise<Arena> {
    return this.#queue(() => this.#parts.network.embed(this.#weights, texts));
  }

  // async, so that what trainedTable throws rejects.
  async createTrainer(settings: TrainerSettings, largest?: StepSize): Promise<Trainer> {
    const { shape, table, network, memory } = this.#parts;
    const trained = trainedTable(shape, settings.tuning);
    assert(!this.#trains, "one trainer at a time");
    this.#trains = true;
    const trainee = {
      table,
      trained,
      network,
      weights: this.#weights,
      queue: <T>(job: () => T) => this.#queue(job),
      holds: (bytes: number) => memory.add(bytes),
      released: () => void (this.#trains = false),
    };
    try {
      // After what was asked for before: LoRA keeps the weights as they are now.
      return await this.#queue(() => new CpuTrainer(trainee, settings, largest));
    } catch (error) {
      this.#trains = false;
      throw error;
    }
  }

  weights(): Promise<Arena> {
    return this.#queue(() => this.#weights.slice());
  }

  dispose(): void {
    void this.#queue(() => {
      this.#parts.network.dispose();
      this.#parts.memory.add(-this.#weights.byteLength);
    });
  }

  /** Runs jobs one after another, in the order of the calls. */
  #queue<T>(job: () => T): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
