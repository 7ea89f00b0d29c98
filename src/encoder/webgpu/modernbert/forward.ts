/** ModernBERT's forward pass: a list of dispatches from token ids to unit vectors. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import type { Dispatch } from "../../../gpu/pass.ts";
import { attentionForward, type AttentionSize } from "../../../kernels/attention/attention.ts";
import type { Counts } from "../../../kernels/counts.ts";
import { embeddingLookup } from "../../../kernels/embedding/embedding.ts";
import { gegluForward } from "../../../kernels/geglu/geglu.ts";
import { layerNormForward } from "../../../kernels/layernorm/layernorm.ts";
import { normaliseForward } from "../../../kernels/normalise/normalise.ts";
import { poolingForward } from "../../../kernels/pooling/pooling.ts";
import { turn } from "../../../kernels/rotary/rotary.ts";
import { sites } from "../../dropout.ts";
import { isGlobal } from "../../rotary.ts";
import { branch, drop, inputOf, linear, weightDropping, type Making } from "../layers.ts";
import type { ForwardTensors, Passes } from "../program.ts";

/** The name of what layer i takes its queries, keys and values from: the first layer has no norm before them. */
export const normedOf = (i: number): string => (i === 0 ? inputOf(0) : `layer.${i}.attention.normed`);

/** The name of layer i's angles in the index. */
export const anglesOf = (shape: ModernBertShape, i: number): string =>
  isGlobal(shape, i) ? "angles.far" : "angles.near";

export const attentionSize = (i: number, shape: ModernBertShape, making: Making): AttentionSize => ({
  H: shape.hidden,
  N: shape.heads,
  ...(!isGlobal(shape, i) && { window: shape.window }),
  dropout: weightDropping(making, sites.attention(i)),
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

/** From what layer i starts from to its `middle`. */
function attentionBlock(i: number, shape: ModernBertShape, making: Making): Passes {
  const { hidden: H, heads: N } = shape;
  const { index, activation } = making.tensors;
  const at = `layer.${i}.`;
  const [counts, qkv] = [index("counts"), activation(`${at}qkv`)];
  const before = { region: `${at}attention`, at: `${at}attention.`, y: normedOf(i), x: inputOf(i) };
  const output = { region: `${at}attention.output`, biased: false, y: `${at}middle`, x: `${at}context`, I: H, O: H };
  return [
    ...(i === 0 ? [] : [norm(before, making.tensors, shape)]),
    ...linear({ region: `${at}attention.qkv`, biased: false, y: `${at}qkv`, x: normedOf(i), I: H, O: 3 * H }, making),
    turn({ qkv, counts, places: index("positions"), angles: index(anglesOf(shape, i)) }, { H, N, back: false }),
    attentionForward(
      {
        counts,
        context: activation(`${at}context`),
        logSumExp: activation(`${at}logSumExp`),
        qkv,
        blocks: index("blocks"),
      },
      attentionSize(i, shape, making),
    ),
    ...branch({ ...output, residual: inputOf(i), site: sites.attentionOutput(i) }, making),
  ];
}

/** Layer i as far as its last matrix. */
export function modernBertLayer(i: number, shape: ModernBertShape, making: Making): Passes {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = making.tensors;
  const at = `layer.${i}.`;
  const wide = { region: `${at}intermediate`, biased: false, y: `${at}wide`, x: `${at}normed`, I: H, O: 2 * I };
  return [
    ...attentionBlock(i, shape, making),
    norm({ region: `${at}intermediate`, at, y: `${at}normed`, x: `${at}middle` }, making.tensors, shape),
    ...linear(wide, making),
    gegluForward({ y: activation(`${at}activated`), counts: index("counts"), x: activation(`${at}wide`) }, { C: I }),
  ];
}

/** Layer i's last matrix, from `activated`. */
export const outputOf = (i: number, { hidden: H, intermediate: I }: ModernBertShape) =>
  ({ region: `layer.${i}.output`, biased: false, x: `layer.${i}.activated`, I, O: H }) as const;

/** From `tokenIds` of the index to `embedding` (S, H). */
export function modernBertForward(shape: ModernBertShape, pooling: Pooling, making: Making): Passes {
  const { hidden: H, layers } = shape;
  const { tensors } = making;
  const { weight, index, activation } = tensors;
  const embedded = { region: "embeddings", at: "embeddings.", y: "embeddings.output", x: "embeddings.sum" };
  const output = (i: number) =>
    branch(
      { ...outputOf(i, shape), y: `layer.${i}.output`, residual: `layer.${i}.middle`, site: sites.output(i) },
      making,
    );
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
    ...drop({ y: "embeddings.output", C: H, site: sites.embeddings }, making),
    ...Array.from({ length: layers }, (_, i) => [...modernBertLayer(i, shape, making), ...output(i)]).flat(),
    norm({ region: "final", at: "final.", y: "final.output", x: inputOf(layers) }, tensors, shape),
    poolingForward(
      { pooled: activation("pooled"), cuSeqlens: index("cuSeqlens"), x: activation("final.output") },
      { H, firstOnly: pooling === "cls" },
    ),
    normaliseForward({ y: activation("embedding"), norm: activation("norm"), x: activation("pooled") }, { H }),
  ];
}
