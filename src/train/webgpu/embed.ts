/** Inference: the forward pass alone, over an arena that all layers reuse. */
import type { EncoderShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Described, Program } from "../../encoder/webgpu/program.ts";
import { rooms, type At, type Capacity } from "../../encoder/webgpu/tensors.ts";
import { createArena, type Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Pass } from "../../gpu/pass.ts";
import { readFloats } from "../../gpu/readback.ts";
import { write } from "../../gpu/upload.ts";
import { countsUniform, type Counts } from "../../kernels/counts.ts";
import { enough } from "./capacity.ts";
import type { Context } from "./context.ts";

/** Writes what the passes need to know of a batch. */
export function writeBatch(gpu: Gpu, at: At, { counts, integers }: Described): void {
  write(gpu, at("counts"), countsUniform(counts));
  for (const [name, values] of Object.entries(integers)) write(gpu, at(name), values);
}

interface Plan {
  readonly capacity: Capacity;
  readonly index: Arena;
  readonly activations: Arena;
  readonly passes: readonly Pass<Counts>[];
}

export interface EncoderWeights {
  readonly shape: EncoderShape;
  readonly program: Program;
  /** By region. */
  readonly weight: At;
}

/** Embeds batches with the weights as they are at that moment. Calls must not overlap. */
export class Embedder {
  readonly #context: Context;
  readonly #encoder: EncoderWeights;
  #plan: Plan | undefined;

  constructor(context: Context, encoder: EncoderWeights) {
    this.#context = context;
    this.#encoder = encoder;
  }

  async #planFor({ T, S }: Capacity): Promise<Plan> {
    const have = this.#plan?.capacity;
    if (this.#plan && T <= this.#plan.capacity.T && S <= this.#plan.capacity.S) return this.#plan;
    const capacity = { T: enough(have?.T, T), S: enough(have?.S, S) };
    this.dispose();
    const { gpu, pipelines } = this.#context;
    const { program, weight } = this.#encoder;
    const { indexSizes, activations: activationRooms, roomOf } = program.embed;
    const index = await createArena(gpu, "embed index", rooms(indexSizes(capacity)));
    const activations = await createArena(gpu, "embed activations", activationRooms(capacity));
    const activation = (name: string) => activations.at(roomOf(name));
    const passes = await pipelines.realise(program.forward({ weight, index: index.at, activation }));
    this.#plan = { capacity, index, activations, passes };
    return this.#plan;
  }

  /** (S, H) unit vectors. */
  async embed(texts: PackedTexts): Promise<Float32Array<ArrayBuffer>> {
    const { gpu, submitter } = this.#context;
    const { shape, program } = this.#encoder;
    const batch = program.embed.describe(texts);
    const { counts } = batch;
    const plan = await this.#planFor(counts);
    writeBatch(gpu, plan.index.at, batch);
    const start = performance.now();
    submitter.submit({ label: "embed", passes: plan.passes, counts });
    const embedding = plan.activations.at("embedding");
    const result = await readFloats(gpu, { ...embedding, size: counts.S * shape.hidden * 4 });
    submitter.measure(plan.passes.length, start);
    return result;
  }

  dispose(): void {
    this.#plan?.index.dispose();
    this.#plan?.activations.dispose();
    this.#plan = undefined;
  }
}
