/**
 * ModernBERT's layers on packed texts (Warner et al., 2024): x += attention(norm(x)), x += feed-forward(norm(x)), the first block
 * without a norm before its attention, one norm behind the last. The forward pass keeps 6H + 2I + 2N + 2 floats a token and block.
 */
import type { ModernBertShape } from "../../domain/encoder.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import { sites } from "../dropout.ts";
import { growingAngles, isGlobal } from "../rotary.ts";
import { attend, attendBackward, keptFloats } from "./attention.ts";
import { beforeDrop, dropRows, weightsDropped } from "./drop.ts";
import { floatBytes, type Heap, type Matrix } from "./heap.ts";
import { blockOf as keptBlock, blocksFrom, type Layers } from "./layers.ts";
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
import { turn } from "./rotary.ts";
import { lookUp, rowsOf, scatterAdd, type Layout } from "./tokens.ts";

/** What a block keeps of its forward pass. */
interface Kept {
  readonly attentionNorm: Normal;
  /** Turned by their places. */
  readonly qkv: Matrix;
  readonly attention: number;
  readonly context: Matrix;
  readonly innerNorm: Normal;
  /** (T, I) each: what GELU gets, and the gate. */
  readonly inner: Matrix;
  readonly gate: Matrix;
}

interface Pass {
  readonly embedding: Normal;
  readonly blocks: readonly Kept[];
  readonly final: Normal;
}

/** A block, and the texts that pass through it. */
interface Block {
  readonly i: number;
  readonly texts: PackedTexts;
  readonly kept: Kept;
  /** What a query sees on each side of it; all if left out. */
  readonly window: number | undefined;
  /** (places, D) */
  readonly angles: Float32Array;
  /** Writes the first block's input once more, (T, H), which no norm of its own has kept. */
  readonly inputAgain: (x: Matrix) => void;
}

function takeKept(heap: Heap, tokens: number, { hidden, heads, intermediate }: ModernBertShape): Kept {
  return {
    attentionNorm: takeNormal(heap, tokens, hidden),
    qkv: heap.takeMatrix(tokens, 3 * hidden),
    attention: heap.take(keptFloats(tokens, heads)),
    context: heap.takeMatrix(tokens, hidden),
    innerNorm: takeNormal(heap, tokens, hidden),
    inner: heap.takeMatrix(tokens, intermediate),
    gate: heap.takeMatrix(tokens, intermediate),
  };
}

/** The two halves of a block's first matrix in the feed-forward, or of its gradient. */
function halves(address: number, { inner }: Kept, hidden: number): readonly [inner: Matrix, gate: Matrix] {
  const rows = inner.columns;
  return [dense(address, rows, hidden), dense(address + rows * hidden * floatBytes, rows, hidden)];
}

const attentionOf = ({ shape, dropping }: Parameters, { i, texts, window, kept }: Block) => ({
  texts,
  heads: shape.heads,
  qkv: kept.qkv,
  context: kept.context,
  kept: kept.attention,
  window,
  dropping: weightsDropped(dropping, i),
});

/** y += x, the padding too. */
function add(heap: Heap, y: Matrix, x: Matrix): void {
  heap.kernels.sumRows(y.at, x.at, x.row * x.rows, 1);
}

/** y += x·Wᵀ; with dropout, of a part of it. */
function addTimes({ heap, dropping }: Parameters, w: Matrix, { x, y }: { x: Matrix; y: Matrix }, site: number): void {
  if (!dropping || dropping.hidden === 0) return times(heap, w, { x, y, from: "c" });
  heap.during(() => {
    const result = heap.takeMatrix(y.rows, y.columns);
    times(heap, w, { x, y: result });
    dropRows(heap, result, dropping, site);
    add(heap, y, result);
  });
}

