/** The WebGPU engine: encoders trained and run by our own kernels on the browser's GPU. */
import { assert } from "../base/assert.ts";
import { precisionNames, type EncoderShape, type EngineInfo, type Pooling } from "../domain/encoder.ts";
import type { Engine, MemoryUse, Model, PackedTexts, PlannedTraining } from "../domain/engine.ts";
import type { StepSize, Trainer, TrainerSettings } from "../domain/engine.ts";
import { parameterTable, type ParameterTable } from "../encoder/parameters.ts";
import { trainedTable } from "../encoder/trained.ts";
import { linearSizes, programOf } from "../encoder/webgpu/family.ts";
import { openGpu, type Gpu } from "../gpu/device.ts";
import { GpuOutOfMemory, outOfMemory } from "../gpu/errors.ts";
import { Pipelines } from "../gpu/pass.ts";
import { readFloats } from "../gpu/readback.ts";
import { whole } from "../gpu/slice.ts";
import { Submitter } from "../gpu/submit.ts";
import { keptChoices } from "../gpu/choices.ts";
import type { Choices } from "../gpu/tuner.ts";
import { write } from "../gpu/upload.ts";
import { tuneLinear } from "../kernels/linear/tune.ts";
import type { LinearPlan } from "../kernels/linear/variants.ts";
import { regionsOf } from "./webgpu/arenas.ts";
import type { Context } from "./webgpu/context.ts";
import { Embedder, type EncoderWeights } from "./webgpu/embed.ts";
import { predictMemory, programOptions } from "./webgpu/memory.ts";
import { Serial } from "./webgpu/serial.ts";
import { createWebGpuTrainer, type WebGpuTrainer } from "./webgpu/trainer.ts";

type ModelInput = Parameters<Engine["createModel"]>[0];

/**
 * An engine on the best GPU of `gpu`: `navigator.gpu`, or in Node what Dawn's `create` gives (keep a reference to it).
 * Errors: GpuUnavailable here; DeviceLost and GpuOutOfMemory from whatever is called later.
 */
export async function createWebGpuEngine({ gpu, choices = new Map() }: WebGpuOptions): Promise<Engine> {
  return new WebGpuEngine(await openGpu(gpu), choices);
}

/** {@link createWebGpuEngine} for a page, which remembers what is fastest on its device. */
export const openWebGpuEngine = async (gpu: GPU | undefined): Promise<Engine> =>
  createWebGpuEngine({ gpu, choices: await keptChoices() });

interface WebGpuOptions {
  readonly gpu: GPU | undefined;
  /** What was found to be fastest on the devices of earlier visits; added to. */
  readonly choices?: Choices;
}

class WebGpuEngine implements Engine {
  readonly info: EngineInfo;
  readonly #context: Context;

  readonly #choices: Choices;

  constructor(gpu: Gpu, choices: Choices) {
    this.#choices = choices;
    this.#context = { gpu, pipelines: new Pipelines(gpu), submitter: new Submitter(gpu) };
    const note = gpu.software ? "WebGPU runs on the processor here; the CPU engine is faster." : "";
    this.info = { kind: "webgpu", device: gpu.name, note, precisions: hasHalf(gpu) ? precisionNames : ["f32"] };
  }

  peakBytes(): number {
    return this.#context.gpu.peakBytes;
  }

  predict(training: PlannedTraining): MemoryUse {
    const { limits } = this.#context.gpu.device;
    checkLimits(parameterTable(training.shape), limits);
    return predictMemory(training, limits);
  }

