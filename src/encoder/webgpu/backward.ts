/** BERT's backward pass: a list of dispatches from the gradient of the unit vectors to the gradient of every weight that trains. */
import { mostTokens, type BertShape, type Pooling } from "../../domain/encoder.ts";
import { attentionBackward, attentionBiasBackward } from "../../kernels/attention/attention.ts";
import { distanceBackward } from "../../kernels/distance/distance.ts";
import { embeddingBackward } from "../../kernels/embedding/embedding.ts";
import { geluForward } from "../../kernels/gelu/gelu.ts";
import { layerNormInput, layerNormWeight } from "../../kernels/layernorm/layernorm.ts";
import { normaliseBackward } from "../../kernels/normalise/normalise.ts";
import { poolingBackward } from "../../kernels/pooling/pooling.ts";
import { sumTokens } from "../../kernels/reduce/reduce.ts";
import { sites } from "../dropout.ts";
import { attentionSize, bertLayer, normRegion } from "./forward.ts";
import { inputOf, trains } from "./layers.ts";
import { between, linearBack, undropped, wayBack, type MakingBack, type Stage } from "./layersBack.ts";
import type { Passes, ProgramOptions } from "./program.ts";

interface Norm {
  /** What the names of its tensors start with. */
  readonly at: string;
  readonly dy: string;
  readonly dx: string;
}

function norm({ at, dy, dx }: Norm, { hidden: H }: BertShape, { tensors, trained }: MakingBack): Stage {
  const { weight, gradient, index, activation, adds } = tensors;
  const region = normRegion(at);
  const normed = () => ({
    counts: index("counts"),
    x: activation(`${at}sum`),
    mean: activation(`${at}mean`),
    rstd: activation(`${at}rstd`),
    dy: activation(dy),
  });
  const input = () => layerNormInput({ ...normed(), dx: activation(dx), weight: weight(`${region}.weight`) }, { H });
  const parameters = () =>
    layerNormWeight(
      {
        ...normed(),
        dweight: gradient(`${region}.weight`),
        dbias: gradient(`${region}.bias`),
        scratch: [activation("scratch"), activation("scratch.bias")],
      },
      { H, adds },
    );
  const own = trains(trained, `${region}.weight`);
  return { trains: own, passes: (deeper) => [...(deeper ? [input()] : []), ...(own ? parameters() : [])] };
}

/** From d.output, the gradient of the layer's output, to d.sum, that of the attention's. */
function feedForwardBlock(i: number, shape: BertShape, making: MakingBack): readonly Stage[] {
  const { hidden: H, intermediate: I } = shape;
  const { index, activation } = making.tensors;
  const at = `layer.${i}.`;
  const [preactivation, x] = [`${at}intermediate`, `${at}activated`];
  const kept = undropped({ dy: "d.sum", C: H, site: sites.output(i) }, making);
  const output = { region: `${at}output`, biased: true, dx: "d.intermediate", x, dy: kept.dy, preactivation, I, O: H };
  const activatedAgain = () =>
    geluForward({ y: activation(x), counts: index("counts"), x: activation(preactivation) }, { C: I });
  return [
    norm({ at, dy: "d.output", dx: "d.sum" }, shape, making),
    ...kept.stages,
    linearBack({ ...output, middle: ({ own }) => (own ? [activatedAgain()] : []) }, making),
    linearBack(
      {
        region: `${at}intermediate`,
        biased: true,
        dx: "d.sum",
        adds: true,
        x: `${at}attention.output`,
        dy: "d.intermediate",
        I: H,
        O: I,
      },
      making,
    ),
  ];
}

function attention(i: number, shape: BertShape, making: MakingBack): Passes {
  const { index, activation } = making.tensors;
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
  const size = attentionSize(i, shape, making);
  if (distanceBuckets === undefined) return attentionBackward(tensors, size);
  const bias = activation("distance");
  const passes = attentionBackward({ ...tensors, bias }, size);
  if (!trains(making.trained, "distance")) return passes;
  const shared = { ...size, reach: mostTokens(shape), buckets: distanceBuckets };
  return [
    ...passes,
    attentionBiasBackward(
      { ...tensors, bias, buckets: index("buckets"), partial: activation("d.distance") },
      { ...shared, adds: i + 1 < layers },
    ),
  ];
}

