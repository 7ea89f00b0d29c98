/**
 * The CPU engine behind the contract that the WebGPU engine fulfils, and its oracle, on one thread. A transformer's blocks run
 * on kernels of our own in WebAssembly with vector instructions (cpu/kernels). Plain loops do what is little work: embedding
 * lookup and its gradient, pooling, the loss and its gradient (in double precision), clipping and AdamW. A static encoder is
 * nothing but these, and needs no WebAssembly. One browser on one machine always gives the same bits; another may round
 * products otherwise.
 */
import { assert } from "../base/assert.ts";
import type { EncoderShape } from "../domain/encoder.ts";
import type { ContrastiveBatch, Engine, Model, PackedTexts } from "../domain/engine.ts";
import type { StepOutcome, Trainer, TrainerSettings } from "../domain/engine.ts";
import type { Checkpoint } from "../domain/training.ts";
import { adamW, gradientNorm, type Moments } from "./cpu/adamw.ts";
import { bertLayers } from "./cpu/bert.ts";
import { Heap } from "./cpu/heap.ts";
import { modernBertLayers } from "./cpu/modernbert.ts";
import type { Arena, Network } from "./cpu/network.ts";
import { staticNetwork } from "./cpu/static.ts";
import { Transformer } from "./cpu/transformer.ts";
import { parameterTable, type ParameterTable } from "./parameters.ts";

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
    const heap = () => new Heap((bytes) => memory.add(bytes));
    switch (shape.family) {
      case "bert":
        return new Transformer(heap(), { shape, table, pooling, keptBytes, layers: bertLayers({ shape, table }) });
      case "modernbert":
        return new Transformer(heap(), {
          shape,
          table,
          pooling,
          keptBytes,
          layers: modernBertLayers({ shape, table }),
        });
      case "static":
        assert(pooling === "mean", "a static encoder's pooling is the mean");
        return staticNetwork(shape, table);
      default:
        return shape satisfies never;
    }
  }

  return Promise.resolve({
    info: { kind: "cpu", device: "1 thread", note: "" },
    peakBytes: () => memory.peak,
    // async, so that what networkOf throws rejects.
    async createModel(input) {
      const { shape } = input;
      const table = parameterTable(shape);
      const weights = input.weights.slice();
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

const bytesOf = (arenas: readonly Arena[]): number => arenas.reduce((sum, arena) => sum + arena.byteLength, 0);

interface ModelParts {
  readonly shape: EncoderShape;
  readonly table: ParameterTable;
  readonly network: Network;
  readonly memory: ByteCount;
}

class CpuModel implements Model {
  readonly parts: ModelParts;
  readonly weightArena: Arena;
  #last: Promise<unknown> = Promise.resolve();
  trained = false;

  constructor(parts: ModelParts, weights: Arena) {
    this.parts = parts;
    this.weightArena = weights;
    parts.memory.add(weights.byteLength);
  }

  get shape(): EncoderShape {
    return this.parts.shape;
  }

  /** Runs jobs one after another, in the order of the calls. */
  queue<T>(job: () => T): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.catch(() => undefined);
    return result;
  }

  embed(texts: PackedTexts): Promise<Arena> {
    return this.queue(() => this.parts.network.embed(this.weightArena, texts));
  }

  createTrainer(settings: TrainerSettings): Promise<Trainer> {
    assert(!this.trained, "one trainer at a time");
    this.trained = true;
    return Promise.resolve(new CpuTrainer(this, settings));
  }

  weights(): Promise<Arena> {
    return this.queue(() => this.weightArena.slice());
  }

  dispose(): void {
    void this.queue(() => {
      this.parts.network.dispose();
      this.parts.memory.add(-this.weightArena.byteLength);
    });
  }
}

class CpuTrainer implements Trainer {
  readonly #model: CpuModel;
  readonly #settings: TrainerSettings;
  readonly #gradient: Arena;
  readonly #moments: Moments;

  constructor(model: CpuModel, settings: TrainerSettings) {
    const { floats } = model.parts.table;
    this.#model = model;
    this.#settings = settings;
    this.#gradient = new Float32Array(floats);
    this.#moments = { step: 0, first: new Float32Array(floats), second: new Float32Array(floats) };
    model.parts.memory.add(bytesOf(this.#arenas()));
  }

  step(batch: ContrastiveBatch, learningRate: number): Promise<StepOutcome> {
    const { weightArena, parts } = this.#model;
    const gradient = this.#gradient;
    const settings = this.#settings;
    return this.#model.queue(() => {
      gradient.fill(0);
      const loss = parts.network.differentiate(weightArena, batch, { settings, gradient });
      const norm = gradientNorm(gradient);
      if (Number.isFinite(loss) && Number.isFinite(norm)) {
        const { decayed } = parts.table;
        adamW(weightArena, this.#moments, settings, { gradient, norm, learningRate, decayed });
        parts.network.weightsChanged();
      }
      return { loss, gradNorm: norm };
    });
  }

  gradient(): Promise<Arena> {
    return this.#model.queue(() => this.#gradient.slice());
  }

  checkpoint(): Promise<Checkpoint> {
    return this.#model.queue(() => ({
      step: this.#moments.step,
      weights: this.#model.weightArena.slice(),
      firstMoment: this.#moments.first.slice(),
      secondMoment: this.#moments.second.slice(),
    }));
  }

  restore({ step, weights, firstMoment, secondMoment }: Checkpoint): Promise<void> {
    return this.#model.queue(() => {
      this.#model.weightArena.set(weights);
      this.#moments.first.set(firstMoment);
      this.#moments.second.set(secondMoment);
      this.#moments.step = step;
      this.#model.parts.network.weightsChanged();
    });
  }

  dispose(): void {
    this.#model.trained = false;
    this.#model.parts.memory.add(-bytesOf(this.#arenas()));
  }

  #arenas(): readonly Arena[] {
    return [this.#gradient, this.#moments.first, this.#moments.second];
  }
}
