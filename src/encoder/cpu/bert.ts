/**
 * BERT's layers on packed texts (Devlin et al., 2019: post-LayerNorm), and those of its relatives. The forward pass keeps
 * 6H + I + 2N + 2 floats a token and block; a block's input, the feed-forward's and the activated numbers are made again on
 * the way back.
 */
import { present } from "../../base/assert.ts";
import type { BertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { attend, attendBackward, keptFloats, type DistanceBias } from "./attention.ts";
import { addDistanceGradient, distanceBias } from "./distance.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import type { Layers } from "./layers.ts";
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

interface Back {
  readonly dx: Matrix;
  readonly dy: Matrix;
  /** Whether the product is added to what dx was. */
  readonly adds: boolean;
}

/** dx = dy·W, or that and what dx was. */
function linearBackward({ heap, weight }: Parameters, region: string, { dx, dy, adds }: Back): void {
  const w = dense(weight(`${region}.weight`), dy.columns, dx.columns);
  timesBackward(heap, w, { dx, dy, ...(adds && { from: "c" }) });
}

/** dW += dyᵀ·x, db += the sum of dy's rows. */
function linearGradient({ heap, gradient }: Parameters, region: string, x: Matrix, dy: Matrix): void {
  timesGradient(heap, dense(gradient(`${region}.weight`), dy.columns, x.columns), x, dy);
  heap.kernels.sumRows(gradient(`${region}.bias`), dy.at, dy.row, dy.rows);
}

const attentionOf = ({ shape }: Parameters, { texts, bias }: Chunk, { qkv, context, attention }: Kept) => ({
  texts,
  heads: shape.heads,
  qkv,
  context,
  kept: attention,
  bias,
});

/** Block i; x (T, H) becomes its result. */
function blockForward(
  parameters: Parameters,
  i: number,
  { chunk, kept }: { chunk: Chunk; kept: Kept },
  x: Matrix,
): void {
  const { heap } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = kept;
  heap.during(() => {
    const sum = heap.takeMatrix(x.rows, x.columns);
    const middle = heap.takeMatrix(x.rows, x.columns);
    const activated = heap.takeMatrix(x.rows, inner.columns);
    linear(parameters, `${at}.attention.qkv`, x, qkv);
    attend(heap, attentionOf(parameters, chunk, kept));
    linear(parameters, `${at}.attention.output`, context, sum);
    norm(parameters, `${at}.attention.norm`, { x: sum, other: x, y: middle }, attentionNorm);
    linear(parameters, `${at}.intermediate`, middle, inner);
    heap.kernels.gelu(activated.at, inner.at, endOf(inner));
    linear(parameters, `${at}.output`, activated, sum);
    norm(parameters, `${at}.output.norm`, { x: sum, other: middle, y: x }, outputNorm);
  });
}

/** Where a block's input came from: the norm before it. */
interface Input {
  readonly region: string;
  readonly normal: Normal;
}

/** Block i; d, the gradient of its result, becomes that of its input. */
function blockBackward(
  parameters: Parameters,
  i: number,
  { chunk, input, kept }: { readonly chunk: Chunk; readonly input: Input; readonly kept: Kept },
  d: Matrix,
): void {
  const { heap } = parameters;
  const at = `layer.${i}`;
  const { qkv, context, inner, attentionNorm, outputNorm } = kept;
  heap.during(() => {
    const [x, dContext] = [heap.takeMatrix(d.rows, d.columns), heap.takeMatrix(d.rows, d.columns)];
    const activated = heap.takeMatrix(d.rows, inner.columns);
    const dInner = heap.takeMatrix(d.rows, inner.columns);
    const dqkv = heap.takeMatrix(d.rows, qkv.columns);
    // Attention writes no padding, and the bias's gradient sums it.
    heap.view(dqkv.at, (dqkv.row * dqkv.rows) / floatBytes).fill(0);

    normBackward(parameters, `${at}.output.norm`, d, outputNorm);
    linearBackward(parameters, `${at}.output`, { dx: dInner, dy: d, adds: false });
    heap.kernels.geluBackward(activated.at, dInner.at, inner.at, endOf(inner));
    linearGradient(parameters, `${at}.output`, activated, d);
    normAgain(parameters, `${at}.attention.norm`, x, attentionNorm);
    linearGradient(parameters, `${at}.intermediate`, x, dInner);
    linearBackward(parameters, `${at}.intermediate`, { dx: d, dy: dInner, adds: true });

    normBackward(parameters, `${at}.attention.norm`, d, attentionNorm);
    linearGradient(parameters, `${at}.attention.output`, context, d);
    linearBackward(parameters, `${at}.attention.output`, { dx: dContext, dy: d, adds: false });
    attendBackward(heap, attentionOf(parameters, chunk, kept), dContext, dqkv);
    normAgain(parameters, input.region, x, input.normal);
    linearGradient(parameters, `${at}.attention.qkv`, x, dqkv);
    linearBackward(parameters, `${at}.attention.qkv`, { dx: d, dy: dqkv, adds: true });
  });
}

const EMBEDDING_NORM = "embeddings.norm";

export function bertLayers(layout: Layout & { readonly shape: BertShape }): Layers<Pass> {
  const { shape } = layout;
  const { layers, hidden, intermediate, heads, distanceBuckets = 0 } = shape;
  /** The table of the bias by distance, or its gradient. */
  const table = (heap: Heap, at: number): Float32Array => heap.view(at, distanceBuckets * heads);
  const biasOf = ({ heap, weight }: Parameters): DistanceBias | undefined =>
    distanceBuckets === 0 ? undefined : distanceBias(shape, table(heap, weight("distance")));

  return {
    tables: ["embeddings.word", "embeddings.position", "embeddings.type"],
    bytes: floatBytes * (hidden + layers * (6 * hidden + intermediate + 2 * heads)),
    take: ({ heap }, tokens, keep) => ({
      embedding: takeNormal(heap, tokens, hidden),
      blocks: Array.from({ length: keep ? layers : 1 }, () => takeKept(heap, tokens, shape)),
    }),

    forward(parameters, weights, texts, { pass, y }) {
      const { heap } = parameters;
      const word = heap.takeMatrix(y.rows, hidden);
      lookUp(layout, weights, texts, { word: rowsOf(heap, word), place: rowsOf(heap, y) });
      norm(parameters, EMBEDDING_NORM, { x: word, other: y, y }, pass.embedding);
      const chunk = { texts, bias: biasOf(parameters) };
      for (let i = 0; i < layers; i++) {
        const kept = present(pass.blocks[Math.min(i, pass.blocks.length - 1)], "room for a block");
        blockForward(parameters, i, { chunk, kept }, y);
      }
    },

    backward(parameters, gradient, texts, { pass: { embedding, blocks }, d }) {
      const { heap } = parameters;
      const chunk = { texts, bias: biasOf(parameters) };
      for (const [i, kept] of [...blocks.entries()].toReversed()) {
        const before = blocks[i - 1];
        const input = before
          ? { region: `layer.${i - 1}.output.norm`, normal: before.outputNorm }
          : { region: EMBEDDING_NORM, normal: embedding };
        blockBackward(parameters, i, { chunk, input, kept }, d);
      }
      if (chunk.bias) addDistanceGradient(shape, chunk.bias, table(heap, parameters.gradient("distance")));
      normBackward(parameters, EMBEDDING_NORM, d, embedding);
      scatterAdd(layout, gradient, texts, rowsOf(heap, d));
    },
  };
}
