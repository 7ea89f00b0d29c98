/**
 * BERT's layers on packed texts (Devlin et al., 2019: post-LayerNorm), and those of its relatives. The forward pass keeps
 * 6H + I + 2N + 2 floats a token and block; a block's input, the feed-forward's and the activated numbers are made again on
 * the way back.
 */
import type { BertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { sites } from "../dropout.ts";
import { attend, attendBackward, keptFloats, type DistanceBias } from "./attention.ts";
import { addDistanceGradient, distanceBias } from "./distance.ts";
import { beforeDrop, dropRows, weightsDropped } from "./drop.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import { blockOf, blocksFrom, type Layers } from "./layers.ts";
import {
  dense,
  endOf,
  norm,
  normAgain,
  normBackward,
  takeNormal,
  times,
  timesBackward,
  timesGradient,
} from "./parts.ts";
import type { Normal, Parameters } from "./parts.ts";
import { lookUp, rowsOf, scatterAdd, type Layout } from "./tokens.ts";

/** What a block keeps of its forward pass. */
interface Kept {
  readonly qkv: Matrix;
  readonly attention: number;
  readonly context: Matrix;
  readonly attentionNorm: Normal;
  /** (T, I), what GELU gets. */
  readonly inner: Matrix;
  readonly outputNorm: Normal;
}

interface Pass {
  readonly embedding: Normal;
  readonly blocks: readonly Kept[];
}

/** What the blocks of a pass have in common. */
interface Chunk {
  readonly texts: PackedTexts;
  readonly bias: DistanceBias | undefined;
}

function takeKept(heap: Heap, tokens: number, { hidden, heads, intermediate }: BertShape): Kept {
  return {
    qkv: heap.takeMatrix(tokens, 3 * hidden),
    attention: heap.take(keptFloats(tokens, heads)),
    context: heap.takeMatrix(tokens, hidden),
    attentionNorm: takeNormal(heap, tokens, hidden),
    inner: heap.takeMatrix(tokens, intermediate),
    outputNorm: takeNormal(heap, tokens, hidden),
  };
}

/** y = x·Wᵀ + b */
function linear({ heap, weight }: Parameters, region: string, x: Matrix, y: Matrix): void {
  times(heap, dense(weight(`${region}.weight`), y.columns, x.columns), { x, y, from: weight(`${region}.bias`) });
}

interface LinearBack {
  readonly dx: Matrix;
  readonly dy: Matrix;
  /** Whether the product is added to what dx was. */
  readonly adds: boolean;
}

/** dx = dy·W, or that and what dx was. */
function linearBackward({ heap, weight }: Parameters, region: string, { dx, dy, adds }: LinearBack): void {
  const w = dense(weight(`${region}.weight`), dy.columns, dx.columns);
  timesBackward(heap, w, { dx, dy, ...(adds && { from: "c" }) });
}

/** dW += dyᵀ·x, db += the sum of dy's rows, where they are wanted. */
function linearGradient(parameters: Parameters, region: string, x: Matrix, dy: Matrix): void {
  timesGradient(parameters, region, { x, dy });
  const db = parameters.gradient(`${region}.bias`);
  if (db !== undefined) parameters.heap.kernels.sumRows(db, dy.at, dy.row, dy.rows);
}

const attentionOf = ({ shape, dropping }: Parameters, i: number, { chunk, kept }: { chunk: Chunk; kept: Kept }) => ({
  texts: chunk.texts,
  heads: shape.heads,
  qkv: kept.qkv,
  context: kept.context,
  kept: kept.attention,
  bias: chunk.bias,
  dropping: weightsDropped(dropping, i),
});

/** Block i; x (T, H) becomes its result. */
function blockForward(
  parameters: Parameters,
  i: number,
  of: { readonly chunk: Chunk; readonly kept: Kept },
  x: Matrix,
): void {
  const { heap, dropping } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = of.kept;
  heap.during(() => {
    const sum = heap.takeMatrix(x.rows, x.columns);
    const middle = heap.takeMatrix(x.rows, x.columns);
    const activated = heap.takeMatrix(x.rows, inner.columns);
    linear(parameters, `${at}.attention.qkv`, x, qkv);
    attend(heap, attentionOf(parameters, i, of));
    linear(parameters, `${at}.attention.output`, context, sum);
    dropRows(heap, sum, dropping, sites.attentionOutput(i));
    norm(parameters, `${at}.attention.norm`, { x: sum, other: x, y: middle }, attentionNorm);
    linear(parameters, `${at}.intermediate`, middle, inner);
    heap.kernels.gelu(activated.at, inner.at, endOf(inner));
    linear(parameters, `${at}.output`, activated, sum);
    dropRows(heap, sum, dropping, sites.output(i));
    norm(parameters, `${at}.output.norm`, { x: sum, other: middle, y: x }, outputNorm);
  });
}

interface Back {
  readonly chunk: Chunk;
  readonly kept: Kept;
  /** Writes the block's input once more, (T, H). */
  readonly inputAgain: (x: Matrix) => void;
}

/** Block i; d, the gradient of its result, becomes that of its input, if anything below wants it. */
function blockBackward(parameters: Parameters, i: number, back: Back, d: Matrix): void {
  const { heap, dropping } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = back.kept;
  heap.during(() => {
    const [x, dContext] = [heap.takeMatrix(d.rows, d.columns), heap.takeMatrix(d.rows, d.columns)];
    const activated = heap.takeMatrix(d.rows, inner.columns);
    const dInner = heap.takeMatrix(d.rows, inner.columns);
    const dqkv = heap.takeMatrix(d.rows, qkv.columns);
    // Attention writes no padding, and the bias's gradient sums it.
    heap.view(dqkv.at, (dqkv.row * dqkv.rows) / floatBytes).fill(0);

    normBackward(parameters, `${at}.output.norm`, d, outputNorm);
    const dOutput = beforeDrop(heap, d, dropping, sites.output(i));
    linearBackward(parameters, `${at}.output`, { dx: dInner, dy: dOutput, adds: false });
    heap.kernels.geluBackward(activated.at, dInner.at, inner.at, endOf(inner));
    linearGradient(parameters, `${at}.output`, activated, dOutput);
    normAgain(parameters, `${at}.attention.norm`, x, attentionNorm);
    linearGradient(parameters, `${at}.intermediate`, x, dInner);
    linearBackward(parameters, `${at}.intermediate`, { dx: d, dy: dInner, adds: true });

    normBackward(parameters, `${at}.attention.norm`, d, attentionNorm);
    const dAttention = beforeDrop(heap, d, dropping, sites.attentionOutput(i));
    linearGradient(parameters, `${at}.attention.output`, context, dAttention);
    linearBackward(parameters, `${at}.attention.output`, { dx: dContext, dy: dAttention, adds: false });
    attendBackward(heap, attentionOf(parameters, i, back), dContext, dqkv);
    back.inputAgain(x);
    linearGradient(parameters, `${at}.attention.qkv`, x, dqkv);
    if (i > parameters.bottom) linearBackward(parameters, `${at}.attention.qkv`, { dx: d, dy: dqkv, adds: true });
  });
}

const EMBEDDING_NORM = "embeddings.norm";

export function bertLayers(layout: Layout & { readonly shape: BertShape }): Layers<Pass> {
  const { shape } = layout;
  const { layers, hidden, intermediate, heads, distanceBuckets = 0 } = shape;
  /** The table of the bias by distance, or its gradient. */
  const table = (heap: Heap, at: number): Float32Array => heap.view(at, distanceBuckets * heads);
  const biasOf = ({ heap, weight }: Parameters, wanted: boolean): DistanceBias | undefined =>
    distanceBuckets === 0 ? undefined : distanceBias(shape, table(heap, weight("distance")), wanted);

  /** Block i's input once more: the result of the norm before it. */
  const inputAgain =
    (parameters: Parameters, i: number, { embedding, blocks }: Pass) =>
    (x: Matrix) => {
      if (i > 0)
        return normAgain(parameters, `layer.${i - 1}.output.norm`, x, blockOf(blocks, i - 1, layers).outputNorm);
      normAgain(parameters, EMBEDDING_NORM, x, embedding);
      dropRows(parameters.heap, x, parameters.dropping, sites.embeddings);
    };

  return {
    tables: ["embeddings.word", "embeddings.position", "embeddings.type"],
    bytes: (from) => floatBytes * (hidden + blocksFrom(from, layers) * (6 * hidden + intermediate + 2 * heads)),
    // d, x, what attention gets, two copies without what was dropped, (T, 3H); the inner ones.
    scratch: { token: floatBytes * (8 * hidden + 2 * intermediate), widest: Math.max(3 * hidden, intermediate) },
    take: ({ heap }, tokens, from) => ({
      embedding: takeNormal(heap, tokens, hidden),
      blocks: Array.from({ length: blocksFrom(from, layers) }, () => takeKept(heap, tokens, shape)),
    }),

    forward(parameters, weights, texts, { pass, y }) {
      const { heap } = parameters;
      const word = heap.takeMatrix(y.rows, hidden);
      lookUp(layout, weights, texts, { word: rowsOf(heap, word), place: rowsOf(heap, y) });
      norm(parameters, EMBEDDING_NORM, { x: word, other: y, y }, pass.embedding);
      dropRows(heap, y, parameters.dropping, sites.embeddings);
      const chunk = { texts, bias: biasOf(parameters, false) };
      for (let i = 0; i < layers; i++) blockForward(parameters, i, { chunk, kept: blockOf(pass.blocks, i, layers) }, y);
    },

    backward(parameters, gradient, texts, { pass, d }) {
      const { heap, bottom, dropping } = parameters;
      const dDistance = parameters.gradient("distance");
      const chunk = { texts, bias: biasOf(parameters, dDistance !== undefined) };
      for (let i = layers - 1; i >= Math.max(bottom, 0); i--) {
        const kept = blockOf(pass.blocks, i, layers);
        blockBackward(parameters, i, { chunk, kept, inputAgain: inputAgain(parameters, i, pass) }, d);
      }
      if (chunk.bias && dDistance !== undefined) addDistanceGradient(shape, chunk.bias, table(heap, dDistance));
      if (bottom >= 0) return;
      dropRows(heap, d, dropping, sites.embeddings);
      normBackward(parameters, EMBEDDING_NORM, d, pass.embedding);
      scatterAdd(layout, gradient, texts, rowsOf(heap, d));
    },
  };
}
