/** BERT's program: its passes, its activations, and the positions and attention blocks of a batch. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Counts } from "../../kernels/counts.ts";
import { bucketsByDistance } from "../distance.ts";
import { bertBackward } from "./backward.ts";
import { bertForward } from "./forward.ts";
import type { Described, Program } from "./program.ts";
import { activationGradients, indexSizes, keptActivations, reused, reusedActivations, rowSizes } from "./tensors.ts";
import { indexTexts, rowsNamed, sortRows, type TextIndex } from "./texts.ts";

function describeForward(texts: PackedTexts, shape: BertShape): Described & Pick<TextIndex, "positions"> {
  const { T, S, positions, textOf, blocks } = indexTexts(texts, shape);
  const counts: Counts = { T, S, B: 0, blocks: blocks.length / 4, words: 0, positions: 0 };
  const { tokenIds, cuSeqlens } = texts;
  const { distanceBuckets: entries } = shape;
  const buckets = entries === undefined ? {} : { buckets: bucketsByDistance(mostTokens(shape), entries) };
  return { counts, positions, integers: { tokenIds, cuSeqlens, positions, textOf, blocks, ...buckets } };
}

function describeStep(texts: PackedTexts, shape: BertShape): Described {
  const { counts, positions, integers } = describeForward(texts, shape);
  const words = sortRows(texts.tokenIds, shape.vocabulary);
  const places = sortRows(positions, shape.positions);
  return {
    counts: { ...counts, words: words.ids.length, positions: places.ids.length },
    integers: { ...integers, ...rowsNamed("words", words), ...rowsNamed("places", places) },
  };
}

export const bertProgram = (shape: BertShape, pooling: Pooling): Program => ({
  forward: (tensors) => bertForward(shape, pooling, tensors),
  trainForward: (tensors) => bertForward(shape, pooling, tensors),
  backward: (tensors) => bertBackward(shape, pooling, tensors),
  embed: {
    describe: (texts) => describeForward(texts, shape),
    indexSizes: (capacity) => indexSizes(capacity, shape),
    activations: (capacity) => reusedActivations(capacity, shape),
    roomOf: reused,
  },
  step: {
    describe: (texts) => describeStep(texts, shape),
    indexSizes: (capacity) => ({ ...indexSizes(capacity, shape), ...rowSizes(capacity, shape) }),
    activations: (capacity) => new Map([...keptActivations(capacity, shape), ...activationGradients(capacity, shape)]),
    roomOf: (name) => name,
  },
  sparse: ["embeddings.word", "embeddings.position"],
});
