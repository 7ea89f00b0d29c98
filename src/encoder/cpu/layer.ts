/**
 * The transformer block in jax-js: post-LayerNorm BERT (Devlin et al., 2019) with exact GELU, x·Φ(x) (Hendrycks and Gimpel,
 * 2016). Tokens stand in R rows of L places, C = R·L; several texts may share a row, kept apart by a mask.
 *
 * jax-js counts references by hand: every function here owns its arguments and uses each up once; `x.ref` is one use more.
 *
 * The forward pass returns what the backward pass needs, 7H + I + N floats a token besides its input. The backward pass is
 * one compiled program: jax-js differentiates linear layers and LayerNorm at the saved values (what that recomputes and
 * nobody reads falls away), while attention and GELU have their formulas, which need less than autodiff would recompute.
 */
import type { Jax, Tensor } from "./backend.ts";
import { specialFunctions } from "./functions.ts";

// Type aliases, not interfaces: jax-js takes trees of plain objects with an index signature.
export type Affine = { weight: Tensor; bias: Tensor };
export type Arguments = { x: Tensor } & Affine;

/** Weights, or gradients of them; a linear layer's weight is (outputs, inputs), as in the arena. */
export type LayerTensors = {
  query: Affine;
  key: Affine;
  value: Affine;
  attention: Affine;
  attentionNorm: Affine;
  intermediate: Affine;
  output: Affine;
  outputNorm: Affine;
};

/** Attention's operands and results; (C, H) unless said otherwise. */
export type Attended = {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  /** (R, N, 1, L) log Σ exp of each query's scores. */
  logSumExp: Tensor;
  context: Tensor;
};

/** What a block keeps of its forward pass; (C, H) unless said otherwise. */
export type Saved = Attended & {
  /** The block's input. */
  x: Tensor;
  /** What the first LayerNorm gets. */
  residual: Tensor;
  /** (C, I), what GELU gets. */
  inner: Tensor;
  /** What the second LayerNorm gets. */
  last: Tensor;
};

export interface BlockOptions {
  readonly heads: number;
  readonly epsilon: number;
}

/** The score of two places that belong to different texts. */
const APART = -1e9;

export function linearOf({ numpy: np }: Jax) {
  return ({ x, weight, bias }: Arguments): Tensor => np.matmul(x, weight.transpose()).add(bias);
}

export function normOf({ numpy: np }: Jax, epsilon: number) {
  return ({ x, weight, bias }: Arguments): Tensor => {
    const [count = 0] = x.shape;
    // Statistics as vectors: jax-js then computes 1/√ once a token, at the end of the sum, not once a number.
    const centred = x.ref.sub(x.mean(-1).reshape([count, 1]));
    const variance = centred.ref.mul(centred.ref).mean(-1);
    const scale = np.reciprocal(np.sqrt(variance.add(epsilon))).reshape([count, 1]);
    return centred.mul(scale).mul(weight).add(bias);
  };
}

/** (R, L) text number of each place → (R, 1, L, L), whether two places belong to one text. */
export function maskOf({ numpy: np }: Jax) {
  return (texts: Tensor): Tensor => {
    const [rows = 0, length = 0] = texts.shape;
    return np.equal(texts.ref.reshape([rows, 1, length, 1]), texts.reshape([rows, 1, 1, length]));
  };
}

/** Gradients of the arguments of `f` at the values `at`. */
export function pull(jax: Jax, f: (at: Arguments) => Tensor, at: Arguments, dy: Tensor): Arguments {
  const [y, back] = jax.vjp(f, [at]);
  y.dispose();
  const [gradients] = back(dy);
  back.dispose();
  return gradients;
}

/**
 * Scores and weights are held transposed, (R, N, key, query): the reductions over keys then run along vectors of queries,
 * for which jax-js has vector code (over rows it has for sums of products only).
 */
