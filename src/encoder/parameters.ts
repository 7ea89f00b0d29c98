/**
 * The one layout table: where each parameter of an encoder lives in a flat float32 arena. Weights, gradients, both Adam
 * moments and checkpoints share it, so that clipping, AdamW, zeroing and saving are single linear passes.
 *
 * A region is what a kernel binds: it starts on a 256-byte boundary (WebGPU's default minStorageBufferOffsetAlignment).
 * Matrices come first and vectors after them, so that weight decay applies to one prefix. Query, key and value are one
 * region, hence one matrix multiplication; a tensor names a part of a region as Hugging Face's BertModel does, or
 * sentence-transformers' StaticEmbedding.
 * Padding between regions is zero in every arena and stays zero.
 */
import type { BertShape, EncoderShape } from "../domain/encoder.ts";

export interface Region {
  /** "layer.0.attention.qkv.weight", … */
  readonly name: string;
  /** In floats. */
  readonly offset: number;
  readonly shape: readonly number[];
}

export interface Tensor {
  /** The name in model.safetensors: Hugging Face's without the "bert." prefix, or StaticEmbedding's. */
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

interface Part {
  readonly tensor: string;
  readonly shape: readonly number[];
}
interface Plan {
  readonly region: string;
  readonly parts: readonly Part[];
}

export const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

const single = (region: string, tensor: string, shape: readonly number[]): Plan => ({
  region,
  parts: [{ tensor, shape }],
});

function matrices({ layers, hidden: H, intermediate: I, vocabulary, positions, types }: BertShape): Plan[] {
  const plans = [
    single("embeddings.word", "embeddings.word_embeddings.weight", [vocabulary, H]),
    single("embeddings.position", "embeddings.position_embeddings.weight", [positions, H]),
    single("embeddings.type", "embeddings.token_type_embeddings.weight", [types, H]),
  ];
  for (let i = 0; i < layers; i++) {
    const at = `encoder.layer.${i}`;
    const parts = ["query", "key", "value"].map((name) => ({
      tensor: `${at}.attention.self.${name}.weight`,
      shape: [H, H],
    }));
    plans.push(
      { region: `layer.${i}.attention.qkv.weight`, parts },
      single(`layer.${i}.attention.output.weight`, `${at}.attention.output.dense.weight`, [H, H]),
      single(`layer.${i}.intermediate.weight`, `${at}.intermediate.dense.weight`, [I, H]),
      single(`layer.${i}.output.weight`, `${at}.output.dense.weight`, [H, I]),
    );
  }
  return plans;
}

function vectors({ layers, hidden: H, intermediate: I }: BertShape): Plan[] {
  const norm = (region: string, tensor: string) => [
    single(`${region}.weight`, `${tensor}.weight`, [H]),
    single(`${region}.bias`, `${tensor}.bias`, [H]),
  ];
  const plans = norm("embeddings.norm", "embeddings.LayerNorm");
  for (let i = 0; i < layers; i++) {
    const at = `encoder.layer.${i}`;
    const parts = ["query", "key", "value"].map((name) => ({
      tensor: `${at}.attention.self.${name}.bias`,
      shape: [H],
    }));
    plans.push(
      { region: `layer.${i}.attention.qkv.bias`, parts },
      single(`layer.${i}.attention.output.bias`, `${at}.attention.output.dense.bias`, [H]),
      ...norm(`layer.${i}.attention.norm`, `${at}.attention.output.LayerNorm`),
      single(`layer.${i}.intermediate.bias`, `${at}.intermediate.dense.bias`, [I]),
      single(`layer.${i}.output.bias`, `${at}.output.dense.bias`, [H]),
      ...norm(`layer.${i}.output.norm`, `${at}.output.LayerNorm`),
    );
  }
  return plans;
}

/** Rows of stacked parts: (H, H) three times is (3H, H), and (H) three times is (3H). */
const stacked = (parts: readonly Part[]): readonly number[] => {
  const [first, ...rest] = parts[0]?.shape ?? [];
  return [(first ?? 0) * parts.length, ...rest];
};

interface Plans {
  /** Weight decay applies to these. */
  readonly matrices: readonly Plan[];
  readonly vectors: readonly Plan[];
}

function plansOf(shape: EncoderShape): Plans {
  switch (shape.family) {
    case "bert":
      return { matrices: matrices(shape), vectors: vectors(shape) };
    case "static":
      return {
        matrices: [single("embeddings.word", "embedding.weight", [shape.vocabulary, shape.hidden])],
        vectors: [],
      };
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
