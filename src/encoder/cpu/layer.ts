/**
 * The transformer block in jax-js: post-LayerNorm BERT (Devlin et al., 2019) with exact GELU (Hendrycks and Gimpel, 2016).
 * Tokens stand in R rows of L places, C = R·L; several texts may share a row, kept apart by the mask.
 *
 * jax-js counts references by hand: every function here owns its arguments and uses each up once; `x.ref` is one use more.
 *
 * The forward pass returns what the backward pass needs, 7H + I floats a token besides its input. The backward pass chains
 * the vector-Jacobian products of the parts, each at the saved values, in one compiled program. What those recompute and
 * nobody reads falls away there, so that only attention's weights and GELU's Φ are computed twice.
 */
import type { Jax, Tensor } from "./backend.ts";

// Type aliases, not interfaces: jax-js takes trees of plain objects with an index signature.
export type Affine = { weight: Tensor; bias: Tensor };

/** Weights, or gradients of them; a linear layer's weight is (outputs, inputs), as in the arena. */
export type LayerTensors = {
  qkv: Affine;
  attention: Affine;
  attentionNorm: Affine;
  intermediate: Affine;
  output: Affine;
  outputNorm: Affine;
};

/** What a block keeps of its forward pass. */
export type Saved = {
  /** (C, H), the block's input. */
  x: Tensor;
  /** (C, 3H) */
  qkv: Tensor;
  /** (C, H), attention's result before its output layer. */
  context: Tensor;
  /** (C, H), what the first LayerNorm gets. */
  attended: Tensor;
  /** (C, I), what GELU gets. */
  inner: Tensor;
  /** (C, H), what the second LayerNorm gets. */
  last: Tensor;
};

export interface BlockOptions {
  readonly heads: number;
  readonly epsilon: number;
}

/** Added to the score of two places that belong to different texts: exp of it is 0 in f32. */
const MASKED = -1e9;

export type Arguments = { x: Tensor } & Affine;

/** Gradients of the arguments of `f` at the values `at`. */
export function pull(jax: Jax, f: (at: Arguments) => Tensor, at: Arguments, dy: Tensor): Arguments {
  const [y, back] = jax.vjp(f, [at]);
  y.dispose();
  const [gradients] = back(dy);
  back.dispose();
  return gradients;
}

export function blockParts(jax: Jax, { heads, epsilon }: BlockOptions) {
  const { numpy: np, lax } = jax;

  const linear = ({ x, weight, bias }: Arguments): Tensor => np.matmul(x, weight.transpose()).add(bias);

  function norm({ x, weight, bias }: Arguments): Tensor {
    const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
    const variance = centred.ref.mul(centred.ref).mean(-1, { keepdims: true });
    return centred.mul(np.reciprocal(np.sqrt(variance.add(epsilon)))).mul(weight).add(bias);
  }

  /** Φ, the standard normal distribution function. */
  const phi = (x: Tensor): Tensor => lax.erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5);

  /** (R, L) text number of each place → (R, 1, L, L) */
  function mask(texts: Tensor): Tensor {
    const [rows = 0, length = 0] = texts.shape;
    const same = np.equal(texts.ref.reshape([rows, 1, length, 1]), texts.reshape([rows, 1, 1, length]));
    return np.where(same, 0, MASKED);
  }

  /** (C, 3H), (R, 1, L, L) → (C, H) */
  function attend(qkv: Tensor, bias: Tensor): Tensor {
    const [rows = 0, , length = 0] = bias.shape;
    const hidden = (qkv.shape[1] ?? 0) / 3;
    const size = hidden / heads;
    const split = qkv.reshape([rows, length, 3, heads, size]).transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = np.split(split, 3, 0).map((part) => part.reshape([rows, heads, length, size]));
    if (!q || !k || !v) throw new Error("internal: split made fewer than three parts");
    const scores = np.matmul(q.mul(1 / Math.sqrt(size)), k.transpose([0, 1, 3, 2])).add(bias);
    const highest = lax.stopGradient(np.max(scores.ref, -1, { keepdims: true }));
    const weights = np.exp(scores.sub(highest));
    const sums = weights.ref.sum(-1, { keepdims: true });
    // To divide after the transposition makes jax-js write the transposed array out: a matrix multiplication that reads
    // it through that view falls back to scalar code, 30 times slower.
    const context = np.matmul(weights, v).transpose([0, 2, 1, 3]);
    return context.mul(np.reciprocal(sums).transpose([0, 2, 1, 3])).reshape([rows * length, hidden]);
  }

  return { linear, norm, phi, mask, attend };
}

type Parts = ReturnType<typeof blockParts>;

export function blockForward({ linear, norm, phi, attend }: Parts) {
  return (p: LayerTensors, x: Tensor, mask: Tensor): { y: Tensor; saved: Saved } => {
    const qkv = linear({ x: x.ref, ...p.qkv });
    const context = attend(qkv.ref, mask);
    const attended = x.ref.add(linear({ x: context.ref, ...p.attention }));
    const middle = norm({ x: attended.ref, ...p.attentionNorm });
    const inner = linear({ x: middle.ref, ...p.intermediate });
    const activated = inner.ref.mul(phi(inner.ref));
    const last = middle.add(linear({ x: activated, ...p.output }));
    const y = norm({ x: last.ref, ...p.outputNorm });
    return { y, saved: { x, qkv, context, attended, inner, last } };
  };
}

export function blockBackward(jax: Jax, { linear, norm, phi, attend }: Parts) {
  const { numpy: np } = jax;
  /** Of x·Φ(x): Φ(x) + x·φ(x), φ the standard normal density. */
  function geluSlope(x: Tensor, gate: Tensor): Tensor {
    const density = np.exp(x.ref.mul(x.ref).mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
    return gate.add(x.mul(density));
  }

  return (p: LayerTensors, saved: Saved, mask: Tensor, dy: Tensor): { dx: Tensor; dp: LayerTensors } => {
    const { x, qkv, context, attended, inner, last } = saved;
    const gate = phi(inner.ref);
    const { x: dLast, ...outputNorm } = pull(jax, norm, { x: last, ...p.outputNorm }, dy);
    const activated = inner.ref.mul(gate.ref);
    const { x: dActivated, ...output } = pull(jax, linear, { x: activated, ...p.output }, dLast.ref);
    const dInner = dActivated.mul(geluSlope(inner, gate));
    const { weight, bias } = p.attentionNorm;
    const middle = norm({ x: attended.ref, weight: weight.ref, bias: bias.ref });
    const { x: dMiddle, ...intermediate } = pull(jax, linear, { x: middle, ...p.intermediate }, dInner);
    const dResidual = dLast.add(dMiddle);
    const { x: dAttended, ...attentionNorm } = pull(jax, norm, { x: attended, ...p.attentionNorm }, dResidual);
    const { x: dContext, ...attention } = pull(jax, linear, { x: context, ...p.attention }, dAttended.ref);
    const [again, attendBack] = jax.vjp((at: Tensor) => attend(at, mask), [qkv]);
    again.dispose();
    const [dQkv] = attendBack(dContext);
    attendBack.dispose();
    const { x: dInput, ...qkvGradients } = pull(jax, linear, { x, ...p.qkv }, dQkv);
    const dp = { qkv: qkvGradients, attention, attentionNorm, intermediate, output, outputNorm };
    return { dx: dInput.add(dAttended), dp };
  };
}
