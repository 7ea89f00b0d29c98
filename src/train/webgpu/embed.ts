/** Inference: the forward pass alone, over an arena that all layers reuse. */
import type { EncoderShape, Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { encoderForward } from "../../encoder/webgpu/forward.ts";
import type { At, Capacity } from "../../encoder/webgpu/tensors.ts";
import { indexSizes, reused, reusedActivations, rooms } from "../../encoder/webgpu/tensors.ts";
import { indexTexts, type TextIndex } from "../../encoder/webgpu/texts.ts";
import { createArena, type Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Pass } from "../../gpu/pass.ts";
import { readFloats } from "../../gpu/readback.ts";
import { write } from "../../gpu/upload.ts";
import { countsUniform, type Counts } from "../../kernels/counts.ts";
import { enough } from "./capacity.ts";
import type { Context } from "./context.ts";

/** The sizes of a batch for its forward pass. */
export const countTexts = ({ T, S, blocks }: TextIndex): Counts => ({
  T,
  S,
  B: 0,
  blocks: blocks.length / 2,
  words: 0,
  positions: 0,
});

/** Writes what the forward pass needs of a batch. */
export function writeTexts(
  gpu: Gpu,
  at: At,
  { texts, index, counts }: { texts: PackedTexts; index: TextIndex; counts: Counts },
): void {
  write(gpu, at("counts"), countsUniform(counts));
  write(gpu, at("tokenIds"), texts.tokenIds);
  write(gpu, at("cuSeqlens"), texts.cuSeqlens);
  write(gpu, at("positions"), index.positions);
  write(gpu, at("textOf"), index.textOf);
  write(gpu, at("blocks"), index.blocks);
}

interface Plan {
  readonly capacity: Capacity;
  readonly index: Arena;
  readonly activations: Arena;
  readonly passes: readonly Pass<Counts>[];
}

export interface EncoderWeights {
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
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
    const { shape, pooling, weight } = this.#encoder;
    const index = await createArena(gpu, "embed index", rooms(indexSizes(capacity)));
    const activations = await createArena(gpu, "embed activations", reusedActivations(capacity, shape));
    const activation = (name: string) => activations.at(reused(name));
    const passes = await pipelines.realise(encoderForward(shape, pooling, { weight, index: index.at, activation }));
    this.#plan = { capacity, index, activations, passes };
    return this.#plan;
  }

  /** (S, H) unit vectors. */
  async embed(texts: PackedTexts): Promise<Float32Array<ArrayBuffer>> {
    const { gpu, submitter } = this.#context;
    const { shape } = this.#encoder;
    const index = indexTexts(texts, shape);
    const counts = countTexts(index);
    const plan = await this.#planFor(index);
    writeTexts(gpu, plan.index.at, { texts, index, counts });
    const start = performance.now();
    submitter.submit({ label: "embed", passes: plan.passes, counts });
    const embedding = plan.activations.at("embedding");
    const result = await readFloats(gpu, { ...embedding, size: index.S * shape.hidden * 4 });
    submitter.measure(plan.passes.length, start);
    return result;
  }

  dispose(): void {
    this.#plan?.index.dispose();
    this.#plan?.activations.dispose();
    this.#plan = undefined;
  }
}
