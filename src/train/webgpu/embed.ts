/** Inference: the forward pass alone, over an arena that all layers reuse. */
import type { EncoderShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Described, Program } from "../../encoder/webgpu/program.ts";
import { rooms, type At, type Capacity } from "../../encoder/webgpu/tensors.ts";
import { createArena, type Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Pass } from "../../gpu/pass.ts";
import { ReadbackRing } from "../../gpu/readback.ts";
import { whole } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import { countsUniform, type Counts } from "../../kernels/counts.ts";
import { enough } from "./capacity.ts";
import type { Context } from "./context.ts";

/** Writes what the passes need to know of a batch. */
export function writeBatch(gpu: Gpu, at: At, { counts, integers }: Described): void {
  write(gpu, at("counts"), countsUniform(counts));
  for (const [name, values] of Object.entries(integers)) write(gpu, at(name), values);
}

/** Batches under way at once: the next is encoded while the vectors of one come back. */
const IN_FLIGHT = 2;

interface Plan {
  readonly capacity: Capacity;
  /** For (S, H) vectors each. */
  readonly ring: ReadbackRing;
  readonly index: Arena;
  readonly activations: Arena;
  readonly passes: readonly Pass<Counts>[];
}

export interface EncoderWeights {
  readonly shape: EncoderShape;
  readonly program: Program;
  /** By region. */
  readonly weight: At;
  /** LoRA's matrices, where the program adds them. */
  readonly adapter?: At;
}

/** Embeds batches with the weights as they are when they are submitted. Submissions must not overlap. */
export class Embedder {
  readonly #context: Context;
  readonly #encoder: EncoderWeights;
  #plan: Plan | undefined;
  readonly #reading = new Set<Promise<unknown>>();

  constructor(context: Context, encoder: EncoderWeights) {
    this.#context = context;
    this.#encoder = encoder;
  }

  async #planFor({ T, S }: Capacity): Promise<Plan> {
    const have = this.#plan?.capacity;
    if (this.#plan && T <= this.#plan.capacity.T && S <= this.#plan.capacity.S) return this.#plan;
    const capacity = { T: enough(have?.T, T), S: enough(have?.S, S) };
    await Promise.allSettled(this.#reading);
    this.dispose();
    const { gpu, pipelines } = this.#context;
    const { shape, program, weight, adapter } = this.#encoder;
    const { indexSizes, activations: activationRooms, roomOf } = program.embed;
    const index = await createArena(gpu, "embed index", rooms(indexSizes(capacity)));
    const activations = await createArena(gpu, "embed activations", activationRooms(capacity));
    const activation = (name: string) => activations.at(roomOf(name));
    const passes = await pipelines.realise(
      program.forward({ weight, ...(adapter && { adapter }), index: index.at, activation }),
    );
    const bytes = capacity.S * shape.hidden * 4;
    const ring = new ReadbackRing(gpu, { label: "embeddings", bytes, slots: IN_FLIGHT });
    this.#plan = { capacity, ring, index, activations, passes };
    return this.#plan;
  }

  /** Submits a batch. Its (S, H) unit vectors come when they are there: what is resolved with is not waited for. */
  async submit(texts: PackedTexts): Promise<{ readonly vectors: Promise<Float32Array<ArrayBuffer>> }> {
    const { gpu, submitter } = this.#context;
    const { shape, program } = this.#encoder;
    const batch = program.embed.describe(texts);
    const { counts } = batch;
    const plan = await this.#planFor(counts);
    const slot = await plan.ring.take();
    writeBatch(gpu, plan.index.at, batch);
    const start = performance.now();
    const numbers = counts.S * shape.hidden;
    const copies = [{ from: { ...plan.activations.at("embedding"), size: numbers * 4 }, to: whole(slot) }];
    submitter.submit({ label: "embed", passes: plan.passes, counts, copies });
    const reading = plan.ring.read(slot);
    this.#reading.add(reading);
    const vectors = reading.then((values) => {
      submitter.measure(plan.passes.length, start);
      return values.subarray(0, numbers);
    });
    const done = () => this.#reading.delete(reading);
    vectors.then(done, done);
    return { vectors };
  }

  dispose(): void {
    this.#plan?.ring.dispose();
    this.#plan?.index.dispose();
    this.#plan?.activations.dispose();
    this.#plan = undefined;
  }
}
