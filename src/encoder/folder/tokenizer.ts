/**
 * tokenizer.json, checked before the library sees it: it makes lists as long as the largest id, and takes what it cannot read for
 * something else.
 */
import * as v from "valibot";
import { isUserError, messageOf } from "../../base/errors.ts";
import { createTokenizer, UnreadableTokenizer, type Tokenizer, type TokenizerFiles } from "../../text/tokenizer.ts";

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const added = v.nullish(v.array(v.looseObject({ id, content: v.string() })));
/** WordPiece and BPE: ids by token. Unigram: tokens with their scores, in the order of their ids. */
const model = v.variant("type", [
  v.looseObject({ type: v.literal("WordPiece"), vocab: v.looseObject({}) }),
  v.looseObject({ type: v.literal("BPE"), vocab: v.looseObject({}), merges: v.array(v.unknown()) }),
  v.looseObject({
    type: v.literal("Unigram"),
    vocab: v.pipe(v.array(v.looseTuple([v.string(), v.number()])), v.minLength(1)),
    unk_id: v.nullish(id),
  }),
  // Files of the library's first versions do not say; the one that reads them here finds out by what else is there.
  v.looseObject({ type: v.optional(v.undefined()), vocab: v.looseObject({}) }),
]);
const hasModel = v.looseObject({ model: v.looseObject({}) });
const tokenizerJson = v.looseObject({ model, added_tokens: added });

/** Ids that no token has are rare: so many more than there are tokens are still taken for honest. */
const UNUSED_IDS = 65_536;

const broken = (what: string, cause?: unknown): UnreadableTokenizer =>
  new UnreadableTokenizer(`tokenizer.json cannot be used: ${what}. Download or export the encoder again.`, { cause });

function checkIds({ model: { vocab }, added_tokens }: v.InferOutput<typeof tokenizerJson>): void {
  const ids: readonly unknown[] = Array.isArray(vocab) ? vocab.map((_, i) => i) : Object.values(vocab);
  const all = [...ids, ...(added_tokens ?? []).map((token) => token.id)];
  if (ids.length === 0) throw broken("its vocabulary is empty");
  const wrong = all.find((each) => !v.is(id, each) || each >= all.length + UNUSED_IDS);
  if (wrong !== undefined)
    throw broken(`${JSON.stringify(wrong)} as the number of a token, where there are ${all.length} of them`);
}

function check(content: string): void {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw broken("it is not JSON", cause);
  }
  const parsed = v.safeParse(tokenizerJson, value);
  if (!v.is(hasModel, value)) throw broken("it lacks its model");
  if (!parsed.success) throw broken(`${v.getDotPath(parsed.issues[0]) ?? "its content"}: ${parsed.issues[0].message}`);
  checkIds(parsed.output);
}

/** Errors: {@link UnreadableTokenizer}, whatever the library stumbled over. */
export function openTokenizer(files: TokenizerFiles): Tokenizer {
  check(files.tokenizer);
  try {
    return createTokenizer(files);
  } catch (cause) {
    throw isUserError(cause) ? cause : broken(messageOf(cause).slice(0, 200), cause);
  }
}
