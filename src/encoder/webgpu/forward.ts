/** BERT's forward pass: a list of dispatches from token ids to unit vectors. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import type { Dispatch } from "../../gpu/pass.ts";
import { add } from "../../kernels/add/add.ts";
import { attentionForward, type AttentionSize } from "../../kernels/attention/attention.ts";
import type { Counts } from "../../kernels/counts.ts";
import { distanceForward } from "../../kernels/distance/distance.ts";
import { embeddingForward } from "../../kernels/embedding/embedding.ts";
import { geluForward } from "../../kernels/gelu/gelu.ts";
import { layerNormForward } from "../../kernels/layernorm/layernorm.ts";
import { linearForward } from "../../kernels/linear/linear.ts";
import { normaliseForward } from "../../kernels/normalise/normalise.ts";
import { poolingForward } from "../../kernels/pooling/pooling.ts";
import type { ForwardTensors } from "./program.ts";

/** The name of the activation that layer i starts from. */
export const inputOf = (i: number): string => (i === 0 ? "embeddings.output" : `layer.${i - 1}.output`);

/** The region of the norm whose activations start with `at`: "layer.0.attention." has "layer.0.attention.norm". */
export const normRegion = (at: string): string =>
  at === "embeddings." || at.endsWith("attention.") ? `${at}norm` : `${at}output.norm`;

/** With a bias by distance, as far as two tokens of a text can be apart. */
export const attentionSize = (shape: BertShape): AttentionSize => ({
  H: shape.hidden,
  N: shape.heads,
  ...(shape.distanceBuckets !== undefined && { reach: mostTokens(shape) }),
});

function distances(shape: BertShape, { weight, index, activation }: ForwardTensors): Dispatch<Counts>[] {
  if (shape.distanceBuckets === undefined) return [];
  return [
    distanceForward(
      { bias: activation("distance"), table: weight("distance"), buckets: index("buckets") },
      { N: shape.heads, reach: mostTokens(shape) },
    ),
  ];
}

function norm(at: string, { weight, index, activation }: ForwardTensors, { hidden: H, layerNormEpsilon }: BertShape) {
  const region = normRegion(at);
  return layerNormForward(
    {
      y: activation(`${at}output`),
      mean: activation(`${at}mean`),
      rstd: activation(`${at}rstd`),
      counts: index("counts"),
      x: activation(`${at}sum`),
      weight: weight(`${region}.weight`),
      bias: weight(`${region}.bias`),
    },
    { H, epsilon: layerNormEpsilon },
  );
}

function attentionBlock(i: number, shape: BertShape, tensors: ForwardTensors): Dispatch<Counts>[] {
  const { hidden: H, distanceBuckets } = shape;
  const { weight, index, activation } = tensors;
  const at = `layer.${i}.`;
  const counts = index("counts");
  const linear = (y: string, x: string, name: string, O: number) =>
    linearForward(
      { y: activation(y), counts, x: activation(x), weight: weight(`${name}.weight`), bias: weight(`${name}.bias`) },
      { I: H, O },
    );
  return [
    linear(`${at}qkv`, inputOf(i), `${at}attention.qkv`, 3 * H),
    attentionForward(
      {
        context: activation(`${at}context`),
        logSumExp: activation(`${at}logSumExp`),
        qkv: activation(`${at}qkv`),
        blocks: index("blocks"),
        bias: distanceBuckets === undefined ? undefined : activation("distance"),
      },
      attentionSize(shape),
    ),
    linear(`${at}attention.sum`, `${at}context`, `${at}attention.output`, H),
    add({ y: activation(`${at}attention.sum`), counts, x: activation(inputOf(i)) }, { C: H }),
    norm(`${at}attention.`, tensors, shape),
  ];
}

function feedForwardBlock(i: number, shape: BertShape, tensors: ForwardTensors): Dispatch<Counts>[] {
  const { hidden: H, intermediate: I } = shape;
  const { weight, index, activation } = tensors;
  const at = `layer.${i}.`;
  const counts = index("counts");
  const linear = (y: string, x: string, name: string, size: { I: number; O: number }) =>
    linearForward(
      { y: activation(y), counts, x: activation(x), weight: weight(`${name}.weight`), bias: weight(`${name}.bias`) },
      size,
    );
  return [
    linear(`${at}intermediate`, `${at}attention.output`, `${at}intermediate`, { I: H, O: I }),
    geluForward({ y: activation(`${at}activated`), counts, x: activation(`${at}intermediate`) }, { C: I }),
    linear(`${at}sum`, `${at}activated`, `${at}output`, { I, O: H }),
    add({ y: activation(`${at}sum`), counts, x: activation(`${at}attention.output`) }, { C: H }),
    norm(at, tensors, shape),
  ];
}

/** From `tokenIds` of the index to `embedding` (S, H). */
export function bertForward(shape: BertShape, pooling: Pooling, tensors: ForwardTensors): Dispatch<Counts>[] {
  const { hidden: H, layers, types } = shape;
  const { weight, index, activation } = tensors;
  return [
    embeddingForward(
      {
        x: activation("embeddings.sum"),
        counts: index("counts"),
        word: weight("embeddings.word"),
        position: weight("embeddings.position"),
        type: types > 0 ? weight("embeddings.type") : undefined,
        tokenIds: index("tokenIds"),
        positions: index("positions"),
      },
      { H },
    ),
    norm("embeddings.", tensors, shape),
    ...distances(shape, tensors),
    ...Array.from({ length: layers }, (_, i) => [
      ...attentionBlock(i, shape, tensors),
      ...feedForwardBlock(i, shape, tensors),
    ]).flat(),
    poolingForward(
      { pooled: activation("pooled"), cuSeqlens: index("cuSeqlens"), x: activation(inputOf(layers)) },
      { H, firstOnly: pooling === "cls" },
    ),
    normaliseForward({ y: activation("embedding"), norm: activation("norm"), x: activation("pooled") }, { H }),
  ];
}
