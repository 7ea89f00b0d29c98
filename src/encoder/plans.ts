/** Which parameters a family of encoders has: regions in the order of the arena, and the tensors that make them up. */
import type { BertShape, ModernBertShape, StaticShape } from "../domain/encoder.ts";
import { namesOfLayer } from "./names.ts";

export interface Part {
  readonly tensor: string;
  readonly shape: readonly number[];
}

/** A region of parts of one shape, one after another. */
export interface Plan {
  readonly region: string;
  readonly parts: readonly Part[];
}

export interface Plans {
  /** Weight decay applies to these. */
  readonly matrices: readonly Plan[];
  readonly vectors: readonly Plan[];
}

const single = (region: string, tensor: string, shape: readonly number[]): Plan => ({
  region,
  parts: [{ tensor, shape }],
});

const thirds = (
  name: ReturnType<typeof namesOfLayer>,
  kind: "weight" | "bias",
  shape: readonly number[],
): readonly Part[] => (["query", "key", "value"] as const).map((part) => ({ tensor: `${name(part)}.${kind}`, shape }));

function bertMatrices(shape: BertShape): Plan[] {
  const { layers, hidden: H, intermediate: I, vocabulary, positions, types } = shape;
  const plans = [
    single("embeddings.word", "embeddings.word_embeddings.weight", [vocabulary, H]),
    single("embeddings.position", "embeddings.position_embeddings.weight", [positions, H]),
  ];
  if (types > 0) plans.push(single("embeddings.type", "embeddings.token_type_embeddings.weight", [types, H]));
  for (let i = 0; i < layers; i++) {
    const name = namesOfLayer(shape, i);
    plans.push(
      { region: `layer.${i}.attention.qkv.weight`, parts: thirds(name, "weight", [H, H]) },
      single(`layer.${i}.attention.output.weight`, `${name("context")}.weight`, [H, H]),
      single(`layer.${i}.intermediate.weight`, `${name("intermediate")}.weight`, [I, H]),
      single(`layer.${i}.output.weight`, `${name("output")}.weight`, [H, I]),
    );
  }
  return plans;
}

function bertVectors(shape: BertShape): Plan[] {
  const { layers, hidden: H, intermediate: I, heads, distanceBuckets = 0 } = shape;
  const norm = (region: string, tensor: string) => [
    single(`${region}.weight`, `${tensor}.weight`, [H]),
    single(`${region}.bias`, `${tensor}.bias`, [H]),
  ];
  const plans = norm("embeddings.norm", "embeddings.LayerNorm");
  // A bias is not to decay, though MPNet's is a table.
  if (distanceBuckets > 0)
    plans.push(single("distance", "encoder.relative_attention_bias.weight", [distanceBuckets, heads]));
  for (let i = 0; i < layers; i++) {
    const name = namesOfLayer(shape, i);
    plans.push(
      { region: `layer.${i}.attention.qkv.bias`, parts: thirds(name, "bias", [H]) },
      single(`layer.${i}.attention.output.bias`, `${name("context")}.bias`, [H]),
      ...norm(`layer.${i}.attention.norm`, name("attentionNorm")),
      single(`layer.${i}.intermediate.bias`, `${name("intermediate")}.bias`, [I]),
      single(`layer.${i}.output.bias`, `${name("output")}.bias`, [H]),
      ...norm(`layer.${i}.output.norm`, name("outputNorm")),
    );
  }
  return plans;
}

export const bertPlans = (shape: BertShape): Plans => ({ matrices: bertMatrices(shape), vectors: bertVectors(shape) });

/** By the names of transformers' ModernBertModel, without the "model." of a model with a head. */
export function modernBertPlans({ layers, hidden: H, intermediate: I, vocabulary }: ModernBertShape): Plans {
  const norm = (region: string, tensor: string) => single(`${region}.norm.weight`, `${tensor}.weight`, [H]);
  const each = (plansOf: (i: number) => readonly Plan[]) => Array.from({ length: layers }, (_, i) => plansOf(i)).flat();
  return {
    matrices: [
      single("embeddings.word", "embeddings.tok_embeddings.weight", [vocabulary, H]),
      ...each((i) => [
        single(`layer.${i}.attention.qkv.weight`, `layers.${i}.attn.Wqkv.weight`, [3 * H, H]),
        single(`layer.${i}.attention.output.weight`, `layers.${i}.attn.Wo.weight`, [H, H]),
        single(`layer.${i}.intermediate.weight`, `layers.${i}.mlp.Wi.weight`, [2 * I, H]),
        single(`layer.${i}.output.weight`, `layers.${i}.mlp.Wo.weight`, [H, I]),
      ]),
    ],
    vectors: [
      norm("embeddings", "embeddings.norm"),
      ...each((i) => [
        ...(i > 0 ? [norm(`layer.${i}.attention`, `layers.${i}.attn_norm`)] : []),
        norm(`layer.${i}.intermediate`, `layers.${i}.mlp_norm`),
      ]),
      norm("final", "final_norm"),
    ],
  };
}

export const staticPlans = ({ vocabulary, hidden }: StaticShape): Plans => ({
  matrices: [single("embeddings.word", "embedding.weight", [vocabulary, hidden])],
  vectors: [],
});
