/**
 * BERT, InfoNCE and AdamW in jax-js, as one function that is differentiated and compiled. Its arrays are counted: whatever is
 * used more than once is passed on as `.ref`.
 */
import type * as jaxModule from "@jax-js/jax";
import { present } from "../../src/base/assert.ts";
import type { BertShape } from "../../src/domain/encoder.ts";
import { settings } from "../work.ts";

export type Jax = typeof jaxModule;
export type Tensor = jaxModule.Array;
export type Parameters = Record<string, Tensor>;

/** Texts of one padded length. Type aliases: jax-js takes no interfaces as trees. */
export type GroupTensors = {
  /** (R · L), one row after the other. The gradient of a lookup takes neither indices nor gradients that are reshaped on the way. */
  ids: Tensor;
  /** (R, L), or nothing where no place is padding. */
  mask: Tensor[];
};

export type BatchTensors = {
  groups: GroupTensors[];
  /** (S) row of each text among all groups' rows. */
  rows: Tensor;
  /** (B, D) 1 where a document is the query's positive. */
  positives: Tensor;
};

const EXCLUDED = -1e9;

const take = (parameters: Parameters, name: string): Tensor => present(parameters[name], name).ref;

/** Rows and places in each. */
export type Size = readonly [R: number, L: number];

function blocksOf({ numpy: np, nn }: Jax, { hidden: H, heads: N, layerNormEpsilon }: BertShape) {
  const D = H / N;

  function norm(p: Parameters, name: string, x: Tensor): Tensor {
    const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
    const variance = np.mean(centred.ref.mul(centred.ref), -1, { keepdims: true });
    const scaled = centred.div(np.sqrt(variance.add(layerNormEpsilon)));
    return scaled.mul(take(p, `${name}.weight`)).add(take(p, `${name}.bias`));
  }

  const linear = (p: Parameters, name: string, x: Tensor): Tensor =>
    np.matmul(x, take(p, `${name}.weight`).transpose()).add(take(p, `${name}.bias`));

  function attention(qkv: Tensor, mask: Tensor | undefined, [R, L]: Size): Tensor {
    const [q, k, v] = np.split(qkv.reshape([R, L, 3 * N, D]).transpose([0, 2, 1, 3]), 3, 1);
    const keys = present(k, "keys").transpose([0, 1, 3, 2]);
    const scores = np.matmul(present(q, "queries"), keys).mul(1 / Math.sqrt(D));
    const seen = mask ? scores.add(mask.sub(1).mul(-EXCLUDED).reshape([R, 1, 1, L])) : scores;
    const context = np.matmul(nn.softmax(seen, -1), present(v, "values"));
    return context.transpose([0, 2, 1, 3]).reshape([R * L, H]);
  }

  function block(p: Parameters, at: string, x: Tensor, group: { mask: Tensor | undefined; size: Size }): Tensor {
    const qkv = linear(p, `${at}.attention.qkv`, x.ref);
    const context = linear(p, `${at}.attention.output`, attention(qkv, group.mask, group.size));
    const middle = norm(p, `${at}.attention.norm`, x.add(context));
    const inner = nn.gelu(linear(p, `${at}.intermediate`, middle.ref), { approximate: false });
    return norm(p, `${at}.output.norm`, middle.add(linear(p, `${at}.output`, inner)));
  }

  return { norm, block };
}

/** `sizes` are those of the groups. */
export function modelOf(jax: Jax, shape: BertShape, sizes: readonly Size[]) {
  const { numpy: np, nn } = jax;
  const { hidden: H, layers } = shape;
  const { norm, block } = blocksOf(jax, shape);

  /** (R, H), the mean over each text's tokens. */
  function pool(x: Tensor, mask: Tensor | undefined, [R, L]: Size): Tensor {
    const rows = x.reshape([R, L, H]);
    if (!mask) return np.mean(rows, 1);
    const counts = mask.ref.sum(1, { keepdims: true });
    return rows
      .mul(mask.reshape([R, L, 1]))
      .sum(1)
      .div(counts);
  }

  function encodeGroup(p: Parameters, { ids, mask: [mask] }: GroupTensors, size: Size): Tensor {
    const [R, L] = size;
    const words = np.take(take(p, "embeddings.word"), ids, 0);
    const places = np.tile(take(p, "embeddings.position").slice([0, L]), [R, 1]);
    let x = norm(p, "embeddings.norm", words.add(places).add(take(p, "embeddings.type").slice(0)));
    for (let i = 0; i < layers; i++) x = block(p, `layer.${i}`, x, { mask: mask?.ref, size });
    return pool(x, mask, size);
  }

  /** (S, H) unit vectors in the order of the texts. */
  function encode(p: Parameters, { groups, rows }: Omit<BatchTensors, "positives">): Tensor {
    const pooled = groups.map((group, i) => encodeGroup(p, group, present(sizes[i], "a size")));
    const all = pooled.length === 1 ? present(pooled[0], "a group") : np.concatenate(pooled, 0);
    const x = np.take(all, rows, 0);
    return x.ref.div(np.sqrt(x.ref.mul(x).sum(-1, { keepdims: true })));
  }

  function loss(p: Parameters, { positives, ...texts }: BatchTensors): Tensor {
    const [B = 0] = positives.shape;
    const embeddings = encode(p, texts);
    const queries = embeddings.ref.slice([0, B]);
    const documents = embeddings.slice([B]);
    const scores = np.matmul(queries, documents.transpose()).mul(1 / settings.temperature);
    return nn
      .logSoftmax(scores, -1)
      .mul(positives)
      .sum()
      .mul(-1 / B);
  }

  return { encode, loss };
}
