/**
 * A static encoder's program: look the tokens' vectors up, take each text's mean, bring it to unit length; and the same
 * way back. Nothing on the way back reads the looked-up vectors, so that their gradients take their room.
 */
import type { StaticShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { COUNTS } from "../../kernels/counts.ts";
import { embeddingBackward, embeddingLookup } from "../../kernels/embedding/embedding.ts";
import { normaliseBackward, normaliseForward } from "../../kernels/normalise/normalise.ts";
import { poolingBackward, poolingForward } from "../../kernels/pooling/pooling.ts";
import type { BackwardTensors, Described, ForwardTensors, Passes, Program, ProgramOptions } from "./program.ts";
import { pooled, rooms, type Capacity, type Sizes } from "./tensors.ts";
import { checkTexts, checkWorkgroups, rowsNamed, sortRows, textOfTokens } from "./texts.ts";

const forward = ({ hidden: H }: StaticShape, { weight, index, activation }: ForwardTensors): Passes => [
  embeddingLookup(
    { x: activation("tokens"), counts: index("counts"), word: weight("embeddings.word"), tokenIds: index("tokenIds") },
    { H },
  ),
  poolingForward(
    { pooled: activation("pooled"), cuSeqlens: index("cuSeqlens"), x: activation("tokens") },
    { H, firstOnly: false },
  ),
  normaliseForward({ y: activation("embedding"), norm: activation("norm"), x: activation("pooled") }, { H }),
];

const backward = ({ hidden: H }: StaticShape, { gradient, index, activation, adds }: BackwardTensors): Passes => [
  normaliseBackward(
    {
      dx: activation("d.pooled"),
      y: activation("embedding"),
      norm: activation("norm"),
      dy: activation("d.embedding"),
    },
    { H },
  ),
  poolingBackward(
    {
      dx: activation("tokens"),
      counts: index("counts"),
      cuSeqlens: index("cuSeqlens"),
      textOf: index("textOf"),
      dpooled: activation("d.pooled"),
    },
    { H, firstOnly: false },
  ),
  embeddingBackward(
    {
      dtable: gradient("embeddings.word"),
      rows: { ids: index("words.ids"), offsets: index("words.offsets"), order: index("words.order") },
      dx: activation("tokens"),
    },
    { H, distinct: "words", adds },
  ),
];

function describeForward(texts: PackedTexts, { vocabulary }: StaticShape): Described {
  checkTexts(texts, vocabulary);
  const { tokenIds, cuSeqlens } = texts;
  const [T, S] = [tokenIds.length, cuSeqlens.length - 1];
  checkWorkgroups(S, "texts");
  return { counts: { T, S, B: 0, blocks: 0, words: 0, positions: 0 }, integers: { tokenIds, cuSeqlens } };
}

function describeStep(texts: PackedTexts, shape: StaticShape): Described {
  const { counts, integers } = describeForward(texts, shape);
  const words = sortRows(texts.tokenIds, shape.vocabulary);
  checkWorkgroups(words.ids.length, "different tokens");
  return {
    counts: { ...counts, words: words.ids.length },
    integers: { ...integers, textOf: textOfTokens(texts), ...rowsNamed("words", words) },
  };
}

const forwardIndex = ({ T, S }: Capacity): Sizes => ({ counts: COUNTS, tokenIds: T, cuSeqlens: S + 1 });

const stepIndex = (capacity: Capacity, { vocabulary }: StaticShape): Sizes => ({
  ...forwardIndex(capacity),
  textOf: capacity.T,
  "words.ids": Math.min(capacity.T, vocabulary),
  "words.offsets": Math.min(capacity.T, vocabulary) + 1,
  "words.order": capacity.T,
});

/** No kernel reads and writes one of these; the loss has bank 2 (train/webgpu/plan.ts). */
const banks: Sizes = { tokens: 1, pooled: 0, embedding: 1, norm: 1, "d.embedding": 3, "d.pooled": 4 };
const bankOf = (name: string): number => banks[name] ?? 0;

/** There is nothing in it to freeze, to drop out or to make again. */
export function staticProgram(shape: StaticShape, { trained }: ProgramOptions): Program {
  const { hidden: H } = shape;
  const kept = ({ T, S }: Capacity): Sizes => ({ tokens: T * H, ...pooled(S, H) });
  return {
    forward: (tensors) => forward(shape, tensors),
    trainForward: (tensors) => forward(shape, tensors),
    backward: (tensors) => backward(shape, tensors),
    embed: {
      describe: (texts) => describeForward(texts, shape),
      indexSizes: forwardIndex,
      activations: (capacity) => rooms(kept(capacity), bankOf),
      roomOf: (name) => name,
    },
    step: {
      describe: (texts) => describeStep(texts, shape),
      indexSizes: (capacity) => stepIndex(capacity, shape),
      activations: (capacity) =>
        rooms({ ...kept(capacity), "d.embedding": capacity.S * H, "d.pooled": capacity.S * H }, bankOf),
      roomOf: (name) => name,
    },
    sparse: Object.keys(trained.regions),
  };
}