/** x (T, H) becomes the block's result. */
function blockForward(parameters: Parameters, block: Block, x: Matrix): void {
  const { heap, shape, weight } = parameters;
  const { i, texts, kept, angles } = block;
  const at = `layer.${i}`;
  const H = shape.hidden;
  heap.during(() => {
    const normed = heap.takeMatrix(x.rows, H);
    const activated = heap.takeMatrix(x.rows, kept.inner.columns);
    if (i > 0) norm(parameters, `${at}.attention.norm`, { x, y: normed }, kept.attentionNorm);
    times(heap, dense(weight(`${at}.attention.qkv.weight`), 3 * H, H), { x: i > 0 ? normed : x, y: kept.qkv });
    turn(heap, kept.qkv, { texts, heads: shape.heads, angles });
    attend(heap, attentionOf(parameters, block));
    const output = dense(weight(`${at}.attention.output.weight`), H, H);
    addTimes(parameters, output, { x: kept.context, y: x }, sites.attentionOutput(i));

    norm(parameters, `${at}.intermediate.norm`, { x, y: normed }, kept.innerNorm);
    const [inner, gate] = halves(weight(`${at}.intermediate.weight`), kept, H);
    times(heap, inner, { x: normed, y: kept.inner });
    times(heap, gate, { x: normed, y: kept.gate });
    heap.kernels.geglu(activated.at, kept.inner.at, kept.gate.at, endOf(kept.inner));
    const last = dense(weight(`${at}.output.weight`), H, activated.columns);
    addTimes(parameters, last, { x: activated, y: x }, sites.output(i));
  });
}

/** d, the gradient of x + feed-forward(norm(x)), becomes that of x. */
function feedForwardBackward(parameters: Parameters, { i, kept }: Block, d: Matrix): void {
  const { heap, weight, dropping } = parameters;
  const [at, H, I] = [`layer.${i}`, d.columns, kept.inner.columns];
  heap.during(() => {
    const [x, dx] = [heap.takeMatrix(d.rows, H), heap.takeMatrix(d.rows, H)];
    const activated = heap.takeMatrix(d.rows, I);
    const [dInner, dGate] = [heap.takeMatrix(d.rows, I), heap.takeMatrix(d.rows, I)];
    const dy = beforeDrop(heap, d, dropping, sites.output(i));
    timesBackward(heap, dense(weight(`${at}.output.weight`), H, I), { dx: dInner, dy });
    heap.kernels.gegluBackward(activated.at, dInner.at, dGate.at, kept.inner.at, kept.gate.at, endOf(kept.inner));
    timesGradient(parameters, `${at}.output`, { x: activated, dy });

    normAgain(parameters, `${at}.intermediate.norm`, x, kept.innerNorm);
    const [inner, gate] = halves(weight(`${at}.intermediate.weight`), kept, H);
    timesGradient(parameters, `${at}.intermediate`, { x, dy: dInner });
    timesGradient(parameters, `${at}.intermediate`, { x, dy: dGate, first: I });
    timesBackward(heap, inner, { dx, dy: dInner });
    timesBackward(heap, gate, { dx, dy: dGate, from: "c" });
    normBackward(parameters, `${at}.intermediate.norm`, dx, kept.innerNorm);
    add(heap, d, dx);
  });
}

/** d, the gradient of x + attention(norm(x)), becomes that of x, if anything below wants it. */
function attentionBackward(parameters: Parameters, block: Block, d: Matrix): void {
  const { heap, shape, weight, dropping } = parameters;
  const { i, texts, kept, angles } = block;
  const [at, H] = [`layer.${i}`, d.columns];
  heap.during(() => {
    const [x, dx] = [heap.takeMatrix(d.rows, H), heap.takeMatrix(d.rows, H)];
    const dqkv = heap.takeMatrix(d.rows, 3 * H);
    // Attention writes no padding, and adds to keys and values where it sees only a window.
    heap.view(dqkv.at, (dqkv.row * dqkv.rows) / floatBytes).fill(0);
    const dy = beforeDrop(heap, d, dropping, sites.attentionOutput(i));
    timesGradient(parameters, `${at}.attention.output`, { x: kept.context, dy });
    timesBackward(heap, dense(weight(`${at}.attention.output.weight`), H, H), { dx, dy });
    attendBackward(heap, attentionOf(parameters, block), dx, dqkv);
    turn(heap, dqkv, { texts, heads: shape.heads, angles, back: true });

    if (i > 0) normAgain(parameters, `${at}.attention.norm`, x, kept.attentionNorm);
    else block.inputAgain(x);
    timesGradient(parameters, `${at}.attention.qkv`, { x, dy: dqkv });
    if (i <= parameters.bottom && parameters.gradient(`${at}.attention.norm.weight`) === undefined) return;
    timesBackward(heap, dense(weight(`${at}.attention.qkv.weight`), 3 * H, H), { dx, dy: dqkv });
    if (i > 0) normBackward(parameters, `${at}.attention.norm`, dx, kept.attentionNorm);
    add(heap, d, dx);
  });
}