/** From d.sum to d.output, now the gradient of what the layer starts from. */
function attentionBlock(i: number, shape: BertShape, making: MakingBack): readonly Stage[] {
  const { hidden: H } = shape;
  const at = `layer.${i}.`;
  const kept = undropped({ dy: "d.output", C: H, site: sites.attentionOutput(i) }, making);
  const output = { region: `${at}attention.output`, biased: true, dx: "d.context", x: `${at}context`, dy: kept.dy };
  const qkv = { region: `${at}attention.qkv`, biased: true, dx: "d.output", adds: true, x: inputOf(i), dy: "d.qkv" };
  return [
    norm({ at: `${at}attention.`, dy: "d.sum", dx: "d.output" }, shape, making),
    ...kept.stages,
    linearBack({ ...output, I: H, O: H }, making),
    between(() => attention(i, shape, making)),
    linearBack({ ...qkv, I: H, O: 3 * H }, making),
  ];
}

/** The gradient of the bias by distance, after all layers have left theirs. */
function distances(shape: BertShape, { tensors, trained }: MakingBack): readonly Stage[] {
  const { distanceBuckets: buckets = 0, heads: N, layers } = shape;
  if (layers === 0 || !trains(trained, "distance")) return [];
  const { gradient, index, activation, adds } = tensors;
  const table = () =>
    distanceBackward(
      { dtable: gradient("distance"), counts: index("counts"), partial: activation("d.distance") },
      { N, buckets, adds },
    );
  return [{ trains: true, passes: () => [table()] }];
}

/** The tables' gradients, from d.sum. */
function tables({ hidden: H, types }: BertShape, { gradient, index, activation, adds }: MakingBack["tensors"]): Passes {
  const rows = (name: string) => ({
    ids: index(`${name}.ids`),
    offsets: index(`${name}.offsets`),
    order: index(`${name}.order`),
  });
  const dx = activation("d.sum");
  return [
    embeddingBackward({ dtable: gradient("embeddings.word"), rows: rows("words"), dx }, { H, distinct: "words", adds }),
    embeddingBackward(
      { dtable: gradient("embeddings.position"), rows: rows("places"), dx },
      { H, distinct: "positions", adds },
    ),
    ...(types === 0
      ? []
      : sumTokens(
          { y: gradient("embeddings.type"), counts: index("counts"), x: dx, scratch: activation("scratch") },
          { C: H, adds },
        )),
  ];
}

/** From d.output to the gradients of what makes up the embeddings. */
function embeddings(shape: BertShape, making: MakingBack): readonly Stage[] {
  const kept = undropped({ dy: "d.output", C: shape.hidden, site: sites.embeddings }, making);
  return [
    ...kept.stages,
    norm({ at: "embeddings.", dy: kept.dy, dx: "d.sum" }, shape, making),
    { trains: making.trained.embeddings, passes: () => tables(shape, making.tensors) },
  ];
}

/** From `d.embedding` (S, H) to d.output (T, H). */
function pooledBackward(
  pooling: Pooling,
  { hidden: H }: BertShape,
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
        dx: activation("d.output"),
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
export function bertBackward(
  shape: BertShape,
  pooling: Pooling,
  making: MakingBack,
  { recompute }: Pick<ProgramOptions, "recompute">,
): Passes {
  const { layers } = shape;
  // What the last layer made is still there.
  const again = (i: number): readonly Stage[] =>
    recompute && i + 1 < layers ? [between(() => bertLayer(i, shape, making))] : [];
  const blocks = Array.from({ length: layers }, (_, i) => [
    ...again(i),
    ...feedForwardBlock(i, shape, making),
    ...attentionBlock(i, shape, making),
  ]);
  return wayBack([
    between(() => pooledBackward(pooling, shape, making)),
    ...blocks.toReversed().flat(),
    ...distances(shape, making),
    ...embeddings(shape, making),
  ]);
}
