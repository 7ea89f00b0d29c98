/** ModernBERT's backward pass: a list of dispatches from the gradient of the unit vectors to that of every weight that trains. */
import type { ModernBertShape, Pooling } from "../../../domain/encoder.ts";
import { attentionBackward } from "../../../kernels/attention/attention.ts";
import { embeddingBackward } from "../../../kernels/embedding/embedding.ts";
import { gegluBackward, gegluForward } from "../../../kernels/geglu/geglu.ts";
import { layerNormInput, layerNormWeight } from "../../../kernels/layernorm/layernorm.ts";
import { normaliseBackward } from "../../../kernels/normalise/normalise.ts";
import { poolingBackward } from "../../../kernels/pooling/pooling.ts";
import { turn } from "../../../kernels/rotary/rotary.ts";
import { sites } from "../../dropout.ts";
import { adapterInput, inputOf, trains } from "../layers.ts";
import { between, linearBack, undropped, wayBack, type MakingBack, type Stage } from "../layersBack.ts";
import type { Passes, ProgramOptions } from "../program.ts";
import { anglesOf, attentionSize, modernBertLayer, normedOf, outputOf } from "./forward.ts";

interface Norm {
  readonly region: string;
  /** What its mean and deviation start with. */
  readonly at: string;
  readonly dx: string;
  readonly x: string;
  readonly dy: string;
  /** Whether dx is added to what is there: the gradient of a residual. */
  readonly adds: boolean;
}

function norm(
  { region, at, dx, x, dy, adds }: Norm,
  { hidden: H }: ModernBertShape,
  { tensors, trained }: MakingBack,
): Stage {
  const { weight, gradient, index, activation } = tensors;
  const name = `${region}.norm.weight`;
  const normed = () => ({
    counts: index("counts"),
    x: activation(x),
    mean: activation(`${at}mean`),
    rstd: activation(`${at}rstd`),
    dy: activation(dy),
  });
  const input = () => layerNormInput({ ...normed(), dx: activation(dx), weight: weight(name) }, { H, adds });
  const parameters = () =>
    layerNormWeight(
      { ...normed(), dweight: gradient(name), scratch: [activation("scratch"), activation("scratch.bias")] },
      { H, adds: tensors.adds },
    );
  const own = trains(trained, name);
  return { trains: own, passes: (deeper) => [...(deeper ? [input()] : []), ...(own ? parameters() : [])] };
}

/** d.stream from the gradient of the layer's output to that of its `middle`. */
function feedForwardBlock(i: number, shape: ModernBertShape, making: MakingBack): readonly Stage[] {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = making.tensors;
  const at = `layer.${i}.`;
  const kept = undropped({ dy: "d.stream", C: H, site: sites.output(i) }, making);
  const geglu = () => ({ y: activation(`${at}activated`), counts: index("counts"), x: activation(`${at}wide`) });
  const gegluBack = () =>
    gegluBackward({ ...geglu(), dx: activation("d.wide"), dy: activation("d.activated") }, { C: I });
  const wide = { region: `${at}intermediate`, biased: false, dx: "d.normed", x: `${at}normed`, dy: "d.wide" };
  return [
    ...kept.stages,
    linearBack(
      {
        ...outputOf(i, shape),
        dx: "d.activated",
        dy: kept.dy,
        middle: ({ deeper }) => [deeper ? gegluBack() : gegluForward(geglu(), { C: I })],
      },
      making,
    ),
    linearBack({ ...wide, I: H, O: 2 * I }, making),
    norm(
      { region: `${at}intermediate`, at, dx: "d.stream", x: `${at}middle`, dy: "d.normed", adds: true },
      shape,
      making,
    ),
  ];
}

function attention(i: number, shape: ModernBertShape, making: MakingBack): Passes {
  const { hidden: H, heads: N } = shape;
  const { index, activation } = making.tensors;
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
      attentionSize(i, shape, making),
    ),
    turn({ qkv: dqkv, counts, places: index("positions"), angles: index(anglesOf(shape, i)) }, { H, N, back: true }),
  ];
}

/** d.stream from the gradient of layer i's `middle` to that of what it starts from. */
function attentionBlock(i: number, shape: ModernBertShape, making: MakingBack): readonly Stage[] {
  const { hidden: H } = shape;
  const at = `layer.${i}.`;
  const kept = undropped({ dy: "d.stream", C: H, site: sites.attentionOutput(i) }, making);
  const output = { region: `${at}attention.output`, biased: false, dx: "d.context", x: `${at}context`, dy: kept.dy };
  const qkv = { region: `${at}attention.qkv`, biased: false, x: normedOf(i), dy: "d.qkv", I: H, O: 3 * H };
  const before = { region: `${at}attention`, at: `${at}attention.`, dx: "d.stream", x: inputOf(i), dy: "d.normed" };
  return [
    ...kept.stages,
    linearBack({ ...output, I: H, O: H }, making),
    between(() => attention(i, shape, making)),
    ...(i === 0
      ? [linearBack({ ...qkv, dx: "d.stream", adds: true }, making)]
      : [linearBack({ ...qkv, dx: "d.normed" }, making), norm({ ...before, adds: true }, shape, making)]),
  ];
}

/** From d.stream to the gradients of what makes up the embeddings. */
function embeddings(shape: ModernBertShape, making: MakingBack): readonly Stage[] {
  const { hidden: H } = shape;
  const { gradient, index, activation, adds } = making.tensors;
  const kept = undropped({ dy: "d.stream", C: H, site: sites.embeddings }, making);
  const embedded = { region: "embeddings", at: "embeddings.", dx: "d.normed", x: "embeddings.sum", dy: kept.dy };
  const table = () =>
    embeddingBackward(
      {
        dtable: gradient("embeddings.word"),
        rows: { ids: index("words.ids"), offsets: index("words.offsets"), order: index("words.order") },
        dx: activation("d.normed"),
      },
      { H, distinct: "words", adds },
    );
  return [
    ...kept.stages,
    norm({ ...embedded, adds: false }, shape, making),
    { trains: making.trained.embeddings, passes: () => [table()] },
  ];
}

/** From `d.embedding` (S, H) to d.normed (T, H). */
function pooledBackward(
  pooling: Pooling,
  { hidden: H }: ModernBertShape,
  { tensors: { index, activation } }: MakingBack,
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

/** From `d.embedding` (S, H) to the gradients, after a forward pass. */
export function modernBertBackward(
  shape: ModernBertShape,
  pooling: Pooling,
  making: MakingBack,
  { recompute }: Pick<ProgramOptions, "recompute">,
): Passes {
  const { layers } = shape;
  const final = { region: "final", at: "final.", dx: "d.stream", x: inputOf(layers), dy: "d.normed", adds: false };
  // What the last layer made is still there. A layer's own result only the next one needs, and that is kept.
  const again = (i: number): readonly Stage[] =>
    recompute && i + 1 < layers
      ? [between(() => [...modernBertLayer(i, shape, making), ...adapterInput(outputOf(i, shape), making)])]
      : [];
  const blocks = Array.from({ length: layers }, (_, i) => [
    ...again(i),
    ...feedForwardBlock(i, shape, making),
    ...attentionBlock(i, shape, making),
  ]);
  return wayBack([
    between(() => pooledBackward(pooling, shape, making)),
    norm(final, shape, making),
    ...blocks.toReversed().flat(),
    ...embeddings(shape, making),
  ]);
}
