/** BERT and its relatives as a graph (Devlin et al., 2019: post-LayerNorm), from token ids to the last layer's tokens. */
import { mostTokens, type BertShape } from "../../domain/encoder.ts";
import { bucketsByDistance } from "../../encoder/distance.ts";
import type { Builder, Name } from "./builder.ts";
import { attention, cast, distances, gelu, linear, lookUp, lookUpWords, norm, places, visibleKeys } from "./layers.ts";
import { computed } from "./weights.ts";

/** Whether a graph asks for token_type_ids: where there is more than the one type. */
export const hasTypes = ({ types }: BertShape): boolean => types > 1;

/**
 * Positions of the tokens. Those that do not start at 0 count only what is no padding, which has the number before the first
 * (transformers' create_position_ids_from_input_ids, of RoBERTa, XLM-R and MPNet).
 */
function positions(b: Builder, { firstPosition = 0 }: BertShape, ids: Name): Name {
  if (firstPosition === 0) return places(b, ids);
  const padding = b.integers(firstPosition - 1);
  const counts = cast(b, b.node("Not", [b.node("Equal", [ids, padding])]), "int64");
  return b.node("Add", [b.node("Mul", [b.node("CumSum", [counts, b.integers(1)]), counts]), padding]);
}

function embeddings(b: Builder, shape: BertShape, ids: Name): Name {
  const { types, layerNormEpsilon: epsilon } = shape;
  let sum = b.node("Add", [
    lookUpWords(b, "embeddings.word", ids),
    lookUp(b, "embeddings.position", positions(b, shape, ids)),
  ]);
  const type = hasTypes(shape) ? "token_type_ids" : b.integers(0);
  if (types > 0) sum = b.node("Add", [sum, lookUp(b, "embeddings.type", type)]);
  return norm(b, sum, "embeddings.norm", { bias: true, epsilon });
}

/** (N, 2·reach − 1): each head's bias for the distances 1 − reach to reach − 1. */
function biasByDistance(b: Builder, buckets: number, reach: number): Float32Array<ArrayBuffer> {
  const { values, columns: heads } = b.rows("distance");
  const entries = bucketsByDistance(reach, buckets);
  return Float32Array.from(
    { length: heads * entries.length },
    (_, i) => values[(entries[i % entries.length] ?? 0) * heads + Math.floor(i / entries.length)] ?? 0,
  );
}

/** (N, S, S), the same in every layer. */
function distanceBias(b: Builder, shape: BertShape, ids: Name): Name | undefined {
  const { heads, distanceBuckets: buckets = 0 } = shape;
  if (buckets === 0) return undefined;
  const reach = mostTokens(shape);
  const dims = [heads, 2 * reach - 1];
  const table = b.initializer("distance", b.number, dims, () =>
    computed(heads * (2 * reach - 1), () => biasByDistance(b, buckets, reach), b.number),
  );
  const entries = b.node("Add", [distances(b, places(b, ids)), b.integers(reach - 1)]);
  return b.node("Gather", [table, entries], { axis: 1 });
}

/** (B, S, H) */
export function bertGraph(b: Builder, shape: BertShape, { ids, mask }: { ids: Name; mask: Name }): Name {
  const { layers, hidden, heads, layerNormEpsilon: epsilon } = shape;
  const visible = visibleKeys(b, mask);
  const bias = distanceBias(b, shape, ids);
  let x = embeddings(b, shape, ids);
  for (let i = 0; i < layers; i++) {
    const at = `layer.${i}`;
    const qkv = linear(b, x, `${at}.attention.qkv`, { bias: true });
    const context = attention(b, { qkv, heads, hidden, visible, bias });
    const attended = linear(b, context, `${at}.attention.output`, { bias: true });
    const middle = norm(b, b.node("Add", [attended, x]), `${at}.attention.norm`, { bias: true, epsilon });
    const inner = gelu(b, linear(b, middle, `${at}.intermediate`, { bias: true }));
    const output = linear(b, inner, `${at}.output`, { bias: true });
    x = norm(b, b.node("Add", [output, middle]), `${at}.output.norm`, { bias: true, epsilon });
  }
  return x;
}
