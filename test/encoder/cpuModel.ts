/** A small random encoder and batches for it. */
import { random } from "../../src/base/random.ts";
import type { EncoderShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, TrainerSettings } from "../../src/domain/engine.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { pack } from "../support/golden.ts";

/** Odd everywhere but H = N·D, which must divide. */
export const shape: EncoderShape = {
  family: "bert",
  layers: 2,
  hidden: 15,
  heads: 3,
  intermediate: 23,
  vocabulary: 37,
  positions: 512,
  types: 2,
  layerNormEpsilon: 1e-12,
};

export const settings: TrainerSettings = {
  temperature: 0.1,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
};

export function randomWeights(seed: number): Float32Array<ArrayBuffer> {
  const source = random(seed, "weights");
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const tensor of table.tensors) {
    const middle = tensor.name.endsWith("LayerNorm.weight") ? 1 : 0;
    for (let i = 0; i < size(tensor.shape); i++) weights[tensor.offset + i] = middle + 0.3 * source.normal();
  }
  return weights;
}

export function randomTexts(lengths: readonly number[], seed = 1): number[][] {
  const source = random(seed, "texts");
  return lengths.map((length) => Array.from({ length }, () => source.integer(shape.vocabulary)));
}

/** Queries are texts 0 and 1; text 4 stands twice among the first query's candidates and once among the second's. */
export function batchOf(lengths: readonly number[], seed = 1): ContrastiveBatch {
  return {
    texts: pack(randomTexts(lengths, seed)),
    queries: Int32Array.of(0, 1),
    offsets: Int32Array.of(0, 4, 6),
    candidates: Int32Array.of(2, 4, 3, 4, 3, 4),
  };
}
