/**
 * What BERT's parameters are called in files: by transformers' BertModel (RobertaModel and XLMRobertaModel call them the same),
 * DistilBertModel and MPNetModel, without the prefix of a model with a head ("bert.", "distilbert.", …).
 */
import type { BertShape } from "../domain/encoder.ts";

const bert = {
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  context: "attention.output.dense",
  attentionNorm: "attention.output.LayerNorm",
  intermediate: "intermediate.dense",
  output: "output.dense",
  outputNorm: "output.LayerNorm",
};

type LayerNames = Readonly<Record<keyof typeof bert, string>>;

const layerNames = {
  bert,
  distilbert: {
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    context: "attention.out_lin",
    attentionNorm: "sa_layer_norm",
    intermediate: "ffn.lin1",
    output: "ffn.lin2",
    outputNorm: "output_layer_norm",
  },
  mpnet: {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    context: "attention.attn.o",
    attentionNorm: "attention.LayerNorm",
    intermediate: "intermediate.dense",
    output: "output.dense",
    outputNorm: "output.LayerNorm",
  },
} as const satisfies Record<NonNullable<BertShape["names"]>, LayerNames>;

/** The name of a part of layer i, to which ".weight" or ".bias" is added. */
export function namesOfLayer({ names = "bert" }: BertShape, i: number): (part: keyof LayerNames) => string {
  const at = `${names === "distilbert" ? "transformer" : "encoder"}.layer.${i}.`;
  return (part) => at + layerNames[names][part];
}
