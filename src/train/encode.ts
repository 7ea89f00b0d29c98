/** Encoding many texts: by length, in batches of a token budget, back in the order they came in. */
import { present } from "../base/assert.ts";
import { relay } from "../base/relay.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { Model } from "../domain/engine.ts";
import type { Progress } from "../domain/stages.ts";
import { packTexts, type Tokenize } from "./batch.ts";

/** Tokens a batch: enough to keep an engine busy, few enough that progress and a stop arrive several times a second. */
const TOKENS_A_BATCH = 4096;

/** Texts that are tokenized at once. */
const TEXTS_AT_ONCE = 256;

/** Texts by length, in batches of a token budget, or of one text. */
function batchesOf(texts: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const order = texts.map((_, i) => i).toSorted((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0));
  const batches: number[][] = [];
  let tokens = Infinity;
  for (const text of order) {
    tokens += texts[text]?.length ?? 0;
    if (tokens > TOKENS_A_BATCH) {
      batches.push([]);
      tokens = texts[text]?.length ?? 0;
    }
    batches.at(-1)?.push(text);
  }
  return batches;
}

/**
 * One unit vector a text, (texts, H), in the order of `texts`; each has at least one token. `ahead` batches are handed to the engine
 * before the first of them is waited for: 2 keep a GPU busy while vectors come back.
 */
export async function* encode(
  model: Model,
  texts: readonly (readonly number[])[],
  ahead = 1,
): AsyncGenerator<Progress, Vectors, void> {
  const dimensions = model.shape.hidden;
  const values = new Float32Array(texts.length * dimensions);
  const batches = batchesOf(texts);
  const under: Promise<Float32Array>[] = [];
  let done = 0;
  for (const [b, batch] of batches.entries()) {
    for (let next = b + under.length; next < Math.min(b + ahead, batches.length); next++) {
      const vectors = model.embed(packTexts((batches[next] ?? []).map((text) => texts[text] ?? [])));
      // It is awaited later; until then a failure must not count as unhandled.
      vectors.catch(() => undefined);
      under.push(vectors);
    }
    const vectors = await present(under.shift(), "a batch under way");
    for (const [i, text] of batch.entries()) {
      values.set(vectors.subarray(i * dimensions, (i + 1) * dimensions), text * dimensions);
    }
    done += batch.length;
    yield { done, total: texts.length, unit: "texts" };
  }
  return { dimensions, values };
}

/** What turns texts into vectors. */
export interface Reading {
  readonly model: Model;
  readonly tokenize: Tokenize;
}

/** One unit vector a text, (texts, H), by the weights of now: those after every step that was submitted before. */
export async function* encodeTexts(
  { model, tokenize }: Reading,
  texts: readonly string[],
  kind: "query" | "document",
): AsyncGenerator<Progress, Vectors, void> {
  const dimensions = model.shape.hidden;
  const values = new Float32Array(texts.length * dimensions);
  for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE) {
    const ids = texts.slice(at, at + TEXTS_AT_ONCE).map((text) => tokenize(text, kind));
    const some = yield* relay(encode(model, ids), ({ done, unit }) => ({ done: at + done, total: texts.length, unit }));
    values.set(some.values, at * dimensions);
  }
  return { dimensions, values };
}
