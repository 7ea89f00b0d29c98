/**
 * An encoder with fixed weights that reads the collection: the starting encoder, whose vectors mining, the gate, the
 * measurement before training and ADORE share, or a guide of its own for mining, the gate, GIST and MarginMSE.
 */
import { assert, present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { EncoderFiles, Vectors } from "../domain/encoder.ts";
import type { EncoderStages, ModelHandle } from "../domain/stages.ts";
import type { GuideVectors, TrainingSet } from "../domain/training.ts";
import type { RunInput, Services } from "./run.ts";
import { made, type State, type Work } from "./state.ts";

/** MarginMSE, and no guide but the encoder that is trained. */
export class NoTeacher extends UserError {
  override readonly name = "NoTeacher";
}

/** Errors: {@link NoTeacher}. */
export function checkTeacher({ config, guide }: Pick<RunInput, "config" | "guide">): void {
  if (config.loss !== "marginMSE" || guide) return;
  throw new NoTeacher(
    "The loss is MarginMSE, which learns the margins of a guide, and this run has none: it would teach the encoder what it gives already. " +
      "Choose another encoder as the guide, or another loss.",
  );
}

export interface Guide {
  readonly model: ModelHandle;
  /** How it reads: the recipe's prefixes, pooling, dimensions and layers are the starting encoder's, never another guide's. */
  readonly config: TrainingConfig;
  /** Of its index at the retriever. The index of the starting encoder is the one that is measured before training. */
  readonly index: "before" | "guide";
  /** Of the collection, once it was encoded. */
  collection: Vectors | undefined;
  indexed: boolean;
  readonly queries: Map<string, Float32Array>;
  /** Of texts outside an encoded collection. */
  readonly documents: Map<string, Float32Array>;
}

const guideOf = (model: ModelHandle, index: Guide["index"], config: TrainingConfig): Guide => ({
  model,
  config,
  index,
  collection: undefined,
  indexed: false,
  queries: new Map(),
  documents: new Map(),
});

/** The starting encoder; what an earlier session encoded is not encoded again. */
export const startingGuide = (model: ModelHandle, { config, products }: RunInput): Guide => ({
  ...guideOf(model, "before", config),
  collection: products?.vectorsBefore,
});

/** The guide, opened when first asked for. {@link closeGuide} must follow. */
export async function* guideFor(state: State): Work<Guide> {
  const { input, services } = state;
  if (state.guide) return state.guide;
  state.guide = input.guide ? yield* opened(services.encoder, input.guide, input) : state.start;
  return state.guide;
}

function ofAnyEncoder(config: TrainingConfig): TrainingConfig {
  const { queryPrefix: _query, documentPrefix: _document, pooling: _pooling, dimensions: _dimensions, ...own } = config;
  const { lora: _lora, frozenLayers: _layers, ...others } = own;
  return others;
}

async function* opened(encoder: EncoderStages, folder: EncoderFiles, { engine, config }: RunInput): Work<Guide> {
  const { model } = yield* encoder.open({ folder, engine });
  return guideOf(model, "guide", ofAnyEncoder(config));
}

/** Closes the guide if it is an encoder of its own, and lets go of its index. */
export async function* closeGuide(state: State): Work<void> {
  const { guide, services, start } = state;
  state.guide = undefined;
  if (!guide || guide === start) return;
  yield* services.encoder.close({ model: guide.model });
  const none = { dimensions: 1, values: new Float32Array(0) };
  if (guide.indexed) yield* services.retriever.indexVectors({ name: guide.index, ids: [], vectors: none });
}

/** Vectors of the whole collection; those of the starting encoder are kept as a product. */
export async function* collectionVectors(state: State, guide: Guide): Work<Vectors> {
  if (guide.collection) return guide.collection;
  const { services, corpus } = state;
  const vectors = yield* services.encoder.encode({ ...reads(guide), texts: corpus.texts, kind: "document" });
  guide.collection = vectors;
  if (guide.index === "before") yield made({ name: "vectorsBefore", value: vectors });
  return vectors;
}

const reads = ({ model, config }: Guide) => ({ model, config });

/** Puts the collection's vectors into the guide's index, once. */
export async function* indexCollection(state: State, guide: Guide): Work<void> {
  const vectors = yield* collectionVectors(state, guide);
  if (guide.indexed) return;
  const { services, corpus } = state;
  yield* services.retriever.indexVectors({ name: guide.index, ids: corpus.ids, vectors });
  guide.indexed = true;
}

/** One row of vectors. */
export const vectorAt = ({ dimensions, values }: Vectors, row: number): Float32Array =>
  values.subarray(row * dimensions, (row + 1) * dimensions);

interface Reading {
  readonly encoder: Services["encoder"];
  readonly guide: Guide;
  readonly kind: "query" | "document";
  readonly known: Map<string, Float32Array>;
}

async function* readMissing({ encoder, guide, kind, known }: Reading, texts: Iterable<string>): Work<void> {
  const missing = [...new Set(texts)].filter((text) => !known.has(text));
  if (missing.length === 0) return;
  const vectors = yield* encoder.encode({ ...reads(guide), texts: missing, kind });
  for (const [i, text] of missing.entries()) known.set(text, vectorAt(vectors, i));
}

/** The vectors of some queries, in their order; each distinct text is encoded once a session. */
export async function* queryVectors(state: State, guide: Guide, texts: readonly string[]): Work<Vectors> {
  const { encoder } = state.services;
  yield* readMissing({ encoder, guide, kind: "query", known: guide.queries }, texts);
  return stacked(texts.map((text) => present(guide.queries.get(text), "the query's vector")));
}

function stacked(rows: readonly Float32Array[]): Vectors {
  const dimensions = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * dimensions);
  rows.forEach((row, i) => values.set(row, i * dimensions));
  return { dimensions, values };
}

/** Looks up the vectors of texts; those that the encoded collection does not have are encoded now. */
export async function* documentVectors(
  state: State,
  guide: Guide,
  texts: Iterable<string>,
): Work<(text: string) => Float32Array> {
  const { corpus, services } = state;
  const place = (text: string): number | undefined => (guide.collection ? corpus.placesOf(text)[0] : undefined);
  const outside = [...new Set(texts)].filter((text) => place(text) === undefined);
  yield* readMissing({ encoder: services.encoder, guide, kind: "document", known: guide.documents }, outside);
  return (text) => {
    const at = place(text);
    if (at !== undefined && guide.collection) return vectorAt(guide.collection, at);
    return present(guide.documents.get(text), "the text's vector");
  };
}

/** Of all texts of a training set; where training searches the collection (`searched`), of that too. */
export async function* guideVectors(state: State, data: TrainingSet, searched: boolean): Work<GuideVectors> {
  const guide = yield* guideFor(state);
  // The starting encoder has to read the whole collection anyway.
  const corpus = searched || guide === state.start ? yield* collectionVectors(state, guide) : undefined;
  const queries = yield* queryVectors(state, guide, data.queries);
  const vectorOf = yield* documentVectors(state, guide, data.documents);
  const documents = stacked(data.documents.map(vectorOf));
  return { queries, documents, ...(searched && corpus && { corpus }) };
}

/** Inner product: the cosine of unit vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  assert(a.length === b.length, `vectors of ${a.length} and ${b.length} dimensions`);
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}