export function attentionOf(jax: Jax, heads: number) {
  const { numpy: np } = jax;
  const { expOfNegative } = specialFunctions(jax);
  const swap = [0, 2, 1, 3];
  const transposed = [0, 1, 3, 2];
  /** (C, H) → (R, N, L, D) */
  const split = (x: Tensor, rows: number) => x.reshape([rows, -1, heads, (x.shape[1] ?? 0) / heads]).transpose(swap);
  /**
   * (R, N, L, D), times a factor → (C, H). The factor makes jax-js write the transposed array out; a matrix multiplication
   * that reads it as a view falls back to scalar code, 30 times slower.
   */
  const merged = (x: Tensor, factor: Tensor | number) => {
    const [rows = 0, , length = 0, size = 0] = x.shape;
    return x
      .transpose(swap)
      .mul(factor)
      .reshape([rows * length, heads * size]);
  };
  function scores(q: Tensor, k: Tensor, mask: Tensor): Tensor {
    const [rows = 0] = mask.shape;
    const size = (q.shape[1] ?? 0) / heads;
    const products = np.matmul(split(k, rows), split(q, rows).transpose(transposed));
    // Not by adding a mask times a large number: jax-js regroups sums, and the scores would drown in it.
    return np.where(mask, products.mul(1 / Math.sqrt(size)), APART);
  }

  function forward(q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Attended {
    const [rows = 0] = mask.shape;
    const score = scores(q.ref, k.ref, mask.ref);
    const highest = np.max(score.ref, -2, { keepdims: true });
    const weights = np.where(mask, expOfNegative(score.sub(highest.ref)), 0);
    const sums = weights.ref.sum(-2, { keepdims: true });
    const products = np.matmul(weights.transpose(transposed), split(v.ref, rows));
    const context = merged(products, np.reciprocal(sums.ref).transpose([0, 3, 1, 2]));
    return { q, k, v, logSumExp: highest.add(np.log(sums)), context };
  }

  /** With P the weights: dV = PᵀdO, dP = dO Vᵀ, dS = P∘(dP − rowsum(dO∘O)), dQ = dS K, dK = dSᵀQ (Dao et al., 2022). */
  function backward({ q, k, v, logSumExp, context }: Attended, mask: Tensor, dContext: Tensor) {
    const [rows = 0] = mask.shape;
    const size = (q.shape[1] ?? 0) / heads;
    const weights = np.where(mask.ref, expOfNegative(scores(q.ref, k.ref, mask).sub(logSumExp)), 0);
    const dOut = split(dContext.ref, rows);
    const along = split(dContext.mul(context), rows).sum(-1);
    const dv = np.matmul(weights.ref, dOut.ref);
    const dWeights = np.matmul(split(v, rows), dOut.transpose(transposed));
    const [, n = 0, length = 0] = along.shape;
    const dScores = weights.mul(dWeights.sub(along.reshape([rows, n, 1, length])));
    const dq = np.matmul(dScores.ref.transpose(transposed), split(k, rows));
    const dk = np.matmul(dScores, split(q, rows));
    const scale = 1 / Math.sqrt(size);
    return { dq: merged(dq, scale), dk: merged(dk, scale), dv: merged(dv, 1) };
  }

  return { forward, backward };
}

export function blockForward(jax: Jax, { heads, epsilon }: BlockOptions) {
  const linear = linearOf(jax);
  const norm = normOf(jax, epsilon);
  const attention = attentionOf(jax, heads);
  const { normalCdf } = specialFunctions(jax);

  return (p: LayerTensors, x: Tensor, mask: Tensor): { y: Tensor; saved: Saved } => {
    const q = linear({ x: x.ref, ...p.query });
    const k = linear({ x: x.ref, ...p.key });
    const v = linear({ x: x.ref, ...p.value });
    const attended = attention.forward(q, k, v, mask);
    const residual = x.ref.add(linear({ x: attended.context.ref, ...p.attention }));
    const middle = norm({ x: residual.ref, ...p.attentionNorm });
    const inner = linear({ x: middle.ref, ...p.intermediate });
    const activated = inner.ref.mul(normalCdf(inner.ref));
    const last = middle.add(linear({ x: activated, ...p.output }));
    const y = norm({ x: last.ref, ...p.outputNorm });
    return { y, saved: { x, ...attended, residual, inner, last } };
  };
}

export function blockBackward(jax: Jax, { heads, epsilon }: BlockOptions) {
  const linear = linearOf(jax);
  const norm = normOf(jax, epsilon);
  const attentionPart = attentionOf(jax, heads);
  const { expOfNegative, normalCdf } = specialFunctions(jax);

  /** Of x·Φ(x), given Φ(x): Φ(x) + x·φ(x), φ the standard normal density. */
  function geluSlope(x: Tensor, gate: Tensor): Tensor {
    const density = expOfNegative(x.ref.mul(x.ref).mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
    return gate.add(x.mul(density));
  }

  return (p: LayerTensors, saved: Saved, mask: Tensor, dy: Tensor): { dx: Tensor; dp: LayerTensors } => {
    const { x, residual, inner, last, ...attended } = saved;
    const gate = normalCdf(inner.ref);
    const { x: dLast, ...outputNorm } = pull(jax, norm, { x: last, ...p.outputNorm }, dy);
    const activated = inner.ref.mul(gate.ref);
    const { x: dActivated, ...output } = pull(jax, linear, { x: activated, ...p.output }, dLast.ref);
    const dInner = dActivated.mul(geluSlope(inner, gate));
    const { weight, bias } = p.attentionNorm;
    const middle = norm({ x: residual.ref, weight: weight.ref, bias: bias.ref });
    const { x: dMiddle, ...intermediate } = pull(jax, linear, { x: middle, ...p.intermediate }, dInner);
    const { x: dResidual, ...attentionNorm } = pull(jax, norm, { x: residual, ...p.attentionNorm }, dLast.add(dMiddle));
    const context = attended.context.ref;
    const { x: dContext, ...attention } = pull(jax, linear, { x: context, ...p.attention }, dResidual.ref);
    const { dq, dk, dv } = attentionPart.backward(attended, mask, dContext);
    const { x: dxq, ...query } = pull(jax, linear, { x: x.ref, ...p.query }, dq);
    const { x: dxk, ...key } = pull(jax, linear, { x: x.ref, ...p.key }, dk);
    const { x: dxv, ...value } = pull(jax, linear, { x, ...p.value }, dv);
    const dp = { query, key, value, attention, attentionNorm, intermediate, output, outputNorm };
    return { dx: dResidual.add(dxq).add(dxk).add(dxv), dp };
  };
}
