/** Runs a program's passes by themselves: no loss, no optimiser. What the gradient does not write stays NaN. */
import { random } from "../../src/base/random.ts";
import type { BertShape, EncoderShape, ModernBertShape, Pooling } from "../../src/domain/encoder.ts";
import type { Dropout, PackedTexts, Tuning } from "../../src/domain/engine.ts";
import { shapeOf } from "../../src/encoder/folder/shapes.ts";
import { parameterTable, size, type Region } from "../../src/encoder/parameters.ts";
import { trainedTable, type Trained } from "../../src/encoder/trained.ts";
import { programOf } from "../../src/encoder/webgpu/family.ts";
import type { Described, Passes, Program } from "../../src/encoder/webgpu/program.ts";
import { rooms, type At } from "../../src/encoder/webgpu/tensors.ts";
import { createArena, type Arena } from "../../src/gpu/arena.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { floatsOf, whole } from "../../src/gpu/slice.ts";
import { Submitter } from "../../src/gpu/submit.ts";
import { write } from "../../src/gpu/upload.ts";
import { countsUniform, type Counts } from "../../src/kernels/counts.ts";
import { vulkanGpu } from "./device.ts";
import { families } from "./families.ts";
import { pack } from "./golden.ts";
import { normals } from "./kernels.ts";

/** A shape of each kind of transformer, of three layers. */
export const shapes = {
  bert: shapeOf(JSON.stringify({ ...families.bert.config, num_hidden_layers: 3 })) as BertShape,
  mpnet: shapeOf(JSON.stringify({ ...families.mpnet.config, num_hidden_layers: 3 })) as BertShape,
  modernbert: shapeOf(
    JSON.stringify({ ...families.modernbert.config, num_hidden_layers: 3, global_attn_every_n_layers: 2 }),
  ) as ModernBertShape,
};
export type ShapeName = keyof typeof shapes;
export const shapeNames = Object.keys(shapes) as ShapeName[];

export function randomWeights(shape: EncoderShape): Float32Array<ArrayBuffer> {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: of } of Object.values(table.regions)) {
    const source = random(3, name);
    const middle = name.endsWith("norm.weight") ? 1 : 0;
    for (let i = 0; i < size(of); i++) weights[offset + i] = middle + 0.3 * source.normal();
  }
  return weights;
}

/** Some short, one of more than a block of the attention's. */
export function someTexts({ vocabulary }: EncoderShape): PackedTexts {
  const source = random(5, "texts");
  return pack([3, 1, 35, 7].map((length) => Array.from({ length }, () => source.integer(vocabulary))));
}

export interface ProgramInput {
  readonly shape: EncoderShape;
  readonly pooling?: Pooling;
  readonly weights?: Float32Array<ArrayBuffer>;
  readonly texts?: PackedTexts;
  readonly tuning?: Tuning;
  /** In the layout of what trains. */
  readonly adapters?: Float32Array<ArrayBuffer>;
  readonly dropout?: Dropout;
  readonly recompute?: boolean;
  readonly counts?: Pick<Counts, "seed" | "firstToken">;
  /** How often forward and backward run, the gradients added up. */
  readonly times?: number;
  /** Runs no backward pass. */
  readonly forwardOnly?: boolean;
}

export interface ProgramOutput {
  readonly trained: Trained;
  /** (S, H) of `forward`, and of `trainForward`. */
  readonly embedded: Float32Array;
  readonly embedding: Float32Array;
  /** By region, of Σ {@link upstream} · embedding. */
  readonly gradient: Readonly<Record<string, Float32Array>>;
  /** Regions that the backward pass asked for. */
  readonly asked: ReadonlySet<string>;
  /** An activation after the step's forward pass. */
  readonly activation: (name: string) => Float32Array;
  /** Kernels of the step in their order, and bytes of its activations. */
  readonly kernels: { readonly forward: readonly string[]; readonly backward: readonly string[] };
  readonly bytes: number;
}

/** The gradient of the vectors that a run starts its way back from. */
export const upstream = ({ cuSeqlens }: PackedTexts, { hidden }: EncoderShape): Float64Array =>
  normals((cuSeqlens.length - 1) * hidden, "upstream");

export interface ProgramBench {
  run(input: ProgramInput): Promise<ProgramOutput>;
  dispose(): void;
}

