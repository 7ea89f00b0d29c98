/**
 * Text to token ids, by @huggingface/tokenizers. This file adds only what that library lacks: cutting to a length as
 * Hugging Face's fast tokenizers do, and two corrections of its BertNormalizer, each found by comparing every code point
 * with the Rust library behind Python's `tokenizers` (test/text/tokenizer.test.ts).
 */
import { Tokenizer as Library } from "@huggingface/tokenizers";
import * as v from "valibot";
import { UserError } from "../base/errors.ts";

/** A tokenizer.json that is missing, broken, or of a kind that the library does not read. */
export class UnreadableTokenizer extends UserError {
  override readonly name = "UnreadableTokenizer";
}

export interface Tokenizer {
  /** Entries, added tokens included: one more than the largest id. */
  readonly vocabulary: number;
  /** The length that tokenizer.json itself cuts texts to, where it names one. Nothing here cuts by it. */
  readonly limit: number | undefined;
  /**
   * Ids with the special tokens around them, at most `maxTokens` in all: the text's end is cut, the specials stay.
   * Where that gives none (nothing but spaces, and no special tokens) it is the unknown token, or entry 0 where there is
   * no such token: a batch needs a token of each text, and a mean of nothing has no direction.
   */
  encode(text: string, maxTokens: number): number[];
}

export interface TokenizerFiles {
  /** tokenizer.json */
  readonly tokenizer: string;
  /** tokenizer_config.json */
  readonly config?: string | undefined;
  /** Whether the special tokens go around a text; yes if left out. */
  readonly specials?: boolean;
}

const tokenizerJson = v.looseObject({
  model: v.looseObject({
    type: v.optional(v.string()),
    unk_token: v.nullish(v.string()),
    // Unigram's.
    unk_id: v.nullish(v.number()),
  }),
  truncation: v.fallback(
    v.nullish(v.looseObject({ max_length: v.pipe(v.number(), v.integer(), v.minValue(1)) })),
    null,
  ),
  normalizer: v.nullish(v.looseObject({ type: v.string(), lowercase: v.optional(v.boolean()) })),
  pre_tokenizer: v.nullish(v.looseObject({ type: v.string() })),
});

/** CJK ideographs beyond the Basic Multilingual Plane, as google-research/bert tokenization.py lists them. */
const ASTRAL_IDEOGRAPH =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

/**
 * What the library's BertNormalizer does otherwise than the Rust one: it lower-cases Σ by its place in the word (the
 * Rust one letter by letter), and it does not set off ideographs of two UTF-16 units.
 */
function corrected(text: string, lowercase: boolean): string {
  const spaced = text.replace(ASTRAL_IDEOGRAPH, " $& ");
  return lowercase ? spaced.replaceAll("Σ", "σ") : spaced;
}

/** The special tokens that the post-processor puts before and after a text. */
function specialTokens(library: Library): { readonly before: number[]; readonly after: number[] } {
  const bare = library.encode("a", { add_special_tokens: false }).ids;
  const full = library.encode("a").ids;
  for (let at = 0; at + bare.length <= full.length; at++) {
    if (bare.every((id, i) => full[at + i] === id)) {
      return { before: full.slice(0, at), after: full.slice(at + bare.length) };
    }
  }
  throw new UnreadableTokenizer(
    "The tokenizer changes a text when it adds its special tokens, which Decoy does not support. Choose another encoder.",
  );
}

/**
 * Ids without special tokens, at least the first `limit` of them. A text that is much longer is read only up to a space:
 * BERT's pre-tokenizer never joins across one, so the ids before it stay the same.
 */
function firstIds(encode: (text: string) => number[], text: string, limit: number, cuttable: boolean): number[] {
  if (!cuttable) return encode(text).slice(0, limit);
  for (let characters = 16 * limit; characters < text.length; characters *= 4) {
    const space = text.slice(characters).search(/\s/u);
    if (space < 0) break;
    const ids = encode(text.slice(0, characters + space));
    if (ids.length >= limit) return ids.slice(0, limit);
  }
  return encode(text).slice(0, limit);
}

function parsed(json: string, file: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new UnreadableTokenizer(`${file} is not JSON. Download or export the encoder again.`, { cause });
  }
}

function open(tokenizer: object, config: object): Library {
  try {
    return new Library(tokenizer, config);
  } catch (cause) {
    throw new UnreadableTokenizer(
      `tokenizer.json is of a kind that cannot be read (${String(cause)}). Choose another encoder.`,
      { cause },
    );
  }
}

/** The token of what is not in the vocabulary. */
function unknownId(library: Library, { unk_token, unk_id }: v.InferOutput<typeof tokenizerJson>["model"]): number {
  const named = typeof unk_token === "string" ? library.token_to_id(unk_token) : undefined;
  return named ?? unk_id ?? 0;
}

/** Opens a tokenizer from the text of its files. Errors: {@link UnreadableTokenizer}. */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const content = parsed(files.tokenizer, "tokenizer.json");
  const described = v.safeParse(tokenizerJson, content);
  if (!described.success || typeof content !== "object" || content === null) {
    throw new UnreadableTokenizer("tokenizer.json lacks its model. Download or export the encoder again.");
  }
  const config = parsed(files.config ?? "{}", "tokenizer_config.json");
  const library = open(content, typeof config === "object" && config !== null ? config : {});
  const { model, normalizer, pre_tokenizer, truncation } = described.output;
  const bert = normalizer?.type === "BertNormalizer";
  const encode = (text: string) =>
    library.encode(bert ? corrected(text, normalizer.lowercase !== false) : text, { add_special_tokens: false }).ids;
  const cuttable = pre_tokenizer?.type === "BertPreTokenizer";
  let vocabulary = 0;
  for (const id of library.get_vocab(true).values()) vocabulary = Math.max(vocabulary, id + 1);
  const { before, after } = files.specials === false ? { before: [], after: [] } : specialTokens(library);
  const unknown = unknownId(library, model);
  return {
    vocabulary,
    limit: truncation?.max_length,
    encode(text, maxTokens) {
      const room = Math.max(0, maxTokens - before.length - after.length);
      const ids = [...before, ...firstIds(encode, text, room, cuttable), ...after];
      return ids.length > 0 ? ids : [unknown];
    },
  };
}
