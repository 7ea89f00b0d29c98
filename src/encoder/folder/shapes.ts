/**
 * What kind of encoder a config.json describes, by the keys of transformers' configuration classes (src/transformers/models,
 * configuration_bert.py, …_distilbert.py, …_roberta.py, …_mpnet.py, …_modernbert.py), whose defaults stand where a key is missing.
 */
import * as v from "valibot";
import { mostTokens, type BertShape, type ModernBertShape } from "../../domain/encoder.ts";
import { isGlobal } from "../rotary.ts";
import { parsedJson, UnreadableEncoder } from "./files.ts";

const FILE = "config.json";

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24));
const layerCount = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000));
const epsilon = v.pipe(v.number(), v.minValue(0));
const index = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 24));

const flag = v.nullish(v.boolean());
const anyConfig = v.looseObject({
  model_type: v.string(),
  is_decoder: flag,
  add_cross_attention: flag,
  pruned_heads: v.nullish(v.record(v.string(), v.unknown())),
  quantization_config: v.nullish(v.unknown()),
  auto_map: v.nullish(v.record(v.string(), v.unknown())),
});
const bertConfig = v.looseObject({
  hidden_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  intermediate_size: count,
  vocab_size: count,
  max_position_embeddings: count,
  type_vocab_size: v.optional(count, 2),
  hidden_act: v.optional(v.string(), "gelu"),
  layer_norm_eps: v.optional(epsilon, 1e-12),
  position_embedding_type: v.optional(v.nullable(v.string())),
});
const robertaConfig = v.looseObject({ pad_token_id: v.optional(v.nullable(index)) });
const distilBertConfig = v.looseObject({
  dim: count,
  n_layers: layerCount,
  n_heads: count,
  hidden_dim: count,
  vocab_size: count,
  max_position_embeddings: count,
  activation: v.optional(v.string(), "gelu"),
  sinusoidal_pos_embds: v.optional(v.boolean(), false),
});

const mpnetConfig = v.looseObject({ relative_attention_num_buckets: v.optional(v.number(), 32) });

const theta = v.pipe(v.number(), v.minValue(1));
/** transformers 5 writes θ here; before, it was global_rope_theta and local_rope_theta. */
const rope = v.nullish(
  v.looseObject({
    rope_type: v.nullish(v.string()),
    // An older name of it.
    type: v.nullish(v.string()),
    rope_theta: v.nullish(theta),
    partial_rotary_factor: v.nullish(v.number()),
  }),
);
const modernBertConfig = v.looseObject({
  hidden_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  intermediate_size: count,
  vocab_size: count,
  max_position_embeddings: count,
  hidden_activation: v.optional(v.string(), "gelu"),
  norm_eps: v.optional(epsilon, 1e-5),
  norm_bias: v.optional(v.boolean(), false),
  attention_bias: v.optional(v.boolean(), false),
  mlp_bias: v.optional(v.boolean(), false),
  global_attn_every_n_layers: v.nullish(count),
  layer_types: v.nullish(v.array(v.string())),
  local_attention: v.optional(count, 128),
  global_rope_theta: v.nullish(theta),
  local_rope_theta: v.nullish(theta),
  rope_scaling: v.nullish(v.unknown()),
  rope_parameters: v.nullish(v.looseObject({ full_attention: rope, sliding_attention: rope })),
});

const unsupported = (what: string): UnreadableEncoder =>
  new UnreadableEncoder(
    `${FILE}: ${what} is not supported; Decoy trains BERT, DistilBERT, RoBERTa, XLM-R, MPNet and ModernBERT with gelu, and static encoders ` +
      "whose modules.json names StaticEmbedding. Choose another encoder.",
  );

/** The shape, if the kernels can do it. */
function checked<S extends BertShape | ModernBertShape>(shape: S, type: string): S {
  const { hidden, heads } = shape;
  const refused = (what: string) => unsupported(`model_type "${type}": ${what}`);
  if (hidden % heads !== 0) throw refused(`hidden_size ${hidden} that ${heads} heads do not divide`);
  if (hidden / heads > 128) throw refused(`a head of ${hidden / heads} numbers (at most 128)`);
  if (mostTokens(shape) < 1) throw refused(`max_position_embeddings ${shape.positions}, which leaves no position,`);
  return shape;
}

function bertShape(content: string, type: string): BertShape {
  const config = parsedJson(bertConfig, FILE, content);
  if (config.hidden_act !== "gelu") throw unsupported(`model_type "${type}": hidden_act "${config.hidden_act}"`);
  const positions = config.position_embedding_type ?? "absolute";
  if (positions !== "absolute") throw unsupported(`model_type "${type}": position_embedding_type "${positions}"`);
  return {
    family: "bert",
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    heads: config.num_attention_heads,
    intermediate: config.intermediate_size,
    vocabulary: config.vocab_size,
    positions: config.max_position_embeddings,
    types: config.type_vocab_size,
    layerNormEpsilon: config.layer_norm_eps,
  };
}

/** Positions start behind the one of padding (create_position_ids_from_input_ids). */
function robertaShape(content: string, type: string): BertShape {
  const { pad_token_id: padding } = parsedJson(robertaConfig, FILE, content);
  return { ...bertShape(content, type), firstPosition: (padding ?? 1) + 1 };
}

