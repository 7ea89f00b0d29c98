/** Documents that stay as they are while the encoder of the queries trains. */
import { assert } from "../base/assert.ts";
import type { Progress } from "../domain/stages.ts";
import type { ReadCorpus, TrainingSet } from "../domain/training.ts";
import { encodeTexts, type Reading } from "./encode.ts";

export interface FixedDocuments {
  readonly dimensions: number;
  /** Its unit vector by the encoder before training. */
  vectorOf(text: string): Float32Array;
}

/**
 * The vectors of a training set's documents, and of all that was read before. What was not is encoded with the weights of
 * now, which must be those before training: in the same batches every time, so that a run that goes on has the same bits.
 */
export async function* fixedDocuments(
  reading: Reading,
  { documents }: Pick<TrainingSet, "documents">,
  read: ReadCorpus | undefined,
): AsyncGenerator<Progress, FixedDocuments, void> {
  const vectors = new Map<string, Float32Array>();
  const { corpus = [], vectors: known } = read ?? {};
  // Of equal texts the first one's: their vectors may differ in the last bits.
  corpus.forEach((text, i) => {
    if (known && !vectors.has(text))
      vectors.set(text, known.values.subarray(i * known.dimensions, (i + 1) * known.dimensions));
  });
  const missing = [...new Set(documents)].filter((text) => !vectors.has(text));
  const { dimensions, values } = yield* encodeTexts(reading, missing, "document");
  missing.forEach((text, i) => vectors.set(text, values.subarray(i * dimensions, (i + 1) * dimensions)));
  return {
    dimensions,
    vectorOf(text) {
      const vector = vectors.get(text);
      assert(vector?.length === dimensions, `a vector of ${vector?.length ?? "no"} numbers of "${text.slice(0, 40)}"`);
      return vector;
    },
  };
}
