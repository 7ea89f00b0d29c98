/** BERT's program: its passes, its activations, and the positions and attention blocks of a batch. */
import type { BertShape, Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Counts } from "../../kernels/counts.ts";
import { bertBackward } from "./backward.ts";
import { bertForward } from "./forward.ts";
import type { Described, Program } from "./program.ts";
import { activationGradients, indexSizes, keptActivations, reused, reusedActivations, rowSizes } from "./tensors.ts";
import { indexTexts, rowsNamed, sortRows } from "./texts.ts";

function describeForward(texts: PackedTexts, shape: BertShape): Described {
  const { T, S, positions, textOf, blocks } = indexTexts(texts, shape);
  const counts: Counts = { T, S, B: 0, blocks: blocks.length / 2, words: 0, positions: 0 };
  const { tokenIds, cuSeqlens } = texts;
  return { counts, integers: { tokenIds, cuSeqlens, positions, textOf, blocks } };
}

function describeStep(texts: PackedTexts, shape: BertShape): Described {
  const { counts, integers } = describeForward(texts, shape);
  const words = sortRows(texts.tokenIds, shape.vocabulary);
  const places = sortRows(integers["positions"] ?? new Int32Array(), shape.positions);
  return {
    counts: { ...counts, words: words.ids.length, positions: places.ids.length },
    integers: { ...integers, ...rowsNamed("words", words), ...rowsNamed("places", places) },
  };
}

export const bertProgram = (shape: BertShape, pooling: Pooling): Program => ({
  forward: (tensors) => bertForward(shape, pooling, tensors),
  backward: (tensors) => bertBackward(shape, pooling, tensors),
  embed: {
    describe: (texts) => describeForward(texts, shape),
    indexSizes,
    activations: (capacity) => reusedActivations(capacity, shape),
    roomOf: reused,
  },
  step: {
    describe: (texts) => describeStep(texts, shape),
    indexSizes: (capacity) => ({ ...indexSizes(capacity), ...rowSizes(capacity, shape) }),
    activations: (capacity) => new Map([...keptActivations(capacity, shape), ...activationGradients(capacity, shape)]),
  },
  sparse: ["embeddings.word", "embeddings.position"],
});
