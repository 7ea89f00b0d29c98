/**
 * The CPU engine: jax-js (WebAssembly, SIMD, threads where the page is cross-origin isolated) behind the contract that the
 * WebGPU engine fulfils, and its oracle. jax-js runs the embedding LayerNorm and the blocks; it differentiates linear layers
 * and LayerNorm, while attention and GELU have their formulas (cpu/layer.ts). Plain loops do what is little work or what it
 * has no fast kernel for: embedding lookup and its gradient, pooling, InfoNCE and its gradient (in double precision),
 * clipping and AdamW.
 *
 * In Node, call `prepareNodeForCpuEngine` of experiments/node-cpu.ts before.
 */
import { assert } from "../base/assert.ts";
import type { Pooling } from "../domain/encoder.ts";
import type {
  ContrastiveBatch,
  Engine,
  Model,
  PackedTexts,
  StepOutcome,
  Trainer,
  TrainerSettings,
} from "../domain/engine.ts";
import type { Checkpoint } from "../domain/training.ts";
import { adamW, gradientNorm, type Moments } from "./cpu/adamw.ts";
import { arrange, type Chunk } from "./cpu/arrange.ts";
import { loadBackend, type Backend } from "./cpu/backend.ts";
import { backward, compile, discard, forward, forwardBytes, infer, largestChunk, upload } from "./cpu/encoder.ts";
import type { Forward, Layout, Programs, Uploaded } from "./cpu/encoder.ts";
import { infoNce } from "./cpu/infonce.ts";
import { pool, poolBackward } from "./cpu/tokens.ts";
import { parameterTable } from "./parameters.ts";

type Arena = Float32Array<ArrayBuffer>;

/**
 * Activations kept from the forward pass of a step, in bytes; chunks beyond that are run forward a second time
 * (GradCache: Gao et al., 2021). The heap of a WebAssembly module ends at 4 GiB.
 */
const KEPT_BYTES = 2 ** 30;