export async function programBench(): Promise<ProgramBench> {
  const gpu = await openGpu(await vulkanGpu());
  const pipelines = new Pipelines(gpu);
  const submitter = new Submitter(gpu);

  function upload(label: string, values: Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = gpu.storage(label, Math.max(values.byteLength, 4));
    write(gpu, whole(buffer), values);
    return buffer;
  }
  const regions =
    (buffer: GPUBuffer, of: Readonly<Record<string, Region>>): At =>
    (name) => {
      const region = of[name];
      if (!region) throw new Error(`no region ${name}`);
      return floatsOf(buffer, region.offset, size(region.shape));
    };
  const read = (arena: Arena, name: string, floats?: number) => {
    const slice = arena.at(name);
    return readFloats(gpu, floats === undefined ? slice : { ...slice, size: floats * 4 });
  };

  /** The arenas of one direction, with a batch in the index. */
  async function prepare(needs: Program["step"], { counts, integers }: Described) {
    const index = await createArena(gpu, "index", rooms(needs.indexSizes(counts)));
    const activations = await createArena(gpu, "activations", needs.activations(counts));
    write(gpu, index.at("counts"), countsUniform(counts));
    for (const [name, values] of Object.entries(integers)) write(gpu, index.at(name), values);
    const submit = async (passes: Passes) =>
      submitter.submit({ label: "test", passes: await pipelines.realise(passes), counts });
    const at: At = (name) => index.at(name);
    const tensors = { index: at, activation: (name: string) => activations.at(needs.roomOf(name)) };
    return { activations, submit, tensors, dispose: () => [index, activations].forEach((arena) => arena.dispose()) };
  }

  /** Rows of the tables that no token reads are not written. */
  function clearTables({ regions: all }: Trained, at: At): void {
    for (const { name, shape } of Object.values(all)) {
      if (name.startsWith("embeddings.") && shape.length === 2) write(gpu, at(name), new Float32Array(size(shape)));
    }
  }

  /** Weights, LoRA's matrices and a gradient that is NaN, or zero where it is added to. */
  function uploads({ shape, weights = randomWeights(shape), adapters }: ProgramInput, floats: number, adds: boolean) {
    return {
      weights: upload("weights", weights),
      adapters: upload("adapters", adapters ?? new Float32Array(floats)),
      gradient: upload("gradient", new Float32Array(floats).fill(adds ? 0 : NaN)),
    };
  }

  async function run(input: ProgramInput): Promise<ProgramOutput> {
    const { shape, pooling = "mean", texts = someTexts(shape), dropout, recompute = false } = input;
    const { times = 1, forwardOnly = false } = input;
    const trained = trainedTable(shape, input.tuning);
    const program = programOf(shape, pooling, { trained, dropout, recompute });
    const buffers = uploads(input, trained.floats, times > 1);
    const matrices = {
      weight: regions(buffers.weights, parameterTable(shape).regions),
      ...(trained.lora && { adapter: regions(buffers.adapters, trained.regions) }),
    };
    const at = regions(buffers.gradient, trained.regions);
    clearTables(trained, at);
    const asked = new Set<string>();
    const gradient: At = (name) => {
      asked.add(name);
      return at(name);
    };

    const embed = await prepare(program.embed, program.embed.describe(texts));
    await embed.submit(program.forward({ ...matrices, ...embed.tensors }));
    const floats = (texts.cuSeqlens.length - 1) * shape.hidden;
    const embedded = await read(embed.activations, "embedding", floats);
    embed.dispose();

    const described = program.step.describe(texts);
    const counts = { ...described.counts, ...input.counts };
    const step = await prepare(program.step, { ...described, counts });
    const forward = program.trainForward({ ...matrices, ...step.tensors });
    const backward = program.backward({ ...matrices, ...step.tensors, gradient, adds: times > 1 });
    await step.submit(forward);
    const embedding = await read(step.activations, "embedding", floats);
    const held = new Map<string, Float32Array>();
    const all = program.step.activations(counts);
    for (const name of all.keys()) held.set(name, await read(step.activations, name));
    write(gpu, step.activations.at("d.embedding"), new Float32Array(upstream(texts, shape)));
    for (const passes of forwardOnly ? [] : alternately(backward, forward, times)) await step.submit(passes);
    const gradients: Record<string, Float32Array> = {};
    for (const name of Object.keys(trained.regions)) gradients[name] = await readFloats(gpu, at(name));
    step.dispose();
    Object.values(buffers).forEach((buffer) => gpu.free(buffer));
    return {
      trained,
      embedded,
      embedding,
      gradient: gradients,
      asked,
      activation: (name) => held.get(program.step.roomOf(name)) ?? new Float32Array(),
      kernels: {
        forward: forward.map(({ kernel }) => kernel.name),
        backward: backward.map(({ kernel }) => kernel.name),
      },
      bytes: [...all.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  return { run, dispose: () => gpu.dispose() };
}

/** backward, forward, backward, … */
const alternately = (backward: Passes, forward: Passes, times: number): readonly Passes[] =>
  Array.from({ length: 2 * times - 1 }, (_, i) => (i % 2 === 0 ? backward : forward));

/** Those that train in both, bit for bit. */
export const bitsOf = (gradient: ProgramOutput["gradient"], names: readonly string[]): Record<string, Uint32Array> =>
  Object.fromEntries(
    names.map((name) => [name, Uint32Array.from(new Uint32Array(gradient[name]?.slice().buffer ?? []))]),
  );
