/** BERT, InfoNCE and AdamW in TensorFlow.js, operation by operation: it has no compiler. */
import type * as tfModule from "@tensorflow/tfjs-core";
import { present } from "../../src/base/assert.ts";
import type { BertShape } from "../../src/domain/encoder.ts";
import { LEARNING_RATE, settings, type Parameter } from "../work.ts";

export type Tf = typeof tfModule;
type Tensor = tfModule.Tensor;
type Variable = tfModule.Variable;

/** Texts of one padded length. */
export interface GroupTensors {
  /** (R, L) */
  readonly ids: tfModule.Tensor1D;
  readonly rows: number;
  readonly length: number;
  /** (R, L), or nothing where no place is padding. */
  readonly mask: Tensor | undefined;
}

export interface BatchTensors {
  readonly groups: readonly GroupTensors[];
  /** (S) row of each text among all groups' rows. */
  readonly rows: tfModule.Tensor1D;
  /** (B, D) 1 where a document is the query's positive. */
  readonly positives: tfModule.Tensor2D;
}

const EXCLUDED = 1e9;

export function modelOf(tf: Tf, shape: BertShape, variables: ReadonlyMap<string, Variable>) {
  const { hidden: H, heads: N, layers, layerNormEpsilon } = shape;
  const D = H / N;
  const at = (name: string): Variable => present(variables.get(name), name);

  function norm(name: string, x: Tensor): Tensor {
    const { mean, variance } = tf.moments(x, -1, true);
    const scaled = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, layerNormEpsilon)));
    return tf.add(tf.mul(scaled, at(`${name}.weight`)), at(`${name}.bias`));
  }

  const linear = (name: string, x: Tensor): Tensor =>
    tf.fused.matMul({ a: x, b: at(`${name}.weight`), transposeB: true, bias: at(`${name}.bias`) });

  function attention(qkv: Tensor, { rows: R, length: L, mask }: GroupTensors): Tensor {
    const heads = tf.transpose(tf.reshape(qkv, [R, L, 3 * N, D]), [0, 2, 1, 3]);
    const [q, k, v] = tf.split(heads, 3, 1);
    const scores = tf.mul(tf.matMul(present(q, "queries"), present(k, "keys"), false, true), 1 / Math.sqrt(D));
    const seen = mask ? tf.add(scores, tf.reshape(tf.mul(tf.sub(mask, 1), EXCLUDED), [R, 1, 1, L])) : scores;
    const context = tf.matMul(tf.softmax(seen, -1), present(v, "values"));
    return tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [R * L, H]);
  }

  /** x · Φ(x) */
  const gelu = (x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

  function block(name: string, x: Tensor, group: GroupTensors): Tensor {
    const context = attention(linear(`${name}.attention.qkv`, x), group);
    const middle = norm(`${name}.attention.norm`, tf.add(x, linear(`${name}.attention.output`, context)));
    const inner = gelu(linear(`${name}.intermediate`, middle));
    return norm(`${name}.output.norm`, tf.add(middle, linear(`${name}.output`, inner)));
  }

  /** (R, H), the mean over each text's tokens. */
  function encodeGroup(group: GroupTensors): Tensor {
    const { ids, rows: R, length: L, mask } = group;
    const words = tf.reshape(tf.gather(at("embeddings.word"), ids), [R, L, H]);
    const places = tf.slice(at("embeddings.position"), [0, 0], [L, H]);
    const type = tf.slice(at("embeddings.type"), [0, 0], [1, H]);
    let x = norm("embeddings.norm", tf.reshape(tf.add(tf.add(words, places), type), [R * L, H]));
    for (let i = 0; i < layers; i++) x = block(`layer.${i}`, x, group);
    const rows = tf.reshape(x, [R, L, H]);
    if (!mask) return tf.mean(rows, 1);
    return tf.div(tf.sum(tf.mul(rows, tf.reshape(mask, [R, L, 1])), 1), tf.sum(mask, 1, true));
  }

  /** (S, H) unit vectors in the order of the texts. */
  function encode({ groups, rows }: BatchTensors): Tensor {
    const x = tf.gather(tf.concat(groups.map(encodeGroup), 0), rows);
    return tf.div(x, tf.sqrt(tf.sum(tf.square(x), -1, true)));
  }

  function loss(batch: BatchTensors): tfModule.Scalar {
    const [B, documents] = batch.positives.shape;
    const embeddings = encode(batch);
    const queries = tf.slice(embeddings, [0, 0], [B, H]);
    const scores = tf.matMul(queries, tf.slice(embeddings, [B, 0], [documents, H]), false, true);
    const shares = tf.logSoftmax(tf.mul(scores, 1 / settings.temperature), -1);
    return tf.reshape<tfModule.Rank.R0>(tf.mul(tf.sum(tf.mul(shares, batch.positives)), -1 / B), []);
  }

  return { encode, loss };
}

export interface Moments {
  readonly first: Variable;
  readonly second: Variable;
}

/** Clips and updates by AdamW; the gradient's norm before clipping. */
export function update(
  tf: Tf,
  gradients: (parameter: Parameter) => Tensor,
  held: readonly { readonly parameter: Parameter; readonly weight: Variable; readonly moments: Moments }[],
  steps: number,
): Tensor {
  const [beta1, beta2] = settings.betas;
  const squares = held.map(({ parameter }) => tf.sum(tf.square(gradients(parameter))));
  // Not addN: on WebGPU it binds all its inputs at once, more than a device allows.
  const norm = tf.sqrt(squares.reduce((sum, square) => tf.add(sum, square)));
  const scale = tf.minimum(tf.div(settings.clip, tf.add(norm, 1e-6)), 1);
  for (const { parameter, weight, moments } of held) {
    const gradient = tf.mul(gradients(parameter), scale);
    const first = tf.add(tf.mul(moments.first, beta1), tf.mul(gradient, 1 - beta1));
    const second = tf.add(tf.mul(moments.second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
    const root = tf.add(tf.sqrt(tf.div(second, 1 - beta2 ** steps)), settings.epsilon);
    const move = tf.mul(tf.div(first, root), LEARNING_RATE / (1 - beta1 ** steps));
    const kept = parameter.decays ? tf.mul(weight, 1 - LEARNING_RATE * settings.weightDecay) : weight;
    weight.assign(tf.sub(kept, move));
    moments.first.assign(first);
    moments.second.assign(second);
  }
  return norm;
}
