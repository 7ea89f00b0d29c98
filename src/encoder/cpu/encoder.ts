/**
 * The encoder over one chunk: lookup, embedding LayerNorm, blocks, and the way back. All blocks share one compiled program
 * a chunk shape. Each call is awaited before the next is made: jax-js allocates a program's intermediate arrays when it is
 * called, not when it runs.
 */
import { assert, present } from "../../base/assert.ts";
import type { EncoderShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { size, type ParameterTable } from "../parameters.ts";
import { textOfPlace, type Chunk } from "./arrange.ts";
import type { Jax, Tensor } from "./backend.ts";
import { blockBackward, blockForward, blockParts, pull } from "./layer.ts";
import type { Affine, Arguments, LayerTensors, Saved } from "./layer.ts";
import { lookUp, scatterAdd } from "./tokens.ts";

export interface Layout {
  readonly shape: EncoderShape;
  readonly table: ParameterTable;
}

/** The programs of a model; each is traced and compiled when it first meets a shape. */
export interface Programs extends ReturnType<typeof compile> {}

export function compile(jax: Jax, { heads, layerNormEpsilon }: EncoderShape) {
  const parts = blockParts(jax, { heads, epsilon: layerNormEpsilon });
  const forward = blockForward(parts);
  function infer(p: LayerTensors, x: Tensor, mask: Tensor): Tensor {
    const { y, saved } = forward(p, x, mask);
    jax.tree.dispose(saved);
    return y;
  }
  const programs = {
    mask: jax.jit(parts.mask),
    norm: jax.jit(parts.norm),
    normBackward: jax.jit((at: Arguments, dy: Tensor) => pull(jax, parts.norm, at, dy)),
    infer: jax.jit(infer),
    forward: jax.jit(forward),
    backward: jax.jit(blockBackward(jax, parts)),
  };
  const dispose = () => Object.values(programs).forEach((program) => program.dispose());
  return { jax, ...programs, dispose };
}

/** Where each part of a block lives in the arena: the region's name between "layer.3." and ".weight". */
const REGIONS = [
  ["qkv", "attention.qkv"],
  ["attention", "attention.output"],
  ["attentionNorm", "attention.norm"],
  ["intermediate", "intermediate"],
  ["output", "output"],
  ["outputNorm", "output.norm"],
] as const;

/** The weights as jax-js holds them, but for the embedding tables. */
export interface Uploaded {
  readonly norm: Affine;
  readonly blocks: readonly LayerTensors[];
}

export function upload(jax: Jax, weights: Float32Array<ArrayBuffer>, { shape, table }: Layout): Uploaded {
  function tensor(name: string): Tensor {
    const { offset, shape } = present(table.regions[name], name);
    return jax.numpy.array(weights.subarray(offset, offset + size(shape)), { shape: [...shape] });
  }
  const affine = (name: string): Affine => ({ weight: tensor(`${name}.weight`), bias: tensor(`${name}.bias`) });
  const blocks = Array.from({ length: shape.layers }, (_, i) => ({
    qkv: affine(`layer.${i}.attention.qkv`),
    attention: affine(`layer.${i}.attention.output`),
    attentionNorm: affine(`layer.${i}.attention.norm`),
    intermediate: affine(`layer.${i}.intermediate`),
    output: affine(`layer.${i}.output`),
    outputNorm: affine(`layer.${i}.output.norm`),
  }));
  return { norm: affine("embeddings.norm"), blocks };
}

export function discard(jax: Jax, { norm, blocks }: Uploaded): void {
  jax.tree.dispose(norm);
  for (const block of blocks) jax.tree.dispose(block);
}

/** The last block's output (C, H), and what the way back needs. */
export interface Forward {
  readonly chunk: Chunk;
  readonly y: Float32Array;
  readonly mask: Tensor;
  /** (C, H), what the embedding LayerNorm gets. */
  readonly embedded: Tensor;
  readonly saved: readonly Saved[];
}

/** Bytes that {@link Forward} holds. */
export const forwardBytes = ({ shape: { hidden, intermediate, layers } }: Layout, { rows, length }: Chunk): number =>
  4 * rows * length * (length + 2 * hidden + layers * (7 * hidden + intermediate));

async function numbers(tensor: Tensor): Promise<Float32Array> {
  const data = await tensor.data();
  assert(data instanceof Float32Array, "float32 results");
  return data;
}

interface Input {
  readonly weights: Float32Array;
  readonly layout: Layout;
  readonly uploaded: Uploaded;
  readonly texts: PackedTexts;
}

function enter(programs: Programs, { weights, layout, texts }: Input, chunk: Chunk) {
  const { array } = programs.jax.numpy;
  const x = lookUp(weights, { table: layout.table, hidden: layout.shape.hidden }, chunk, texts);
  const places = chunk.rows * chunk.length;
  const embedded = array(x, { shape: [places, layout.shape.hidden] });
  const mask = programs.mask(array(textOfPlace(chunk), { shape: [chunk.rows, chunk.length] }));
  return { embedded, mask };
}

/** The last block's output, (C, H). */
export async function infer(programs: Programs, input: Input, chunk: Chunk): Promise<Float32Array> {
  const { ref } = programs.jax.tree;
  const { embedded, mask } = enter(programs, input, chunk);
  let x = programs.norm({ x: embedded, ...ref(input.uploaded.norm) });
  for (const block of input.uploaded.blocks) {
    x = programs.infer(ref(block), x, mask.ref);
    await x.blockUntilReady();
  }
  mask.dispose();
  return numbers(x);
}

export async function forward(programs: Programs, input: Input, chunk: Chunk): Promise<Forward> {
  const { ref } = programs.jax.tree;
  const { embedded, mask } = enter(programs, input, chunk);
  const saved: Saved[] = [];
  let x = programs.norm({ x: embedded.ref, ...ref(input.uploaded.norm) });
  for (const block of input.uploaded.blocks) {
    const result = programs.forward(ref(block), x, mask.ref);
    x = result.y;
    saved.push(result.saved);
    await x.blockUntilReady();
  }
  return { chunk, y: await numbers(x), mask, embedded, saved };
}

/** Adds the gradient of every parameter to `gradient`, an arena, from `dy` (C, H); uses up what `pass` holds. */
export async function backward(
  programs: Programs,
  input: Input,
  { chunk, mask, embedded, saved }: Forward,
  { dy, gradient }: { readonly dy: Float32Array<ArrayBuffer>; readonly gradient: Float32Array },
): Promise<void> {
  const { jax } = programs;
  const { shape, table } = input.layout;
  async function add(region: string, tensor: Tensor): Promise<void> {
    const { offset } = present(table.regions[region], region);
    const values = await numbers(tensor);
    for (let i = 0; i < values.length; i++) gradient[offset + i] = (gradient[offset + i] ?? 0) + (values[i] ?? 0);
  }
  let dx = jax.numpy.array(dy, { shape: [chunk.rows * chunk.length, shape.hidden] });
  for (let i = shape.layers - 1; i >= 0; i--) {
    const block = jax.tree.ref(present(input.uploaded.blocks[i], "a block"));
    const result = programs.backward(block, present(saved[i], "a block's activations"), mask.ref, dx);
    dx = result.dx;
    await dx.blockUntilReady();
    for (const [part, region] of REGIONS) {
      await add(`layer.${i}.${region}.weight`, result.dp[part].weight);
      await add(`layer.${i}.${region}.bias`, result.dp[part].bias);
    }
  }
  mask.dispose();
  const entry = programs.normBackward({ x: embedded, ...jax.tree.ref(input.uploaded.norm) }, dx);
  await add("embeddings.norm.weight", entry.weight);
  await add("embeddings.norm.bias", entry.bias);
  scatterAdd(gradient, { table, hidden: shape.hidden }, chunk, input.texts, await numbers(entry.x));
}
