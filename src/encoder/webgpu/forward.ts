/** BERT's forward pass: a list of dispatches from token ids to unit vectors. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import { attentionForward, type AttentionSize } from "../../kernels/attention/attention.ts";
import { distanceForward } from "../../kernels/distance/distance.ts";
import { embeddingForward } from "../../kernels/embedding/embedding.ts";
import { layerNormForward } from "../../kernels/layernorm/layernorm.ts";
import { normaliseForward } from "../../kernels/normalise/normalise.ts";
import { poolingForward } from "../../kernels/pooling/pooling.ts";
import { sites } from "../dropout.ts";
import { branch, drop, inputOf, linear, weightDropping, type Making } from "./layers.ts";
import type { ForwardTensors, Passes } from "./program.ts";

/** The region of the norm whose activations start with `at`: "layer.0.attention." has "layer.0.attention.norm". */
export const normRegion = (at: string): string =>
  at === "embeddings." || at.endsWith("attention.") ? `${at}norm` : `${at}output.norm`;

function distances(shape: BertShape, { weight, index, activation }: ForwardTensors): Passes {
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

/** Layer i's attention as its kernels want it, with dropout or without. */
export const attentionSize = (i: number, shape: BertShape, making: Making): AttentionSize => ({
  H: shape.hidden,
  N: shape.heads,
  // As far as two tokens of a text can be apart.
  ...(shape.distanceBuckets !== undefined && { reach: mostTokens(shape) }),
  dropout: weightDropping(making, sites.attention(i)),
});

function attentionBlock(i: number, shape: BertShape, making: Making): Passes {
  const { hidden: H, distanceBuckets } = shape;
  const { index, activation } = making.tensors;
  const at = `layer.${i}.`;
  const from = inputOf(i);
  return [
    ...linear({ region: `${at}attention.qkv`, biased: true, y: `${at}qkv`, x: from, I: H, O: 3 * H }, making),
    attentionForward(
      {
        context: activation(`${at}context`),
        logSumExp: activation(`${at}logSumExp`),
        qkv: activation(`${at}qkv`),
        counts: index("counts"),
        blocks: index("blocks"),
        bias: distanceBuckets === undefined ? undefined : activation("distance"),
      },
      attentionSize(i, shape, making),
    ),
    ...branch(
      {
        region: `${at}attention.output`,
        biased: true,
        y: `${at}attention.sum`,
        x: `${at}context`,
        residual: from,
        site: sites.attentionOutput(i),
        I: H,
        O: H,
      },
      making,
    ),
    norm(`${at}attention.`, making.tensors, shape),
  ];
}

function feedForwardBlock(i: number, shape: BertShape, making: Making): Passes {
  const { hidden: H, intermediate: I } = shape;
  const at = `layer.${i}.`;
  const from = `${at}attention.output`;
  const [y, activated] = [`${at}intermediate`, `${at}activated`];
  return [
    ...linear({ region: `${at}intermediate`, biased: true, y, x: from, activated, I: H, O: I }, making),
    ...branch(
      {
        region: `${at}output`,
        biased: true,
        y: `${at}sum`,
        x: activated,
        residual: from,
        site: sites.output(i),
        I,
        O: H,
      },
      making,
    ),
  ];
}

/** Layer i as far as its last norm. */
export const bertLayer = (i: number, shape: BertShape, making: Making): Passes => [
  ...attentionBlock(i, shape, making),
  ...feedForwardBlock(i, shape, making),
];

/** From `tokenIds` of the index to `embedding` (S, H). */
export function bertForward(shape: BertShape, pooling: Pooling, making: Making): Passes {
  const { hidden: H, layers, types } = shape;
  const { tensors } = making;
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
    ...drop({ y: "embeddings.output", C: H, site: sites.embeddings }, making),
    ...distances(shape, tensors),
    ...Array.from({ length: layers }, (_, i) => [
      ...bertLayer(i, shape, making),
      norm(`layer.${i}.`, tensors, shape),
    ]).flat(),
    poolingForward(
      { pooled: activation("pooled"), cuSeqlens: index("cuSeqlens"), x: activation(inputOf(layers)) },
      { H, firstOnly: pooling === "cls" },
    ),
    normaliseForward({ y: activation("embedding"), norm: activation("norm"), x: activation("pooled") }, { H }),
  ];
}