function distilBertShape(content: string, type: string): BertShape {
  const config = parsedJson(distilBertConfig, FILE, content);
  if (config.activation !== "gelu") throw unsupported(`model_type "${type}": activation "${config.activation}"`);
  // The positions would be constants there, and Decoy would train them.
  if (config.sinusoidal_pos_embds) throw unsupported(`model_type "${type}": sinusoidal_pos_embds`);
  return {
    family: "bert",
    names: "distilbert",
    layers: config.n_layers,
    hidden: config.dim,
    heads: config.n_heads,
    intermediate: config.hidden_dim,
    vocabulary: config.vocab_size,
    positions: config.max_position_embeddings,
    types: 0,
    // No key: MultiHeadSelfAttention and FFN have it written out.
    layerNormEpsilon: 1e-12,
  };
}

/** Its padding is number 1 whatever config.json says (MPNetEmbeddings), and its model counts with 32 buckets (MPNetEncoder). */
function mpnetShape(content: string, type: string): BertShape {
  const { relative_attention_num_buckets: buckets } = parsedJson(mpnetConfig, FILE, content);
  if (buckets !== 32) throw unsupported(`model_type "${type}": relative_attention_num_buckets ${buckets} (only 32)`);
  return { ...bertShape(content, type), names: "mpnet", types: 0, firstPosition: 2, distanceBuckets: buckets };
}

type ModernConfig = v.InferOutput<typeof modernBertConfig>;

const ropeProblem = ({ rope_parameters, rope_scaling }: ModernConfig): string | undefined => {
  if (rope_scaling) return "rope_scaling";
  const ropes = [rope_parameters?.full_attention, rope_parameters?.sliding_attention];
  const other = ropes.map((each) => each?.rope_type ?? each?.type ?? "default").find((kind) => kind !== "default");
  if (other !== undefined) return `rope_type "${other}"`;
  const partly = ropes.find((each) => (each?.partial_rotary_factor ?? 1) !== 1);
  if (partly) return `partial_rotary_factor ${partly.partial_rotary_factor}`;
  // One for all layers, which would be passed over.
  return rope_parameters && !ropes.some(Boolean) ? "rope_parameters that are not by kind of layer" : undefined;
};

function layerProblem({
  num_hidden_layers,
  layer_types,
  global_attn_every_n_layers,
}: ModernConfig): string | undefined {
  const every = global_attn_every_n_layers ?? 3;
  const types = Array.from({ length: num_hidden_layers }, (_, i) =>
    isGlobal({ globalEvery: every }, i) ? "full_attention" : "sliding_attention",
  );
  const same = !layer_types || layer_types.join() === types.join();
  return same ? undefined : `layer_types other than full_attention in every ${every}th layer`;
}

/** The first of these that a ModernBERT's config.json asks for and Decoy does not compute. */
function notModern(config: ModernConfig): string | undefined {
  const { hidden_activation, local_attention, hidden_size, num_attention_heads } = config;
  if (hidden_activation !== "gelu") return `hidden_activation "${hidden_activation}"`;
  const biased = (["norm_bias", "attention_bias", "mlp_bias"] as const).find((key) => config[key]);
  if (biased !== undefined) return biased;
  if (local_attention < 2) return `local_attention ${local_attention}`;
  if ((hidden_size / num_attention_heads) % 2 !== 0) return "a head of an odd number of channels";
  return ropeProblem(config) ?? layerProblem(config);
}

function modernBertShape(content: string, type: string): ModernBertShape {
  const config = parsedJson(modernBertConfig, FILE, content);
  const what = notModern(config);
  if (what !== undefined) throw unsupported(`model_type "${type}": ${what}`);
  const { rope_parameters } = config;
  const globalTheta = rope_parameters?.full_attention?.rope_theta ?? config.global_rope_theta ?? 160_000;
  // Where the local one is null, as transformers 4 allowed, it is the global one.
  const local = config.local_rope_theta === null ? globalTheta : (config.local_rope_theta ?? 10_000);
  return {
    family: "modernbert",
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    heads: config.num_attention_heads,
    intermediate: config.intermediate_size,
    vocabulary: config.vocab_size,
    positions: config.max_position_embeddings,
    globalEvery: config.global_attn_every_n_layers ?? 3,
    window: Math.floor(config.local_attention / 2),
    globalTheta,
    localTheta: rope_parameters?.sliding_attention?.rope_theta ?? local,
    layerNormEpsilon: config.norm_eps,
  };
}

/** What of any model's keys would make other vectors of the same tensors, or other tensors. */
function notAnEncoder(config: v.InferOutput<typeof anyConfig>): string | undefined {
  const { pruned_heads: pruned, auto_map: map } = config;
  const set = (["is_decoder", "add_cross_attention"] as const).find((key) => config[key]);
  if (set !== undefined) return set;
  if (pruned && Object.keys(pruned).length > 0) return "pruned_heads";
  if (config.quantization_config) return "quantization_config";
  return map && Object.keys(map).some((key) => key.startsWith("AutoModel")) ? "auto_map, code of its own," : undefined;
}

/** The shape of the encoder that config.json describes. Errors: UnreadableEncoder for what Decoy does not compute. */
export function shapeOf(content: string): BertShape | ModernBertShape {
  const config = parsedJson(anyConfig, FILE, content);
  const { model_type: type } = config;
  const other = notAnEncoder(config);
  if (other !== undefined) throw unsupported(`model_type "${type}": ${other}`);
  switch (type) {
    case "bert":
      return checked(bertShape(content, type), type);
    case "roberta":
    case "xlm-roberta":
      return checked(robertaShape(content, type), type);
    case "mpnet":
      return checked(mpnetShape(content, type), type);
    case "modernbert":
      return checked(modernBertShape(content, type), type);
    case "distilbert":
      return checked(distilBertShape(content, type), type);
    default:
      throw unsupported(`model_type "${type}"`);
  }
}
