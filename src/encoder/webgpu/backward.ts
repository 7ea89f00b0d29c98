/** BERT's backward pass: a list of dispatches from the gradient of the unit vectors to the gradient of every weight. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import type { Dispatch } from "../../gpu/pass.ts";
import { add } from "../../kernels/add/add.ts";
import { attentionBackward, attentionBiasBackward } from "../../kernels/attention/attention.ts";
import type { Counts } from "../../kernels/counts.ts";
import { distanceBackward } from "../../kernels/distance/distance.ts";
import { embeddingBackward } from "../../kernels/embedding/embedding.ts";
import { geluBackward } from "../../kernels/gelu/gelu.ts";
import { layerNormBackward } from "../../kernels/layernorm/layernorm.ts";
import { linearBackward, type LinearSize } from "../../kernels/linear/linear.ts";
import { normaliseBackward } from "../../kernels/normalise/normalise.ts";
import { poolingBackward } from "../../kernels/pooling/pooling.ts";
import { sumTokens } from "../../kernels/reduce/reduce.ts";
import { attentionSize, inputOf, normRegion } from "./forward.ts";
import type { BackwardTensors } from "./program.ts";

type Passes = Dispatch<Counts>[];

/** d.output → d.sum through the norm at `at`. */
function norm(at: string, { weight, gradient, index, activation }: BackwardTensors, { hidden: H }: BertShape): Passes {
  const region = normRegion(at);
  return layerNormBackward(
    {
      dx: activation("d.sum"),
      dweight: gradient(`${region}.weight`),
      dbias: gradient(`${region}.bias`),
      counts: index("counts"),
      x: activation(`${at}sum`),
      mean: activation(`${at}mean`),
      rstd: activation(`${at}rstd`),
      weight: weight(`${region}.weight`),
      dy: activation("d.output"),
      scratch: [activation("scratch"), activation("scratch.bias")],
    },
    { H },
  );
}

interface Layer extends LinearSize {
  readonly region: string;
  readonly dx: string;
  readonly x: string;
  readonly dy: string;
}

const linear = ({ weight, gradient, index, activation }: BackwardTensors, { region, dx, x, dy, I, O }: Layer): Passes =>
  linearBackward(
    {
      dx: activation(dx),
      dweight: gradient(`${region}.weight`),
      dbias: gradient(`${region}.bias`),
      counts: index("counts"),
      x: activation(x),
      weight: weight(`${region}.weight`),
      dy: activation(dy),
      scratch: activation("scratch"),
    },
    { I, O },
  );

/** d.output += d.sum: a residual connection hands its gradient to both branches. */
const residual = ({ index, activation }: BackwardTensors, { hidden: H }: BertShape): Dispatch<Counts> =>
  add({ y: activation("d.output"), counts: index("counts"), x: activation("d.sum") }, { C: H });

function feedForwardBlock(i: number, shape: BertShape, tensors: BackwardTensors): Passes {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = tensors;
  const at = `layer.${i}.`;
  return [
    ...norm(at, tensors, shape),
    ...linear(tensors, { region: `${at}output`, dx: "d.intermediate", x: `${at}activated`, dy: "d.sum", I, O: H }),
    geluBackward(
      { dx: activation("d.intermediate"), counts: index("counts"), x: activation(`${at}intermediate`) },
      { C: I },
    ),
    ...linear(tensors, {
      region: `${at}intermediate`,
      dx: "d.output",
      x: `${at}attention.output`,
      dy: "d.intermediate",
      I: H,
      O: I,
    }),
    residual(tensors, shape),
  ];
}

function attention(i: number, shape: BertShape, { index, activation }: BackwardTensors): Passes {
  const at = `layer.${i}.`;
  const { layers, distanceBuckets } = shape;
  const tensors = {
    dqkv: activation("d.qkv"),
    counts: index("counts"),
    context: activation(`${at}context`),
    logSumExp: activation(`${at}logSumExp`),
    qkv: activation(`${at}qkv`),
    blocks: index("blocks"),
    dcontext: activation("d.context"),
    delta: activation("delta"),
  };
  const size = attentionSize(shape);
  if (distanceBuckets === undefined) return attentionBackward(tensors, size);
  const bias = activation("distance");
  const shared = { ...size, reach: mostTokens(shape), buckets: distanceBuckets };
  return [
    ...attentionBackward({ ...tensors, bias }, size),
    attentionBiasBackward(
      { ...tensors, bias, buckets: index("buckets"), partial: activation("d.distance") },
      { ...shared, adds: i + 1 < layers },
    ),
  ];
}

function attentionBlock(i: number, shape: BertShape, tensors: BackwardTensors): Passes {
  const { hidden: H } = shape;
  const at = `layer.${i}.`;
  return [
    ...norm(`${at}attention.`, tensors, shape),
    ...linear(tensors, {
      region: `${at}attention.output`,
      dx: "d.context",
      x: `${at}context`,
      dy: "d.sum",
      I: H,
      O: H,
    }),
    ...attention(i, shape, tensors),
    ...linear(tensors, { region: `${at}attention.qkv`, dx: "d.output", x: inputOf(i), dy: "d.qkv", I: H, O: 3 * H }),
    residual(tensors, shape),
  ];
}

/** The gradient of the bias by distance, after all layers have left theirs. */
function distances(shape: BertShape, { gradient, index, activation }: BackwardTensors): Passes {
  const { distanceBuckets: buckets, heads: N, layers } = shape;
  if (buckets === undefined || layers === 0) return [];
  return [
    distanceBackward(
      { dtable: gradient("distance"), counts: index("counts"), partial: activation("d.distance") },
      { N, buckets },
    ),
  ];
}

function embeddings(shape: BertShape, tensors: BackwardTensors): Passes {
  const { hidden: H, types } = shape;
  const { gradient, index, activation } = tensors;
  const rows = (name: string) => ({
    ids: index(`${name}.ids`),
    offsets: index(`${name}.offsets`),
    order: index(`${name}.order`),
  });
  const dx = activation("d.sum");
  return [
    ...norm("embeddings.", tensors, shape),
    embeddingBackward({ dtable: gradient("embeddings.word"), rows: rows("words"), dx }, { H, distinct: "words" }),
    embeddingBackward(
      { dtable: gradient("embeddings.position"), rows: rows("places"), dx },
      { H, distinct: "positions" },
    ),
    ...(types === 0
      ? []
      : sumTokens(
          { y: gradient("embeddings.type"), counts: index("counts"), x: dx, scratch: activation("scratch") },
          { C: H },
        )),
  ];
}

/** From `d.embedding` (S, H) to the gradients, after a forward pass whose activations were kept. */
export function bertBackward(shape: BertShape, pooling: Pooling, tensors: BackwardTensors): Passes {
  const { hidden: H, layers } = shape;
  const { index, activation } = tensors;
  const blocks = Array.from({ length: layers }, (_, i) => [
    ...feedForwardBlock(i, shape, tensors),
    ...attentionBlock(i, shape, tensors),
  ]);
  return [
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
        dx: activation("d.output"),
        counts: index("counts"),
        cuSeqlens: index("cuSeqlens"),
        textOf: index("textOf"),
        dpooled: activation("d.pooled"),
      },
      { H, firstOnly: pooling === "cls" },
    ),
    ...blocks.toReversed().flat(),
    ...distances(shape, tensors),
    ...embeddings(shape, tensors),
  ];
}
