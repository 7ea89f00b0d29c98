/**
 * What transformers.js (4.3.1) reads of an encoder folder beside what sentence-transformers does: the models under onnx/, and a tokenizer
 * that cuts and pads as the encoder wants it. It knows no prompts and no pooling: whoever calls it gives both. Of a text that is too
 * long it cuts off the last special token too, which Decoy and sentence-transformers keep.
 */
import * as v from "valibot";
import type { EncoderFolder, StaticShape } from "../../domain/encoder.ts";
import { asJson, modulesOf, optionalJson, parsedJson, required, textOf } from "../../encoder/folder/files.ts";
import type { OpenFolder } from "../../encoder/folder.ts";
import { onnxFile, type OnnxFile, type Precision } from "./file.ts";

/** The names that transformers.js asks for: "q8" is the default in WebAssembly, "fp32" elsewhere. */
const names = {
  f32: { path: "onnx/model.onnx", dtype: "fp32" },
  f16: { path: "onnx/model_fp16.onnx", dtype: "fp16" },
  int8: { path: "onnx/model_quantized.onnx", dtype: "q8" },
} as const satisfies Record<Precision, unknown>;

/** The most exact first. */
const order = ["f32", "f16", "int8"] as const satisfies readonly Precision[];

/** What is to be added to a folder, or to stand in place of its own. */
export interface OnnxFolder {
  readonly files: EncoderFolder["files"];
  readonly models: readonly { readonly path: string; readonly file: OnnxFile }[];
}

const NEEDS = "An encoder needs tokenizer.json";

const token = v.looseObject({ content: v.string() });
const tokenizerJson = v.looseObject({
  added_tokens: v.optional(v.array(token), []),
  model: v.looseObject({
    // Unigram has a list of [piece, score].
    vocab: v.union([v.record(v.string(), v.number()), v.array(v.looseTuple([v.string()]))]),
  }),
});
const tokenizerConfigJson = v.looseObject({ pad_token: v.nullish(v.union([v.string(), token])) });

type TokenizerJson = v.InferOutput<typeof tokenizerJson>;

/** The token to pad with: as configured, or some token of the vocabulary, since the mask hides it. */
function paddingOf({ added_tokens, model: { vocab } }: TokenizerJson, configured: string | undefined): string {
  const words = Array.isArray(vocab) ? vocab.map(([piece]) => piece) : Object.keys(vocab);
  const known = new Set([...added_tokens.map(({ content }) => content), ...words]);
  return [configured, "[PAD]", "<pad>"].find((each) => each !== undefined && known.has(each)) ?? words[0] ?? "";
}

/** A text's ids are to be the encoder's: one of static vectors has no special tokens around it. */
function tokenizerFiles({ folder, card }: OpenFolder): EncoderFolder["files"] {
  const bare = card.shape.family === "static";
  const place = bare ? (modulesOf(folder)[0]?.path ?? "") : "";
  const tokenizer = new TextDecoder().decode(required(folder, `${place}tokenizer.json`, NEEDS));
  const content = parsedJson(tokenizerJson, "tokenizer.json", tokenizer);
  // The engine reads no other settings of a static encoder's tokenizer.
  const config = bare ? undefined : optionalJson(tokenizerConfigJson, folder, "tokenizer_config.json");
  const pad = config?.pad_token ?? undefined;
  return {
    "tokenizer.json": bare ? asJson({ ...content, post_processor: null }) : required(folder, "tokenizer.json", NEEDS),
    "tokenizer_config.json": asJson({
      ...config,
      model_max_length: card.maxTokens,
      padding_side: "right",
      pad_token: paddingOf(content, typeof pad === "object" ? pad.content : pad),
    }),
  };
}

/** What transformers.js reads of a config.json about the files that came with it. */
const OWN_KEY = "transformers.js_config";

/** transformers.js knows no such type and takes its general class, which asks for nothing more. */
const staticConfig = ({ hidden, vocabulary }: StaticShape) => ({
  model_type: "static",
  architectures: ["PreTrainedModel"],
  hidden_size: hidden,
  vocab_size: vocabulary,
});

/** config.json, with the kind of weights to take where those are not all there that would be taken. */
function configFile({ folder, card: { shape } }: OpenFolder, precisions: readonly Precision[]): EncoderFolder["files"] {
  const config: Readonly<Record<string, unknown>> =
    shape.family === "static"
      ? staticConfig(shape)
      : parsedJson(v.record(v.string(), v.unknown()), "config.json", textOf(folder, "config.json") ?? "");
  const { [OWN_KEY]: _others, ...kept } = config;
  const [best] = precisions;
  const both = precisions.includes("f32") && precisions.includes("int8");
  return { "config.json": asJson({ ...kept, ...(best && !both && { [OWN_KEY]: { dtype: names[best].dtype } }) }) };
}

/** The encoder of a folder for transformers.js, in these precisions. Errors: OnnxTooLarge, UnreadableEncoder. */
export function onnxFolder(opened: OpenFolder, precisions: readonly Precision[]): OnnxFolder {
  const { card, table, weights } = opened;
  const wanted = order.filter((precision) => precisions.includes(precision));
  return {
    files: { ...configFile(opened, wanted), ...tokenizerFiles(opened) },
    models: wanted.map((precision) => ({
      path: names[precision].path,
      file: onnxFile({ shape: card.shape, table, weights, precision }),
    })),
  };
}