const EMBEDDING_NORM = "embeddings.norm";
const FINAL_NORM = "final.norm";

export function modernBertLayers(layout: Layout & { readonly shape: ModernBertShape }): Layers<Pass> {
  const { shape } = layout;
  const { layers, hidden, intermediate, heads, window, globalTheta, localTheta } = shape;
  const turns = { far: growingAngles(hidden / heads, globalTheta), near: growingAngles(hidden / heads, localTheta) };

  function blockOf(parameters: Parameters, i: number, texts: PackedTexts, pass: Pass): Block {
    const whole = isGlobal(shape, i);
    const longest = texts.cuSeqlens.reduce((most, end, s) => Math.max(most, end - (texts.cuSeqlens[s - 1] ?? 0)), 0);
    return {
      i,
      texts,
      kept: keptBlock(pass.blocks, i, layers),
      window: whole ? undefined : window,
      angles: turns[whole ? "far" : "near"](longest),
      inputAgain: (x) => {
        normAgain(parameters, EMBEDDING_NORM, x, pass.embedding);
        dropRows(parameters.heap, x, parameters.dropping, sites.embeddings);
      },
    };
  }

  return {
    tables: ["embeddings.word"],
    bytes: (from) => floatBytes * (2 * hidden + blocksFrom(from, layers) * (6 * hidden + 2 * intermediate + 2 * heads)),
    // d, x, dx, a copy without what was dropped; and the inner ones, or (T, 3H).
    scratch: {
      token: floatBytes * (4 * hidden + 3 * Math.max(hidden, intermediate)),
      widest: Math.max(3 * hidden, intermediate),
    },
    take: ({ heap }, tokens, from) => ({
      embedding: takeNormal(heap, tokens, hidden),
      blocks: Array.from({ length: blocksFrom(from, layers) }, () => takeKept(heap, tokens, shape)),
      final: takeNormal(heap, tokens, hidden),
    }),

    forward(parameters, weights, texts, { pass, y }) {
      lookUp(layout, weights, texts, { word: rowsOf(parameters.heap, y) });
      norm(parameters, EMBEDDING_NORM, { x: y, y }, pass.embedding);
      dropRows(parameters.heap, y, parameters.dropping, sites.embeddings);
      for (let i = 0; i < layers; i++) blockForward(parameters, blockOf(parameters, i, texts, pass), y);
      norm(parameters, FINAL_NORM, { x: y, y }, pass.final);
    },

    backward(parameters, gradient, texts, { pass, d }) {
      normBackward(parameters, FINAL_NORM, d, pass.final);
      const { heap, bottom, dropping } = parameters;
      for (let i = layers - 1; i >= Math.max(bottom, 0); i--) {
        const block = blockOf(parameters, i, texts, pass);
        feedForwardBackward(parameters, block, d);
        attentionBackward(parameters, block, d);
      }
      if (bottom >= 0) return;
      dropRows(heap, d, dropping, sites.embeddings);
      normBackward(parameters, EMBEDDING_NORM, d, pass.embedding);
      scatterAdd(layout, gradient, texts, rowsOf(heap, d));
    },
  };
}
