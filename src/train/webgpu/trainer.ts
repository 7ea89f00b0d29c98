/** Training on WebGPU: a step is submitted as lists of passes, and its outcome arrives late. */
import { assert } from "../../base/assert.ts";
import type { EncoderShape } from "../../domain/encoder.ts";
import type { ContrastiveBatch, StepOutcome, StepSize, Trainer, TrainerSettings } from "../../domain/engine.ts";
import type { Checkpoint } from "../../domain/training.ts";
import type { ParameterTable } from "../../encoder/parameters.ts";
import { initialAdapters, withTrained, type Trained } from "../../encoder/trained.ts";
import type { Program } from "../../encoder/webgpu/program.ts";
import type { At } from "../../encoder/webgpu/tensors.ts";
import { readFloats, ReadbackRing } from "../../gpu/readback.ts";
import type { Pass } from "../../gpu/pass.ts";
import { floatsOf, whole, type Slice } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import type { Counts } from "../../kernels/counts.ts";
import { STATE } from "../../kernels/gradnorm/gradnorm.ts";
import { planMerge } from "./adapters.ts";
import { pieces, regionsOf, type Piece } from "./arenas.ts";
import type { Context } from "./context.ts";
import { capacityFor, fits, grown, microTokensOf, type StepCapacity } from "./memory.ts";
import { createOptimiser, momentBytes, type Optimiser } from "./optimiser.ts";
import { stepInput } from "./parts.ts";
import { planStep, type StepPlan, type StepTensors } from "./plan.ts";
import type { Serial } from "./serial.ts";
import { submitStep } from "./step.ts";

/** Steps submitted and not yet reported: enough to hide the way back, few enough to stop soon. */
const IN_FLIGHT = 3;

export interface TrainerParts {
  readonly context: Context;
  readonly program: Program;
  readonly trained: Trained;
  readonly shape: EncoderShape;
  readonly table: ParameterTable;
  readonly weights: GPUBuffer;
  readonly settings: TrainerSettings;
  /** Shared with everything else that uses the weights. */
  readonly serial: Serial;
  readonly released: () => void;
}

interface Memory {
  readonly gradient: GPUBuffer;
  readonly optimiser: Optimiser;
  readonly state: GPUBuffer;
  /** LoRA's matrices. */
  readonly adapters: GPUBuffer | undefined;
}

const noCounts: Counts = { T: 0, S: 0, B: 0, blocks: 0, words: 0, positions: 0 };

function reserve({ context: { gpu }, trained, settings }: TrainerParts): Promise<Memory> {
  const { floats, lora } = trained;
  const name = settings.optimizer ?? "adamw";
  return gpu.reserve("gradient and moments", floats * (4 + momentBytes(name)), () => ({
    gradient: gpu.storage("gradient", floats * 4),
    optimiser: createOptimiser(gpu, name, floats),
    state: gpu.storage("step state", STATE.words * 4),
    adapters: lora && gpu.storage("adapters", floats * 4),
  }));
}

/** Errors: GpuOutOfMemory. */
export async function createWebGpuTrainer(parts: TrainerParts): Promise<WebGpuTrainer> {
  const { context, trained, settings } = parts;
  const memory = await reserve(parts);
  const { adapters } = memory;
  if (!adapters) return new WebGpuTrainer(parts, memory, []);
  write(context.gpu, whole(adapters), initialAdapters(trained, settings.seed ?? 0));
  const { lora } = trained;
  assert(lora, "adapters without LoRA");
  return new WebGpuTrainer(
    parts,
    memory,
    await planMerge(context, { ...parts, trained: { ...trained, lora }, adapters }),
  );
}

export class WebGpuTrainer implements Trainer {
  readonly #parts: TrainerParts;
  readonly #memory: Memory;
  /** What makes the adapters part of the weights. */
  readonly #merge: readonly Pass<Counts>[];
  readonly #ring: ReadbackRing;
  readonly #tensors: StepTensors;
  readonly #pieces: readonly Piece[];
  /** Rows of the embedding tables that a batch does not use get no gradient: the tables are cleared before each step. */
  readonly #sparse: readonly Slice[];
  readonly #microTokens: number;
  #plan: StepPlan | undefined;
  /** Steps submitted, those before a restored checkpoint among them. */
  #step = 0;
  /** Of the last step. */
  #batches = 1;
  #disposed = false;