  async createModel({ shape, pooling, weights }: ModelInput): Promise<Model> {
    const { gpu } = this.#context;
    const table = parameterTable(shape);
    const planFor = (half: boolean) => this.#linearPlan(shape, half);
    const linear = await planFor(false);
    const program = programOf(shape, pooling, { trained: trainedTable(shape), recompute: false, linear });
    assert(weights.length === table.floats, `weights of ${weights.length} numbers for a layout of ${table.floats}`);
    const bytes = table.floats * 4;
    checkLimits(table, gpu.device.limits);
    const buffer = await gpu.reserve("weights", bytes, () => gpu.storage("weights", bytes));
    write(gpu, whole(buffer), weights);
    await gpu.settle(gpu.device.queue.onSubmittedWorkDone());
    const encoder = { shape, program, weight: regionsOf(table, buffer) };
    return new WebGpuModel({ context: this.#context, encoder, pooling, linear, planFor, table, weights: buffer });
  }

  /** Chosen once for a shape and precision. Where there is no room to measure in, the defaults. */
  async #linearPlan(shape: EncoderShape, half: boolean): Promise<LinearPlan | undefined> {
    const { gpu, pipelines } = this.#context;
    const sizes = linearSizes(shape);
    if (sizes.length === 0) return undefined;
    try {
      return await tuneLinear(gpu, pipelines, { sizes, tokens: TUNED_TOKENS, choices: this.#choices, half });
    } catch (error) {
      if (error instanceof GpuOutOfMemory) return { variant: () => undefined, half };
      throw error;
    }
  }

  dispose(): void {
    this.#context.gpu.dispose();
  }
}

const hasHalf = ({ device }: Gpu): boolean => device.features.has("shader-f16");

/** Of a batch of queries, and of one of documents. */
const TUNED_TOKENS = [256, 2048];

/** Errors: GpuOutOfMemory if a matrix is larger than what a kernel may bind, or all of them are than a buffer may be. */
function checkLimits({ tensors, floats }: ParameterTable, limits: GPUSupportedLimits): void {
  const { maxBufferSize, maxStorageBufferBindingSize: most } = limits;
  const all = 4 * floats;
  if (all > maxBufferSize) throw outOfMemory("weights", all, `it allows ${maxBufferSize} bytes in one buffer`);
  for (const { name, shape } of tensors) {
    const bytes = shape.reduce((product, n) => product * n, 4);
    if (bytes > most) throw outOfMemory(name, bytes, `it allows ${most} bytes in one binding`);
  }
}

interface ModelParts {
  readonly context: Context;
  readonly encoder: EncoderWeights;
  readonly pooling: Pooling;
  /** Which forms of its matrix products run on this device. */
  readonly linear: LinearPlan | undefined;
  /** The same for training, in f16 or f32. */
  readonly planFor: (half: boolean) => Promise<LinearPlan | undefined>;
  readonly table: ParameterTable;
  readonly weights: GPUBuffer;
}

class WebGpuModel implements Model {
  readonly #parts: ModelParts;
  #embedder: Embedder;
  /** Embedding, training and reading share the weights and take turns. */
  readonly #serial = new Serial();
  #trainer: WebGpuTrainer | undefined;

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#embedder = new Embedder(parts.context, parts.encoder);
  }

  get shape(): EncoderShape {
    return this.#parts.encoder.shape;
  }

  async embed(texts: PackedTexts): Promise<Float32Array<ArrayBuffer>> {
    const { vectors } = await this.#serial.run(() => this.#embedder.submit(texts));
    return vectors;
  }

  async createTrainer(settings: TrainerSettings, largest?: StepSize): Promise<Trainer> {
    const trainer = await this.#serial.run(() => this.#newTrainer(settings));
    if (!largest) return trainer;
    try {
      await trainer.reserve(largest);
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  async #newTrainer(settings: TrainerSettings): Promise<WebGpuTrainer> {
    assert(!this.#trainer, "the model has a trainer already");
    const { context, encoder, pooling, linear, planFor } = this.#parts;
    const { shape } = encoder;
    const trained = trainedTable(shape, settings.tuning);
    const stepLinear = settings.precision === "f16" && hasHalf(context.gpu) ? await planFor(true) : linear;
    const program = programOf(shape, pooling, programOptions(trained, settings, { linear, stepLinear }));
    const trainer = await createWebGpuTrainer({
      ...this.#parts,
      program,
      trained,
      shape,
      settings,
      serial: this.#serial,
      released: () => this.#released(),
    });
    this.#trainer = trainer;
    if (trainer.adapter) this.#encodeWith({ ...encoder, program, adapter: trainer.adapter });
    return trainer;
  }

  #encodeWith(encoder: EncoderWeights): void {
    this.#embedder.dispose();
    this.#embedder = new Embedder(this.#parts.context, encoder);
  }

  #released(): void {
    if (this.#trainer?.adapter) this.#encodeWith(this.#parts.encoder);
    this.#trainer = undefined;
  }

  /** With what LoRA has learned so far. */
  weights(): Promise<Float32Array<ArrayBuffer>> {
    return this.#serial.run(async () => {
      const weights = await readFloats(this.#parts.context.gpu, whole(this.#parts.weights));
      return this.#trainer?.adapter ? await this.#trainer.merged(weights) : weights;
    });
  }

  dispose(): void {
    this.#trainer?.dispose();
    this.#embedder.dispose();
    this.#parts.context.gpu.free(this.#parts.weights);
  }
}
