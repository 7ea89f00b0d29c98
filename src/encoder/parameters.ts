/**
 * The one layout table: where each parameter of an encoder lives in a flat float32 arena. Weights, gradients, both Adam
 * moments and checkpoints share it, so that clipping, AdamW, zeroing and saving are single linear passes.
 *
 * A region is what a kernel binds: it starts on a 256-byte boundary (WebGPU's default minStorageBufferOffsetAlignment).
 * Matrices come first and vectors after them, so that weight decay applies to one prefix. Query, key and value are one
 * region, hence one matrix multiplication; a tensor names a part of a region as the files of its family do (plans.ts).
 * Padding between regions is zero in every arena and stays zero.
 */
import type { EncoderShape } from "../domain/encoder.ts";
import { bertPlans, modernBertPlans, staticPlans, type Part, type Plan, type Plans } from "./plans.ts";

export interface Region {
  /** "layer.0.attention.qkv.weight", … */
  readonly name: string;
  /** In floats. */
  readonly offset: number;
  readonly shape: readonly number[];
}

export interface Tensor {
  /** The name in model.safetensors: Hugging Face's without a prefix such as "bert.", or StaticEmbedding's. */
  readonly name: string;
  /** In floats. */
  readonly offset: number;
  readonly shape: readonly number[];
}

export interface ParameterTable {
  readonly regions: Readonly<Record<string, Region>>;
  readonly tensors: readonly Tensor[];
  /** Length of an arena, in floats. */
  readonly floats: number;
  /** Weight decay applies to [0, decayed) of an arena. */
  readonly decayed: number;
  /** Trainable numbers, padding not counted. */
  readonly parameters: number;
}

/** Floats in 256 bytes. */
const ALIGNMENT = 64;

export const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Rows of stacked parts: (H, H) three times is (3H, H), and (H) three times is (3H). */
const stacked = (parts: readonly Part[]): readonly number[] => {
  const [first, ...rest] = parts[0]?.shape ?? [];
  return [(first ?? 0) * parts.length, ...rest];
};

function plansOf(shape: EncoderShape): Plans {
  switch (shape.family) {
    case "bert":
      return bertPlans(shape);
    case "modernbert":
      return modernBertPlans(shape);
    case "static":
      return staticPlans(shape);
    default:
      return shape satisfies never;
  }
}

/** The layout of an encoder of this shape. */
export function parameterTable(shape: EncoderShape): ParameterTable {
  const regions: Record<string, Region> = {};
  const tensors: Tensor[] = [];
  let floats = 0;
  function place({ region, parts }: Plan): void {
    regions[region] = { name: region, offset: floats, shape: stacked(parts) };
    for (const part of parts) {
      tensors.push({ name: part.tensor, offset: floats, shape: part.shape });
      floats += size(part.shape);
    }
    floats = Math.ceil(floats / ALIGNMENT) * ALIGNMENT;
  }
  const plans = plansOf(shape);
  for (const plan of plans.matrices) place(plan);
  const decayed = floats;
  for (const plan of plans.vectors) place(plan);
  const parameters = tensors.reduce((sum, tensor) => sum + size(tensor.shape), 0);
  return { regions, tensors, floats, decayed, parameters };
}
