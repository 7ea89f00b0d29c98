/** ModernBERT's forward pass: a list of dispatches from token ids to unit vectors. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import type { Dispatch } from "../../../gpu/pass.ts";
import { add } from "../../../kernels/add/add.ts";
import { attentionForward, type AttentionSize } from "../../../kernels/attention/attention.ts";
import type { Counts } from "../../../kernels/counts.ts";
import { embeddingLookup } from "../../../kernels/embedding/embedding.ts";
import { gegluForward } from "../../../kernels/geglu/geglu.ts";
import { layerNormForward } from "../../../kernels/layernorm/layernorm.ts";
import { linearForward, type LinearSize } from "../../../kernels/linear/linear.ts";
import { normaliseForward } from "../../../kernels/normalise/normalise.ts";
import { poolingForward } from "../../../kernels/pooling/pooling.ts";
import { turn } from "../../../kernels/rotary/rotary.ts";
import { isGlobal } from "../../rotary.ts";
import type { ForwardTensors } from "../program.ts";

/** The name of the activation that layer i starts from. */
export const inputOf = (i: number): string => (i === 0 ? "embeddings.output" : `layer.${i - 1}.output`);

/** The name of what layer i takes its queries, keys and values from: the first layer has no norm before them. */
export const normedOf = (i: number): string => (i === 0 ? inputOf(0) : `layer.${i}.attention.normed`);

/** The name of layer i's angles in the index. */
export const anglesOf = (shape: ModernBertShape, i: number): string =>
  isGlobal(shape, i) ? "angles.far" : "angles.near";

export const attentionSize = (shape: ModernBertShape, i: number): AttentionSize => ({
  H: shape.hidden,
  N: shape.heads,
  ...(!isGlobal(shape, i) && { window: shape.window }),
});

interface Norm {
  /** "layer.0.intermediate" */
  readonly region: string;
  /** What its mean and deviation start with. */
  readonly at: string;
  readonly y: string;
  readonly x: string;
}

function norm(
  { region, at, y, x }: Norm,
  { weight, index, activation }: ForwardTensors,
  { hidden: H, layerNormEpsilon }: ModernBertShape,
): Dispatch<Counts> {
  return layerNormForward(
    {
      y: activation(y),
      mean: activation(`${at}mean`),
      rstd: activation(`${at}rstd`),
      counts: index("counts"),
      x: activation(x),
      weight: weight(`${region}.norm.weight`),
    },
    { H, epsilon: layerNormEpsilon },
  );
}

interface Linear extends LinearSize {
  readonly region: string;
  readonly y: string;
  readonly x: string;
}

const linear = ({ region, y, x, I, O }: Linear, { weight, index, activation }: ForwardTensors): Dispatch<Counts> =>
  linearForward(
    { y: activation(y), counts: index("counts"), x: activation(x), weight: weight(`${region}.weight`) },
    { I, O },
  );

function attentionBlock(i: number, shape: ModernBertShape, tensors: ForwardTensors): Dispatch<Counts>[] {
  const { hidden: H, heads: N } = shape;
  const { index, activation } = tensors;
  const at = `layer.${i}.`;
  const [counts, qkv, middle] = [index("counts"), activation(`${at}qkv`), activation(`${at}middle`)];
  const before = { region: `${at}attention`, at: `${at}attention.`, y: normedOf(i), x: inputOf(i) };
  return [
    ...(i === 0 ? [] : [norm(before, tensors, shape)]),
    linear({ region: `${at}attention.qkv`, y: `${at}qkv`, x: normedOf(i), I: H, O: 3 * H }, tensors),
    turn({ qkv, counts, places: index("positions"), angles: index(anglesOf(shape, i)) }, { H, N, back: false }),
    attentionForward(
      { context: activation(`${at}context`), logSumExp: activation(`${at}logSumExp`), qkv, blocks: index("blocks") },
      attentionSize(shape, i),
    ),
    linear({ region: `${at}attention.output`, y: `${at}middle`, x: `${at}context`, I: H, O: H }, tensors),
    add({ y: middle, counts, x: activation(inputOf(i)) }, { C: H }),
  ];
}

function feedForwardBlock(i: number, shape: ModernBertShape, tensors: ForwardTensors): Dispatch<Counts>[] {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = tensors;
  const at = `layer.${i}.`;
  const counts = index("counts");
  return [
    norm({ region: `${at}intermediate`, at, y: `${at}normed`, x: `${at}middle` }, tensors, shape),
    linear({ region: `${at}intermediate`, y: `${at}wide`, x: `${at}normed`, I: H, O: 2 * I }, tensors),
    gegluForward({ y: activation(`${at}activated`), counts, x: activation(`${at}wide`) }, { C: I }),
    linear({ region: `${at}output`, y: `${at}output`, x: `${at}activated`, I, O: H }, tensors),
    add({ y: activation(`${at}output`), counts, x: activation(`${at}middle`) }, { C: H }),
  ];
}

/** From `tokenIds` of the index to `embedding` (S, H). */
export function modernBertForward(
  shape: ModernBertShape,
  pooling: Pooling,
  tensors: ForwardTensors,
): Dispatch<Counts>[] {
  const { hidden: H, layers } = shape;
  const { weight, index, activation } = tensors;
  const embedded = { region: "embeddings", at: "embeddings.", y: "embeddings.output", x: "embeddings.sum" };
  return [
    embeddingLookup(
      {
        x: activation("embeddings.sum"),
        counts: index("counts"),
        word: weight("embeddings.word"),
        tokenIds: index("tokenIds"),
      },
      { H },
    ),
    norm(embedded, tensors, shape),
    ...Array.from({ length: layers }, (_, i) => [
      ...attentionBlock(i, shape, tensors),
      ...feedForwardBlock(i, shape, tensors),
    ]).flat(),
    norm({ region: "final", at: "final.", y: "final.output", x: inputOf(layers) }, tensors, shape),
    poolingForward(
      { pooled: activation("pooled"), cuSeqlens: index("cuSeqlens"), x: activation("final.output") },
      { H, firstOnly: pooling === "cls" },
    ),
    normaliseForward({ y: activation("embedding"), norm: activation("norm"), x: activation("pooled") }, { H }),
  ];
}
