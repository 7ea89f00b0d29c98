/** Training on WebGPU: a step is submitted as one list of passes, and its outcome arrives late. */
import { assert } from "../../base/assert.ts";
import type { ContrastiveBatch, StepOutcome, Trainer, TrainerSettings } from "../../domain/engine.ts";
import type { Checkpoint } from "../../domain/training.ts";
import type { ParameterTable } from "../../encoder/parameters.ts";
import { readFloats, ReadbackRing } from "../../gpu/readback.ts";
import { floatsOf, whole, type Slice } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import { STATE } from "../../kernels/gradnorm/gradnorm.ts";
import type { Context } from "./context.ts";
import type { EncoderWeights } from "./embed.ts";
import { pieces, regionsOf } from "./arenas.ts";
import { fits, grown, planStep, stepInput, type StepPlan, type StepTensors } from "./plan.ts";
import type { Serial } from "./serial.ts";

/** Steps submitted and not yet reported: enough to hide the way back, few enough to stop soon. */
const IN_FLIGHT = 3;

export interface TrainerParts {
  readonly context: Context;
  readonly encoder: EncoderWeights;
  readonly table: ParameterTable;
  readonly weights: GPUBuffer;
  readonly settings: TrainerSettings;
  /** Shared with everything else that uses the weights. */
  readonly serial: Serial;
  readonly released: () => void;
}

interface Memory {
  readonly gradient: GPUBuffer;
  readonly firstMoment: GPUBuffer;
  readonly secondMoment: GPUBuffer;
  readonly state: GPUBuffer;
}

/** Errors: GpuOutOfMemory. */
export async function createWebGpuTrainer(parts: TrainerParts): Promise<Trainer> {
  const { gpu } = parts.context;
  const bytes = parts.table.floats * 4;
  const memory = await gpu.reserve("gradient and moments", 3 * bytes, () => ({
    gradient: gpu.storage("gradient", bytes),
    firstMoment: gpu.storage("first moment", bytes),
    secondMoment: gpu.storage("second moment", bytes),
    state: gpu.storage("step state", STATE.words * 4),
  }));
  return new WebGpuTrainer(parts, memory);
}

class WebGpuTrainer implements Trainer {
  readonly #parts: TrainerParts;
  readonly #memory: Memory;
  readonly #ring: ReadbackRing;
  readonly #tensors: StepTensors;
  /** Rows of the embedding tables that a batch does not use get no gradient: the tables are cleared before each step. */
  readonly #clears: readonly Slice[];
  #plan: StepPlan | undefined;
  #disposed = false;

  constructor(parts: TrainerParts, memory: Memory) {
    const { context, encoder, table, weights } = parts;
    this.#parts = parts;
    this.#memory = memory;
    this.#ring = new ReadbackRing(context.gpu, { label: "step outcome", bytes: 8, slots: IN_FLIGHT });
    const gradient = regionsOf(table, memory.gradient);
    const limit = context.gpu.device.limits.maxStorageBufferBindingSize;
    this.#tensors = {
      encoder,
      gradient,
      pieces: pieces(table, { ...memory, weight: weights }, limit),
      state: whole(memory.state),
    };
    this.#clears = encoder.program.sparse.map(gradient);
  }

  async step(batch: ContrastiveBatch, learningRate: number): Promise<StepOutcome> {
    const { context, serial } = this.#parts;
    const { slot, passes, start } = await serial.run(() => this.#submit(batch, learningRate));
    const [loss = NaN, gradNorm = NaN] = await this.#ring.read(slot);
    context.submitter.measure(passes, start);
    return { loss, gradNorm };
  }

  async #submit(batch: ContrastiveBatch, learningRate: number) {
    assert(!this.#disposed, "the trainer is disposed");
    const { context, encoder, settings } = this.#parts;
    const input = stepInput(batch, learningRate, encoder, settings);
    const plan = await this.#planFor(input.needed);
    const slot = await this.#ring.take();
    input.writeTo(context.gpu, plan.index.at);
    const start = performance.now();
    context.submitter.submit({
      label: "step",
      passes: plan.passes,
      counts: input.counts,
      clears: this.#clears,
      copies: [{ from: floatsOf(this.#memory.state, STATE.loss, 2), to: whole(slot) }],
    });
    return { slot, passes: plan.passes.length, start };
  }

  async #planFor(needed: StepPlan["capacity"]): Promise<StepPlan> {
    if (this.#plan && fits(this.#plan.capacity, needed)) return this.#plan;
    const capacity = grown(this.#plan?.capacity, needed);
    this.#freePlan();
    this.#plan = await planStep(this.#parts.context, this.#tensors, this.#parts.settings, capacity);
    return this.#plan;
  }

  gradient(): Promise<Float32Array<ArrayBuffer>> {
    return this.#parts.serial.run(() => readFloats(this.#parts.context.gpu, whole(this.#memory.gradient)));
  }

  checkpoint(): Promise<Checkpoint> {
    const { context, serial, weights } = this.#parts;
    const read = (buffer: GPUBuffer) => readFloats(context.gpu, whole(buffer));
    return serial.run(async () => {
      const state = await read(this.#memory.state);
      const step = new Uint32Array(state.buffer)[STATE.step] ?? 0;
      return {
        step,
        weights: await read(weights),
        firstMoment: await read(this.#memory.firstMoment),
        secondMoment: await read(this.#memory.secondMoment),
      };
    });
  }

  restore({ step, weights, firstMoment, secondMoment }: Checkpoint): Promise<void> {
    const { context, serial, table, weights: target } = this.#parts;
    return serial.run(async () => {
      for (const arena of [weights, firstMoment, secondMoment]) {
        assert(arena.length === table.floats, `a checkpoint of ${arena.length} numbers for ${table.floats}`);
      }
      const { gpu } = context;
      const state = new Uint32Array(STATE.words);
      state[STATE.step] = step;
      write(gpu, whole(this.#memory.state), state);
      write(gpu, whole(target), weights);
      write(gpu, whole(this.#memory.firstMoment), firstMoment);
      write(gpu, whole(this.#memory.secondMoment), secondMoment);
      await gpu.settle(gpu.device.queue.onSubmittedWorkDone());
    });
  }

  #freePlan(): void {
    this.#plan?.index.dispose();
    this.#plan?.activations.dispose();
    this.#plan = undefined;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#freePlan();
    this.#ring.dispose();
    const { gradient, firstMoment, secondMoment, state } = this.#memory;
    for (const buffer of [gradient, firstMoment, secondMoment, state]) this.#parts.context.gpu.free(buffer);
    this.#parts.released();
  }
}
