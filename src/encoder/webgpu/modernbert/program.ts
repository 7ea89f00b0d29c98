/** ModernBERT's program: its passes, its activations, and the places, angles and attention blocks of a batch. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import type { PackedTexts } from "../../../domain/engine.ts";
import type { Counts } from "../../../kernels/counts.ts";
import { growingAngles } from "../../rotary.ts";
import type { Described, Program } from "../program.ts";
import { indexTexts, rowsNamed, sortRows } from "../texts.ts";
import { modernBertBackward } from "./backward.ts";
import { modernBertForward } from "./forward.ts";
import { activationGradients, indexSizes, keptActivations, reused, reusedActivations, rowSizes } from "./tensors.ts";

/** The forward pass's view of a batch. */
function describer(shape: ModernBertShape): (texts: PackedTexts) => Described {
  const D = shape.hidden / shape.heads;
  const [far, near] = [growingAngles(D, shape.globalTheta), growingAngles(D, shape.localTheta)];
  return (texts) => {
    const { T, S, positions, textOf, blocks } = indexTexts(texts, shape);
    const counts: Counts = { T, S, B: 0, blocks: blocks.length / 4, words: 0, positions: 0 };
    const { tokenIds, cuSeqlens } = texts;
    const places = positions.reduce((most, place) => Math.max(most, place + 1), 0);
    const angles = {
      "angles.far": far(places).subarray(0, places * D),
      "angles.near": near(places).subarray(0, places * D),
    };
    return { counts, integers: { tokenIds, cuSeqlens, positions, textOf, blocks, ...angles } };
  };
}

export function modernBertProgram(shape: ModernBertShape, pooling: Pooling): Program {
  const describe = describer(shape);
  return {
    forward: (tensors) => modernBertForward(shape, pooling, tensors),
    trainForward: (tensors) => modernBertForward(shape, pooling, tensors),
    backward: (tensors) => modernBertBackward(shape, pooling, tensors),
    embed: {
      describe,
      indexSizes: (capacity) => indexSizes(capacity, shape),
      activations: (capacity) => reusedActivations(capacity, shape),
      roomOf: reused,
    },
    step: {
      describe(texts) {
        const { counts, integers } = describe(texts);
        const words = sortRows(texts.tokenIds, shape.vocabulary);
        return {
          counts: { ...counts, words: words.ids.length },
          integers: { ...integers, ...rowsNamed("words", words) },
        };
      },
      indexSizes: (capacity) => ({ ...indexSizes(capacity, shape), ...rowSizes(capacity, shape) }),
      activations: (capacity) =>
        new Map([...keptActivations(capacity, shape), ...activationGradients(capacity, shape)]),
      roomOf: (name) => name,
    },
    sparse: ["embeddings.word"],
  };
}
