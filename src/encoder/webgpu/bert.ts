/** BERT's program: its passes, its activations, and the positions and attention blocks of a batch. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Counts } from "../../kernels/counts.ts";
import { bucketsByDistance } from "../distance.ts";
import { bertBackward } from "./backward.ts";
import { bertForward } from "./forward.ts";
import { trains } from "./layers.ts";
import type { Described, Program, ProgramOptions } from "./program.ts";
import { reused, sharedRooms, stepRoomOf } from "./rooms.ts";
import { activationGradients, forwardActivations, indexSizes, rowSizes } from "./tensors.ts";
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

// The last norm of a layer ends it and is not made again, so that what it keeps of a token stays.
const kinds = { kept: ["mean", "rstd"], readBy: { "attention.output": "intermediate" } } as const;

export function bertProgram(shape: BertShape, pooling: Pooling, options: ProgramOptions): Program {
  const { trained, dropout, linear, stepLinear = linear } = options;
  const stepRoom = stepRoomOf(options, { ...kinds, layers: shape.layers });
  return {
    forward: (tensors) => bertForward(shape, pooling, { tensors, trained, linear }),
    trainForward: (tensors) => bertForward(shape, pooling, { tensors, trained, dropout, linear: stepLinear }),
    backward: (tensors) => bertBackward(shape, pooling, { tensors, trained, dropout, linear: stepLinear }, options),
    embed: {
      describe: (texts) => describeForward(texts, shape),
      indexSizes: (capacity) => indexSizes(capacity, shape),
      activations: (capacity) => sharedRooms(forwardActivations(capacity, shape, trained), reused),
      roomOf: reused,
    },
    step: {
      describe: (texts) => describeStep(texts, shape),
      indexSizes: (capacity) => ({ ...indexSizes(capacity, shape), ...rowSizes(capacity, shape) }),
      activations: (capacity) =>
        new Map([
          ...sharedRooms(forwardActivations(capacity, shape, trained), stepRoom),
          ...activationGradients(capacity, shape, options),
        ]),
      roomOf: stepRoom,
    },
    sparse: ["embeddings.word", "embeddings.position"].filter((region) => trains(trained, region)),
  };
}
