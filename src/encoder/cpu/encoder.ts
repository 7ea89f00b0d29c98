/**
 * A BERT encoder over one chunk: lookup, embedding LayerNorm, blocks, and the way back. All blocks share one compiled program
 * a chunk shape. Each call is awaited before the next is made: jax-js allocates a program's intermediate arrays when it is
 * called, not when it runs.
 */
import { assert, present } from "../../base/assert.ts";
import type { BertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { size, type ParameterTable } from "../parameters.ts";
import { textOfPlace, type Chunk } from "./arrange.ts";
import type { Jax, Tensor } from "./backend.ts";
import { blockBackward, blockForward, maskOf, normOf, pull } from "./layer.ts";
import type { Affine, Arguments, LayerTensors, Saved } from "./layer.ts";
import { lookUp, scatterAdd } from "./tokens.ts";

export interface Layout {
  readonly shape: BertShape;
  readonly table: ParameterTable;
}

/** The programs of a model; each is traced and compiled when it first meets a shape. */
export interface Programs extends ReturnType<typeof compile> {}

export function compile(jax: Jax, { heads, layerNormEpsilon: epsilon }: BertShape) {
  const forward = blockForward(jax, { heads, epsilon });
  const norm = normOf(jax, epsilon);
  function infer(p: LayerTensors, x: Tensor, mask: Tensor): Tensor {
    const { y, saved } = forward(p, x, mask);
    jax.tree.dispose(saved);
    return y;
  }
  const programs = {
    mask: jax.jit(maskOf(jax)),
    norm: jax.jit(norm),
    normBackward: jax.jit((at: Arguments, dy: Tensor) => pull(jax, norm, at, dy)),
    infer: jax.jit(infer),
    forward: jax.jit(forward),
    backward: jax.jit(blockBackward(jax, { heads, epsilon })),
  };
  const dispose = () => Object.values(programs).forEach((program) => program.dispose());
  return { jax, ...programs, dispose };
}

/** Hugging Face's name of each part of a block, after "encoder.layer.3.". */
const PARTS = {
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  attention: "attention.output.dense",
  attentionNorm: "attention.output.LayerNorm",
  intermediate: "intermediate.dense",
  output: "output.dense",
  outputNorm: "output.LayerNorm",
} as const;
const partNames: ReadonlyMap<string, string> = new Map(Object.entries(PARTS));

/** The weights as jax-js holds them, but for the embedding tables. */
export interface Uploaded {
  readonly norm: Affine;
  readonly blocks: readonly LayerTensors[];
}

export function upload(jax: Jax, weights: Float32Array<ArrayBuffer>, { shape, table }: Layout): Uploaded {
  function tensor(name: string): Tensor {
    const { offset, shape } = tensorAt(table, name);
    return jax.numpy.array(weights.subarray(offset, offset + size(shape)), { shape: [...shape] });
  }
  const affine = (name: string): Affine => ({ weight: tensor(`${name}.weight`), bias: tensor(`${name}.bias`) });
  const blocks = Array.from({ length: shape.layers }, (_, i) => {
    const part = (name: keyof typeof PARTS) => affine(`encoder.layer.${i}.${PARTS[name]}`);
    return {
      query: part("query"),
      key: part("key"),
      value: part("value"),
      attention: part("attention"),
      attentionNorm: part("attentionNorm"),
      intermediate: part("intermediate"),
      output: part("output"),
      outputNorm: part("outputNorm"),
    };
  });
  return { norm: affine("embeddings.LayerNorm"), blocks };
}

const tensorAt = (table: ParameterTable, name: string) =>
  present(
    table.tensors.find((tensor) => tensor.name === name),
    name,
  );

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

/**
 * Places in the largest chunk. More places make fewer kernels, each worth a message to another thread (on two busy cores
 * a step with 3072 took two thirds of its time with 1536); but jax-js allocates a block's backward pass whole, in a heap of at most 4 GiB.
 */
export const largestChunk = ({ intermediate }: BertShape): number => (intermediate <= 1536 ? 3072 : 1536);

/** Bytes that {@link Forward} holds. */
export const forwardBytes = ({ shape: { hidden, intermediate, layers } }: Layout, { rows, length }: Chunk): number =>
  4 * rows * length * (length + 2 * hidden + layers * (8 * hidden + intermediate));

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
  async function add(name: string, tensor: Tensor): Promise<void> {
    const { offset } = tensorAt(table, name);
    const values = await numbers(tensor);
    for (let i = 0; i < values.length; i++) gradient[offset + i] = (gradient[offset + i] ?? 0) + (values[i] ?? 0);
  }
  async function addAll(name: string, { weight, bias }: Affine): Promise<void> {
    await add(`${name}.weight`, weight);
    await add(`${name}.bias`, bias);
  }
  let dx = jax.numpy.array(dy, { shape: [chunk.rows * chunk.length, shape.hidden] });
  for (let i = shape.layers - 1; i >= 0; i--) {
    const block = jax.tree.ref(present(input.uploaded.blocks[i], "a block"));
    const result = programs.backward(block, present(saved[i], "a block's activations"), mask.ref, dx);
    dx = result.dx;
    await dx.blockUntilReady();
    for (const [part, gradients] of Object.entries(result.dp)) {
      await addAll(`encoder.layer.${i}.${present(partNames.get(part), part)}`, gradients);
    }
  }
  mask.dispose();
  const { x, ...norm } = programs.normBackward({ x: embedded, ...jax.tree.ref(input.uploaded.norm) }, dx);
  await addAll("embeddings.LayerNorm", norm);
  scatterAdd(gradient, { table, hidden: shape.hidden }, { chunk, texts: input.texts }, await numbers(x));
}
