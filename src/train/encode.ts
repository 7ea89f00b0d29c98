/** Encoding many texts: by length, in batches of a token budget, back in the order they came in. */
import { relay } from "../base/relay.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { Model } from "../domain/engine.ts";
import type { Progress } from "../domain/stages.ts";
import { packTexts, type Tokenize } from "./batch.ts";

/** Tokens a batch: enough to keep an engine busy, few enough that progress and a stop arrive several times a second. */
const TOKENS_A_BATCH = 4096;

/** Texts that are tokenized at once. */
const TEXTS_AT_ONCE = 256;

/** One unit vector a text, (texts, H), in the order of `texts`; each has at least one token. */
export async function* encode(
  model: Model,
  texts: readonly (readonly number[])[],
): AsyncGenerator<Progress, Vectors, void> {
  const dimensions = model.shape.hidden;
  const values = new Float32Array(texts.length * dimensions);
  const order = texts.map((_, i) => i).toSorted((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0));
  for (let at = 0; at < order.length;) {
    const batch: number[] = [];
    for (let tokens = 0; at < order.length; at++) {
      const text = order[at] ?? 0;
      tokens += texts[text]?.length ?? 0;
      if (batch.length > 0 && tokens > TOKENS_A_BATCH) break;
      batch.push(text);
    }
    const vectors = await model.embed(packTexts(batch.map((text) => texts[text] ?? [])));
    for (const [i, text] of batch.entries()) {
      values.set(vectors.subarray(i * dimensions, (i + 1) * dimensions), text * dimensions);
    }
    yield { done: at, total: texts.length, unit: "texts" };
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