  constructor(parts: TrainerParts, memory: Memory, merge: readonly Pass<Counts>[]) {
    const { context, program, trained, table, weights } = parts;
    const { hidden } = parts.shape;
    const { gradient: gradients, optimiser, adapters } = memory;
    this.#parts = parts;
    this.#memory = memory;
    this.#merge = merge;
    this.#ring = new ReadbackRing(context.gpu, { label: "step outcome", bytes: 8, slots: IN_FLIGHT });
    const gradient = regionsOf(trained, gradients);
    const limit = context.gpu.device.limits.maxStorageBufferBindingSize;
    this.#pieces = pieces(trained, adapters ?? weights, limit);
    this.#tensors = {
      program,
      hidden,
      trained,
      weight: regionsOf(table, weights),
      ...(adapters && { adapter: regionsOf(trained, adapters) }),
      gradient,
      gradients,
      pieces: this.#pieces,
      optimiser,
      state: whole(memory.state),
    };
    this.#sparse = program.sparse.map(gradient);
    this.#microTokens = microTokensOf(program, parts.settings);
  }

  /** LoRA's matrices, which the encoder has to add until they are part of it. */
  get adapter(): At | undefined {
    return this.#tensors.adapter;
  }

  /** Takes the memory of such a step now. Errors: GpuOutOfMemory. */
  reserve(largest: StepSize): Promise<void> {
    return this.#parts.serial.run(async () => void (await this.#planFor(capacityFor(largest, this.#microTokens))));
  }

  async step(given: ContrastiveBatch | readonly ContrastiveBatch[], learningRate: number): Promise<StepOutcome> {
    const { context, serial } = this.#parts;
    const batches = "texts" in given ? [given] : given;
    const { slot, passes, start } = await serial.run(() => this.#submit(batches, learningRate));
    const [loss = NaN, gradNorm = NaN] = await this.#ring.read(slot);
    context.submitter.measure(passes, start);
    return { loss, gradNorm };
  }

  async #submit(batches: readonly ContrastiveBatch[], learningRate: number) {
    assert(!this.#disposed, "the trainer is disposed");
    assert(batches.length > 0, "a step of no batch");
    const { context, settings, program } = this.#parts;
    const { hidden } = this.#parts.shape;
    const { gpu, submitter } = context;
    const { seed = 0 } = settings;
    const request = { batches, learningRate, step: this.#step, seed, microTokens: this.#microTokens };
    const input = stepInput(request, { program, hidden });
    const plan = await this.#planFor(input.needed);
    const slot = await this.#ring.take();
    this.#step++;
    this.#batches = batches.length;
    const start = performance.now();
    const passes = submitStep(
      { gpu, plan, settings, hidden, submit: (work) => submitter.submit({ label: "step", ...work }) },
      input,
      {
        clears: plan.capacity.adds ? [whole(this.#memory.gradient)] : this.#sparse,
        copies: [{ from: floatsOf(this.#memory.state, STATE.loss, 2), to: whole(slot) }],
      },
    );
    return { slot, passes, start };
  }

  async #planFor(needed: StepCapacity): Promise<StepPlan> {
    if (this.#plan && fits(this.#plan.capacity, needed)) return this.#plan;
    const capacity = grown(this.#plan?.capacity, needed);
    this.#freePlan();
    this.#plan = await planStep(this.#parts.context, this.#tensors, this.#parts.settings, capacity);
    return this.#plan;
  }

  gradient(): Promise<Float32Array<ArrayBuffer>> {
    return this.#parts.serial.run(async () => {
      const sum = await readFloats(this.#parts.context.gpu, whole(this.#memory.gradient));
      return this.#batches === 1 ? sum : sum.map((value) => value / this.#batches);
    });
  }

  /** The encoder's weights, of which `base` were read, with what LoRA has learned. Within {@link Serial} only. */
  async merged(base: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const { shape, settings } = this.#parts;
    return withTrained(shape, base, { tuning: settings.tuning, weights: await this.#readWeights() });
  }

  /** The numbers that train, gathered from where they are. */
  async #readWeights(): Promise<Float32Array<ArrayBuffer>> {
    const arena = new Float32Array(this.#parts.trained.floats);
    for (const { weight, offset } of this.#pieces) arena.set(await readFloats(this.#parts.context.gpu, weight), offset);
    return arena;
  }

  checkpoint(): Promise<Checkpoint> {
    const { context, serial, settings } = this.#parts;
    return serial.run(async () => {
      const state = await readFloats(context.gpu, whole(this.#memory.state));
      const step = new Uint32Array(state.buffer)[STATE.step] ?? 0;
      const weights = await this.#readWeights();
      const { first, second } = await this.#memory.optimiser.read();
      const { tuning } = settings;
      return { step, ...(tuning && { tuning }), weights, firstMoment: first, secondMoment: second };
    });
  }

  restore({ step, weights, firstMoment, secondMoment }: Checkpoint): Promise<void> {
    const { context, serial, trained } = this.#parts;
    return serial.run(async () => {
      for (const arena of [weights, firstMoment, secondMoment]) {
        assert(arena.length === trained.floats, `a checkpoint of ${arena.length} numbers for ${trained.floats}`);
      }
      const { gpu } = context;
      const state = new Uint32Array(STATE.words);
      state[STATE.step] = step;
      this.#step = step;
      write(gpu, whole(this.#memory.state), state);
      for (const { weight, offset, floats } of this.#pieces)
        write(gpu, weight, weights.subarray(offset, offset + floats));
      this.#memory.optimiser.write({ first: firstMoment, second: secondMoment });
      await gpu.settle(gpu.device.queue.onSubmittedWorkDone());
    });
  }

  #freePlan(): void {
    this.#plan?.dispose();
    this.#plan = undefined;
  }

  /** Makes LoRA's matrices part of the weights, in order with what was submitted. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { gpu, submitter } = this.#parts.context;
    if (this.#merge.length > 0) submitter.submit({ label: "merge", passes: this.#merge, counts: noCounts });
    this.#freePlan();
    this.#ring.dispose();
    const { gradient, optimiser, state, adapters } = this.#memory;
    for (const buffer of [gradient, ...optimiser.buffers, state, ...(adapters ? [adapters] : [])]) gpu.free(buffer);
    this.#parts.released();
  }
}
