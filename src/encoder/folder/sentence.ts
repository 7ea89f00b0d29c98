/**
 * What sentence-transformers' own files ask for beside the model: which modules, how to pool, prompts, how vectors are compared, how
 * long texts may be. Each key is honoured or refused by its name: one that is passed over would change vectors in silence. Keys by
 * its sources from version 2 to 6 (Pooling.py, Transformer.load, _convert_legacy_pooling_kwargs).
 */
import * as v from "valibot";
import type { EncoderFolder, Pooling } from "../../domain/encoder.ts";
import { optionalJson, UnreadableEncoder, type Module } from "./files.ts";
import { LENGTH_FILES } from "./reading.ts";

const CONFIG = "config_sentence_transformers.json";

const sentenceJson = v.looseObject({
  prompts: v.nullish(v.record(v.string(), v.string())),
  default_prompt_name: v.nullish(v.string()),
  similarity_fn_name: v.nullish(v.string()),
  truncate_dim: v.nullish(v.number()),
});

export interface Prefixes {
  readonly query: string;
  readonly document: string;
}

/** What goes before a text; the default prompt stands in for one that is not there. */
export function prefixesOf(folder: EncoderFolder): Prefixes {
  const config = optionalJson(sentenceJson, folder, CONFIG);
  const prompts = config?.prompts ?? {};
  const fallback = prompts[config?.default_prompt_name ?? ""] ?? "";
  return {
    query: prompts["query"] ?? fallback,
    document: prompts["document"] ?? prompts["passage"] ?? fallback,
  };
}

const refused = (file: string, what: string, advice: string): UnreadableEncoder =>
  new UnreadableEncoder(`${file}: ${what} is not supported. ${advice}`);

/** Of vectors of one length these rank as the cosine does. */
const AS_COSINE = ["dot", "dot_product", "euclidean"];

/** Refuses what is compared otherwise than Decoy does it: all dimensions, by the cosine. */
export function checkComparison(folder: EncoderFolder, modules: readonly Module[], hidden: number): void {
  const config = optionalJson(sentenceJson, folder, CONFIG);
  const name = config?.similarity_fn_name ?? "cosine";
  const unit = modules.some(({ kind }) => kind === "Normalize");
  if (name !== "cosine" && !(unit && AS_COSINE.includes(name)))
    throw refused(
      CONFIG,
      `similarity_fn_name "${name}"${AS_COSINE.includes(name) ? " without a Normalize module" : ""}`,
      'Decoy compares by cosine: set it to "cosine" to train the encoder for that, or choose another encoder.',
    );
  const kept = config?.truncate_dim ?? hidden;
  if (kept < hidden)
    throw refused(
      CONFIG,
      `truncate_dim ${kept} of ${hidden} dimensions`,
      "Take the key out to use them all, and cut vectors after training.",
    );
}

const OWN_TYPE = /^sentence_transformers\./u;
const ORDER = /^Transformer(,Pooling)?(,Normalize)*$/u;

function checkModules(modules: readonly Module[]): void {
  if (modules.length === 0) return;
  const strange = modules.find(
    ({ kind, type }) => !["Transformer", "Pooling", "Normalize"].includes(kind) || !OWN_TYPE.test(type),
  );
  const advice = "Choose an encoder of transformer, pooling and normalisation only.";
  if (strange) throw refused("modules.json", `the module ${strange.type}`, advice);
  const order = modules.map(({ kind }) => kind).join();
  if (!ORDER.test(order)) throw refused("modules.json", `the order ${order}`, advice);
  const place = modules[0]?.path ?? "";
  if (place !== "")
    throw refused("modules.json", `a Transformer in "${place}"`, 'Put its files beside modules.json, and path to "".');
}

const poolingJson = v.pipe(
  v.unknown(),
  // A list passes for an object of unknown keys.
  v.check((value) => !Array.isArray(value), "a list where keys are wanted"),
  v.looseObject({
    pooling_mode: v.nullish(v.union([v.string(), v.array(v.string())])),
    include_prompt: v.nullish(v.boolean()),
  }),
);

