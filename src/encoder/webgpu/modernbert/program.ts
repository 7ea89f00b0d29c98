/** ModernBERT's program: its passes, its activations, and the places, angles and attention blocks of a batch. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import type { PackedTexts } from "../../../domain/engine.ts";
import type { Counts } from "../../../kernels/counts.ts";
import { growingAngles } from "../../rotary.ts";
import { trains } from "../layers.ts";
import type { Described, Program, ProgramOptions } from "../program.ts";
import { reused, sharedRooms, stepRoomOf } from "../rooms.ts";
import { indexTexts, rowsNamed, sortRows } from "../texts.ts";
import { modernBertBackward } from "./backward.ts";
import { modernBertForward } from "./forward.ts";
import { activationGradients, forwardActivations, indexSizes, rowSizes } from "./tensors.ts";

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

const readBy = { "attention.normed": "attention.qkv", normed: "intermediate" } as const;

export function modernBertProgram(shape: ModernBertShape, pooling: Pooling, options: ProgramOptions): Program {
  const describe = describer(shape);
  const { trained, dropout, linear, stepLinear = linear } = options;
  const stepRoom = stepRoomOf(options, { layers: shape.layers, readBy });
  return {
    forward: (tensors) => modernBertForward(shape, pooling, { tensors, trained, linear }),
    trainForward: (tensors) => modernBertForward(shape, pooling, { tensors, trained, dropout, linear: stepLinear }),
    backward: (tensors) =>
      modernBertBackward(shape, pooling, { tensors, trained, dropout, linear: stepLinear }, options),
    embed: {
      describe,
      indexSizes: (capacity) => indexSizes(capacity, shape),
      activations: (capacity) => sharedRooms(forwardActivations(capacity, shape, trained), reused),
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
        new Map([
          ...sharedRooms(forwardActivations(capacity, shape, trained), stepRoom),
          ...activationGradients(capacity, shape, options),
        ]),
      roomOf: stepRoom,
    },
    sparse: ["embeddings.word"].filter((region) => trains(trained, region)),
  };
}
