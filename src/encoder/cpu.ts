/**
 * The CPU engine behind the contract that the WebGPU engine fulfils, and its oracle. BERT runs on jax-js (WebAssembly, SIMD,
 * threads where the page is cross-origin isolated): the embedding LayerNorm and the blocks; it differentiates linear layers
 * and LayerNorm, while attention and GELU have their formulas (cpu/layer.ts). Plain loops do what is little work or what it
 * has no fast kernel for: embedding lookup and its gradient, pooling, InfoNCE and its gradient (in double precision),
 * clipping and AdamW. A static encoder is nothing but these, and never loads jax-js.
 *
 * In Node, call `prepareNodeForCpuEngine` of experiments/node-cpu.ts before.
 */
import { assert } from "../base/assert.ts";
import type { EncoderShape } from "../domain/encoder.ts";
import type { ContrastiveBatch, Engine, Model, PackedTexts } from "../domain/engine.ts";
import type { StepOutcome, Trainer, TrainerSettings } from "../domain/engine.ts";
import type { Checkpoint } from "../domain/training.ts";
import { adamW, gradientNorm, type Moments } from "./cpu/adamw.ts";
import { loadBackend, threadCount } from "./cpu/backend.ts";
import type { Arena, Network } from "./cpu/network.ts";
import { staticNetwork } from "./cpu/static.ts";
import { Transformer } from "./cpu/transformer.ts";
import { parameterTable, type ParameterTable } from "./parameters.ts";

/**
 * Activations kept from the forward pass of a step, in bytes; chunks beyond that are run forward a second time
 * (GradCache: Gao et al., 2021). The heap of a WebAssembly module ends at 4 GiB.
 */
const KEPT_BYTES = 2 ** 30;

type ModelInput = Parameters<Engine["createModel"]>[0];

/**
 * `keptBytes` bounds the memory of a step; it changes its time, not its result. jax-js is loaded with the first model that
 * needs it, so that `createModel` has the errors of loading WebAssembly.
 */
export function createCpuEngine({ keptBytes = KEPT_BYTES } = {}): Promise<Engine> {
  const threads = threadCount();
  const arenas = new ArenaCount();
  let heapBytes = () => 0;

  async function networkOf({ shape, pooling }: ModelInput, table: ParameterTable): Promise<Network> {
    switch (shape.family) {
      case "bert": {
        const backend = await loadBackend();
        heapBytes = backend.heapBytes;
        return new Transformer(backend.jax, { layout: { shape, table }, pooling, keptBytes });
      }
      case "static":
        assert(pooling === "mean", "a static encoder's pooling is the mean");
        return staticNetwork(shape, table);
      default:
        return shape satisfies never;
    }
  }

  return Promise.resolve({
    info: { kind: "cpu", device: threads === 1 ? "1 thread" : `${threads} threads`, note: "" },
    peakBytes: () => heapBytes() + arenas.peak,
    async createModel(input) {
      const { shape } = input;
      const table = parameterTable(shape);
      const weights = input.weights.slice();
      assert(weights.length === table.floats, `${weights.length} weights for an arena of ${table.floats}`);
      return new CpuModel({ shape, table, network: await networkOf(input, table), arenas }, weights);
    },
    dispose: () => undefined,
  });
}

/** Bytes in arenas, which live outside jax-js's heap. */
class ArenaCount {
  peak = 0;
  #now = 0;
  add(arenas: readonly Arena[]): void {
    this.#now += arenas.reduce((sum, arena) => sum + arena.byteLength, 0);
    this.peak = Math.max(this.peak, this.#now);
  }
  remove(arenas: readonly Arena[]): void {
    this.#now -= arenas.reduce((sum, arena) => sum + arena.byteLength, 0);
  }
}

interface ModelParts {
  readonly shape: EncoderShape;
  readonly table: ParameterTable;
  readonly network: Network;
  readonly arenas: ArenaCount;
}

class CpuModel implements Model {
  readonly parts: ModelParts;
  readonly weightArena: Arena;
  #last: Promise<unknown> = Promise.resolve();
  trained = false;

  constructor(parts: ModelParts, weights: Arena) {
    this.parts = parts;
    this.weightArena = weights;
    parts.arenas.add([weights]);
  }

  get shape(): EncoderShape {
    return this.parts.shape;
  }

  get device(): string | undefined {
    return this.parts.network.device;
  }

  /** Runs jobs one after another, in the order of the calls. */
  queue<T>(job: () => T | Promise<T>): Promise<T> {
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
      this.parts.arenas.remove([this.weightArena]);
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
    model.parts.arenas.add(this.#arenas());
  }

  step(batch: ContrastiveBatch, learningRate: number): Promise<StepOutcome> {
    const { weightArena, parts } = this.#model;
    const gradient = this.#gradient;
    const { temperature } = this.#settings;
    return this.#model.queue(async () => {
      gradient.fill(0);
      const loss = await parts.network.differentiate(weightArena, batch, { temperature, gradient });
      const norm = gradientNorm(gradient);
      if (Number.isFinite(loss) && Number.isFinite(norm)) {
        const { decayed } = parts.table;
        adamW(weightArena, this.#moments, this.#settings, { gradient, norm, learningRate, decayed });
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
    this.#model.parts.arenas.remove(this.#arenas());
  }

  #arenas(): readonly Arena[] {
    return [this.#gradient, this.#moments.first, this.#moments.second];
  }
}
