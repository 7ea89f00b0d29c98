/** ModernBERT's backward pass: a list of dispatches from the gradient of the unit vectors to the gradient of every weight. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import type { Dispatch } from "../../../gpu/pass.ts";
import { add } from "../../../kernels/add/add.ts";
import { attentionBackward } from "../../../kernels/attention/attention.ts";
import type { Counts } from "../../../kernels/counts.ts";
import { embeddingBackward } from "../../../kernels/embedding/embedding.ts";
import { gegluBackward } from "../../../kernels/geglu/geglu.ts";
import { layerNormBackward } from "../../../kernels/layernorm/layernorm.ts";
import { linearBackward, type LinearSize } from "../../../kernels/linear/linear.ts";
import { normaliseBackward } from "../../../kernels/normalise/normalise.ts";
import { poolingBackward } from "../../../kernels/pooling/pooling.ts";
import { turn } from "../../../kernels/rotary/rotary.ts";
import type { BackwardTensors } from "../program.ts";
import { anglesOf, attentionSize, inputOf, normedOf } from "./forward.ts";

type Passes = Dispatch<Counts>[];

interface Norm {
  readonly region: string;
  /** What its mean and deviation start with. */
  readonly at: string;
  readonly dx: string;
  readonly x: string;
  readonly dy: string;
}

const norm = (
  { region, at, dx, x, dy }: Norm,
  { weight, gradient, index, activation }: BackwardTensors,
  { hidden: H }: ModernBertShape,
): Passes =>
  layerNormBackward(
    {
      dx: activation(dx),
      dweight: gradient(`${region}.norm.weight`),
      counts: index("counts"),
      x: activation(x),
      mean: activation(`${at}mean`),
      rstd: activation(`${at}rstd`),
      weight: weight(`${region}.norm.weight`),
      dy: activation(dy),
      scratch: [activation("scratch"), activation("scratch.bias")],
    },
    { H },
  );

interface Linear extends LinearSize {
  readonly region: string;
  readonly dx: string;
  readonly x: string;
  readonly dy: string;
}

const linear = (
  { region, dx, x, dy, I, O }: Linear,
  { weight, gradient, index, activation }: BackwardTensors,
): Passes =>
  linearBackward(
    {
      dx: activation(dx),
      dweight: gradient(`${region}.weight`),
      counts: index("counts"),
      x: activation(x),
      weight: weight(`${region}.weight`),
      dy: activation(dy),
      scratch: activation("scratch"),
    },
    { I, O },
  );

/** d.stream += what came back through a branch. */
const join = (
  branch: string,
  { index, activation }: BackwardTensors,
  { hidden: H }: ModernBertShape,
): Dispatch<Counts> => add({ y: activation("d.stream"), counts: index("counts"), x: activation(branch) }, { C: H });

function feedForwardBlock(i: number, shape: ModernBertShape, tensors: BackwardTensors): Passes {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = tensors;
  const at = `layer.${i}.`;
  return [
    ...linear({ region: `${at}output`, dx: "d.activated", x: `${at}activated`, dy: "d.stream", I, O: H }, tensors),
    gegluBackward(
      {
        dx: activation("d.wide"),
        counts: index("counts"),
        x: activation(`${at}wide`),
        dy: activation("d.activated"),
      },
      { C: I },
    ),
    ...linear({ region: `${at}intermediate`, dx: "d.normed", x: `${at}normed`, dy: "d.wide", I: H, O: 2 * I }, tensors),
    ...norm({ region: `${at}intermediate`, at, dx: "d.branch", x: `${at}middle`, dy: "d.normed" }, tensors, shape),
    join("d.branch", tensors, shape),
  ];
}

function attention(i: number, shape: ModernBertShape, { index, activation }: BackwardTensors): Passes {
  const { hidden: H, heads: N } = shape;
  const at = `layer.${i}.`;
  const [dqkv, counts] = [activation("d.qkv"), index("counts")];
  return [
    ...attentionBackward(
      {
        dqkv,
        counts,
        context: activation(`${at}context`),
        logSumExp: activation(`${at}logSumExp`),
        qkv: activation(`${at}qkv`),
        blocks: index("blocks"),
        dcontext: activation("d.context"),
        delta: activation("delta"),
      },
      attentionSize(shape, i),
    ),
    turn({ qkv: dqkv, counts, places: index("positions"), angles: index(anglesOf(shape, i)) }, { H, N, back: true }),
  ];
}

function attentionBlock(i: number, shape: ModernBertShape, tensors: BackwardTensors): Passes {
  const { hidden: H } = shape;
  const at = `layer.${i}.`;
  const before = { region: `${at}attention`, at: `${at}attention.`, dx: "d.branch", x: inputOf(i), dy: "d.normed" };
  return [
    ...linear(
      { region: `${at}attention.output`, dx: "d.context", x: `${at}context`, dy: "d.stream", I: H, O: H },
      tensors,
    ),
    ...attention(i, shape, tensors),
    ...linear({ region: `${at}attention.qkv`, dx: "d.normed", x: normedOf(i), dy: "d.qkv", I: H, O: 3 * H }, tensors),
    ...(i === 0
      ? [join("d.normed", tensors, shape)]
      : [...norm(before, tensors, shape), join("d.branch", tensors, shape)]),
  ];
}

function pooledBackward(
  pooling: Pooling,
  { index, activation }: BackwardTensors,
  { hidden: H }: ModernBertShape,
): Passes {
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
        dx: activation("d.normed"),
        counts: index("counts"),
        cuSeqlens: index("cuSeqlens"),
        textOf: index("textOf"),
        dpooled: activation("d.pooled"),
      },
      { H, firstOnly: pooling === "cls" },
    ),
  ];
}

/** From `d.embedding` (S, H) to the gradients, after a forward pass whose activations were kept. */
export function modernBertBackward(shape: ModernBertShape, pooling: Pooling, tensors: BackwardTensors): Passes {
  const { hidden: H, layers } = shape;
  const { gradient, index, activation } = tensors;
  const final = { region: "final", at: "final.", dx: "d.stream", x: inputOf(layers), dy: "d.normed" };
  const embedded = { region: "embeddings", at: "embeddings.", dx: "d.branch", x: "embeddings.sum", dy: "d.stream" };
  const blocks = Array.from({ length: layers }, (_, i) => [
    ...feedForwardBlock(i, shape, tensors),
    ...attentionBlock(i, shape, tensors),
  ]);
  return [
    ...pooledBackward(pooling, tensors, shape),
    ...norm(final, tensors, shape),
    ...blocks.toReversed().flat(),
    ...norm(embedded, tensors, shape),
    embeddingBackward(
      {
        dtable: gradient("embeddings.word"),
        rows: { ids: index("words.ids"), offsets: index("words.offsets"), order: index("words.order") },
        dx: activation("d.branch"),
      },
      { H, distinct: "words" },
    ),
  ];
}