/** `pooling_mode` of version 6, one or several; before, a key for each that is true. Where none is, it is the mean. */
function modesIn(pooling: v.InferOutput<typeof poolingJson>): readonly string[] {
  const { pooling_mode: named } = pooling;
  if (typeof named === "string") return [named];
  if (named) return named;
  const entries: readonly (readonly [string, unknown])[] = Object.entries(pooling);
  const modes = entries.flatMap(([key, value]) =>
    value === true && key.startsWith("pooling_mode_") ? [key.slice("pooling_mode_".length)] : [],
  );
  return modes.length > 0 ? modes : ["mean"];
}

/** By the names of either form. */
const poolings: ReadonlyMap<string, Pooling> = new Map([
  ["mean", "mean"],
  ["mean_tokens", "mean"],
  ["cls", "cls"],
  ["cls_token", "cls"],
]);

/** How the folder of a transformer pools; the mean where it does not say. */
export function poolingOf(folder: EncoderFolder, modules: readonly Module[], prefixes: Prefixes): Pooling {
  checkModules(modules);
  const path = `${modules.find(({ kind }) => kind === "Pooling")?.path ?? "1_Pooling/"}config.json`;
  const config = optionalJson(poolingJson, folder, path);
  if (!config) return "mean";
  const [mode = "", ...more] = modesIn(config);
  const pooling = more.length === 0 ? poolings.get(mode) : undefined;
  if (!pooling)
    throw refused(
      path,
      `pooling "${[mode, ...more].join(" + ")}"`,
      "mean and cls are: choose an encoder of one of them.",
    );
  if (config.include_prompt === false && pooling === "mean" && prefixes.query + prefixes.document !== "")
    throw refused(
      path,
      "include_prompt false, a mean without the prompt's tokens,",
      "Set it to true to train the encoder with them, or choose another encoder.",
    );
  return pooling;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24));
const lengthJson = v.looseObject({
  max_seq_length: v.nullish(count),
  do_lower_case: v.nullish(v.boolean()),
  transformer_task: v.nullish(v.string()),
  module_output_name: v.nullish(v.string()),
  modality_config: v.nullish(
    v.looseObject({ text: v.nullish(v.looseObject({ method_output_name: v.nullish(v.unknown()) })) }),
  ),
});

interface Normalizer {
  readonly type?: unknown;
  readonly lowercase?: unknown;
  readonly normalizers?: unknown;
}
const normalizerJson: v.GenericSchema<Normalizer> = v.looseObject({});
const tokenizerJson = v.looseObject({ normalizer: v.optional(v.unknown()) });

function lowers(value: unknown): boolean {
  if (!v.is(normalizerJson, value)) return false;
  const { type, lowercase, normalizers } = value;
  if (type === "Sequence") return Array.isArray(normalizers) && normalizers.some(lowers);
  return type === "Lowercase" || (type === "BertNormalizer" && lowercase !== false);
}

/** What of version 6's keys asks for something other than the last layer's tokens. */
function otherOutput(config: v.InferOutput<typeof lengthJson>): string | undefined {
  const asked = [
    ["transformer_task", config.transformer_task, "feature-extraction"],
    ["module_output_name", config.module_output_name, "token_embeddings"],
    ["method_output_name", config.modality_config?.text?.method_output_name, "last_hidden_state"],
  ] as const;
  const other = asked.find(([, value, usual]) => (value ?? usual) !== usual);
  return other && `${other[0]} ${JSON.stringify(other[1])}`;
}

/** Tokens of the longest text by sentence_bert_config.json, or by one of the names that it had before; undefined where it is silent. */
export function longestOf(folder: EncoderFolder): number | undefined {
  const path = LENGTH_FILES.find((name) => folder.files[name]);
  const config = path === undefined ? undefined : optionalJson(lengthJson, folder, path);
  if (path === undefined || !config) return undefined;
  const other = otherOutput(config);
  if (other !== undefined) throw refused(path, other, "Choose an encoder that pools its last layer's tokens.");
  const tokenizer = optionalJson(tokenizerJson, folder, "tokenizer.json");
  if (config.do_lower_case === true && !lowers(tokenizer?.normalizer))
    throw refused(
      path,
      "do_lower_case where tokenizer.json itself does not lower-case",
      'Give tokenizer.json a normalizer of type "Lowercase", or choose another encoder.',
    );
  return config.max_seq_length ?? undefined;
}