/** `keptBytes` bounds the memory of a step; it changes its time, not its result. Errors: those of loading WebAssembly. */
export async function createCpuEngine({ keptBytes = KEPT_BYTES } = {}): Promise<Engine> {
  const backend = await loadBackend();
  const { threads } = backend;
  const arenas = new ArenaCount();
  return {
    info: { kind: "cpu", device: threads === 1 ? "1 thread" : `${threads} threads`, note: "" },
    peakBytes: () => backend.heapBytes() + arenas.peak,
    createModel: ({ shape, pooling, weights }) => {
      const table = parameterTable(shape);
      assert(weights.length === table.floats, `${weights.length} weights for an arena of ${table.floats}`);
      return Promise.resolve(
        new CpuModel(backend, { layout: { shape, table }, pooling, arenas, keptBytes }, weights.slice()),
      );
    },
    dispose: () => undefined,
  };
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

interface ModelOptions {
  readonly layout: Layout;
  readonly pooling: Pooling;
  readonly arenas: ArenaCount;
  readonly keptBytes: number;
}

class CpuModel implements Model {
  readonly options: ModelOptions;
  readonly weightArena: Arena;
  readonly #backend: Backend;
  readonly #programs: Programs;
  #uploaded: Uploaded | undefined;
  #last: Promise<unknown> = Promise.resolve();
  trained = false;

  constructor(backend: Backend, options: ModelOptions, weights: Arena) {
    this.#backend = backend;
    this.options = options;
    this.weightArena = weights;
    this.#programs = compile(backend.jax, options.layout.shape);
    options.arenas.add([weights]);
  }

  get shape() {
    return this.options.layout.shape;
  }

  /** Runs jobs one after another, in the order of the calls. */
  queue<T>(job: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.catch(() => undefined);
    return result;
  }

  embed(texts: PackedTexts): Promise<Arena> {
    return this.queue(async () => {
      const embeddings = this.#emptyEmbeddings(texts);
      for (const chunk of arrange(texts, largestChunk(this.shape))) {
        const y = await infer(this.#programs, this.#input(texts), chunk);
        pool({ y, chunk }, this.options.pooling, embeddings, this.shape.hidden);
      }
      return embeddings;
    });
  }

  createTrainer(settings: TrainerSettings): Promise<Trainer> {
    assert(!this.trained, "one trainer at a time");
    this.trained = true;
    return Promise.resolve(new CpuTrainer(this, settings));
  }

  weights(): Promise<Arena> {
    return this.queue(() => this.weightArena.slice());
  }

  /** Loss of the batch; its gradient is added to `gradient`. Part of a queued job. */
  async differentiate(batch: ContrastiveBatch, temperature: number, gradient: Arena): Promise<number> {
    const { layout, pooling, keptBytes } = this.options;
    const { hidden } = this.shape;
    const input = this.#input(batch.texts);
    const embeddings = this.#emptyEmbeddings(batch.texts);
    const passes: (Forward | Chunk)[] = [];
    let kept = 0;
    for (const chunk of arrange(batch.texts, largestChunk(this.shape))) {
      kept += forwardBytes(layout, chunk);
      const pass = kept <= keptBytes ? await forward(this.#programs, input, chunk) : undefined;
      const y = pass ? pass.y : await infer(this.#programs, input, chunk);
      pool({ y, chunk }, pooling, embeddings, hidden);
      passes.push(pass ?? chunk);
    }
    const { loss, dEmbeddings } = infoNce(embeddings, hidden, batch, temperature);
    for (const waiting of passes) {
      const pass = "saved" in waiting ? waiting : await forward(this.#programs, input, waiting);
      const dy = poolBackward(pass, pooling, dEmbeddings, hidden);
      await backward(this.#programs, input, pass, { dy, gradient });
    }
    return loss;
  }

  /** To be called when the weight arena has changed. */
  weightsChanged(): void {
    if (this.#uploaded) discard(this.#backend.jax, this.#uploaded);
    this.#uploaded = undefined;
  }

  dispose(): void {
    void this.queue(() => {
      this.weightsChanged();
      this.#programs.dispose();
      this.options.arenas.remove([this.weightArena]);
    });
  }

  #input(texts: PackedTexts) {
    const { layout } = this.options;
    this.#uploaded ??= upload(this.#backend.jax, this.weightArena, layout);
    return { weights: this.weightArena, layout, uploaded: this.#uploaded, texts };
  }

  #emptyEmbeddings({ cuSeqlens }: PackedTexts): Arena {
    return new Float32Array((cuSeqlens.length - 1) * this.shape.hidden);
  }
}

class CpuTrainer implements Trainer {
  readonly #model: CpuModel;
  readonly #settings: TrainerSettings;
  readonly #gradient: Arena;
  readonly #moments: Moments;

  constructor(model: CpuModel, settings: TrainerSettings) {
    const { floats } = model.options.layout.table;
    this.#model = model;
    this.#settings = settings;
    this.#gradient = new Float32Array(floats);
    this.#moments = { step: 0, first: new Float32Array(floats), second: new Float32Array(floats) };
    model.options.arenas.add(this.#arenas());
  }

  step(batch: ContrastiveBatch, learningRate: number): Promise<StepOutcome> {
    const { weightArena, options } = this.#model;
    const gradient = this.#gradient;
    return this.#model.queue(async () => {
      gradient.fill(0);
      const loss = await this.#model.differentiate(batch, this.#settings.temperature, gradient);
      const norm = gradientNorm(gradient);
      if (Number.isFinite(loss) && Number.isFinite(norm)) {
        const { decayed } = options.layout.table;
        adamW(weightArena, this.#moments, this.#settings, { gradient, norm, learningRate, decayed });
        this.#model.weightsChanged();
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
      this.#model.weightsChanged();
    });
  }

  dispose(): void {
    this.#model.trained = false;
    this.#model.options.arenas.remove(this.#arenas());
  }

  #arenas(): readonly Arena[] {
    return [this.#gradient, this.#moments.first, this.#moments.second];
  }
}
