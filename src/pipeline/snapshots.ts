/** Looks at the negatives before and after training, and the variance of the gradient. */
import { present } from "../base/assert.ts";
import type { GradientVariance, Snapshot } from "../domain/diagnostics.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { ReadCorpus, StepReport, TrainingRow, TrainingSet } from "../domain/training.ts";
import { sampleRows, snapshot } from "../negatives/diagnostics.ts";
import { vectorAt } from "./guide.ts";
import type { State, Work } from "./state.ts";

interface Look {
  readonly data: TrainingSet;
  /** Optimiser steps that were done. */
  readonly step: number;
  /** Of the collection, by the weights of now; where only queries train, by those from before. */
  readonly collection: Vectors;
}

type VectorOf = (index: number) => Float32Array;

/** Encodes the texts at `indices` of a table; `known` ones are taken as they are. */
async function* vectorsOf(
  { services, input, model }: State,
  texts: readonly string[],
  { indices, kind, known }: Wanted,
): Work<VectorOf> {
  const missing = [...new Set(indices)].filter((index) => known(texts[index] ?? "") === undefined);
  const read = missing.map((index) => present(texts[index], `${kind} ${index}`));
  const encoded = read.length
    ? yield* services.encoder.encode({ model, texts: read, kind, config: input.config })
    : undefined;
  const rows = new Map(missing.map((index, row) => [index, row] as const));
  return (index) => {
    const row = rows.get(index);
    const vector = row !== undefined && encoded ? vectorAt(encoded, row) : known(texts[index] ?? "");
    return present(vector, `the vector of ${kind} ${index}`);
  };
}

interface Wanted {
  readonly indices: readonly number[];
  readonly kind: "query" | "document";
  readonly known: (text: string) => Float32Array | undefined;
}

const documentsOf = (rows: readonly TrainingRow[]): number[] =>
  rows.flatMap(({ positive, negatives }) => [positive, ...negatives.map(({ document }) => document)]);

/** The same sample of rows at every look. Documents of the collection are not encoded again. */
export async function* look(state: State, { data, step, collection }: Look): Work<Snapshot> {
  const { corpus, input } = state;
  const { probeRows, seed, temperature } = input.config;
  const rows = sampleRows(data, probeRows, seed);
  const queryVector = yield* vectorsOf(state, data.queries, {
    indices: rows.map(({ query }) => query),
    kind: "query",
    known: () => undefined,
  });
  const documentVector = yield* vectorsOf(state, data.documents, {
    indices: documentsOf(rows),
    kind: "document",
    known: (text) => {
      const place = corpus.placesOf(text)[0];
      return place === undefined ? undefined : vectorAt(collection, place);
    },
  });
  return snapshot({ step, rows, queryVector, documentVector, temperature, seed });
}

/** V_tr at the starting weights; the training set is the one that is trained on. */
export async function* measureVariance(
  { services, input, model }: State,
  data: TrainingSet,
  read: ReadCorpus | undefined,
): Work<GradientVariance> {
  const { config } = input;
  const batches = config.varianceBatches;
  return yield* services.encoder.gradientVariance({ model, data, config, batches, ...(read && { read }) });
}

/** In the order of their steps, each step once: the first that was given. */
export function inOrder(snapshots: readonly Snapshot[]): Snapshot[] {
  const byStep = new Map<number, Snapshot>();
  for (const taken of snapshots) if (!byStep.has(taken.step)) byStep.set(taken.step, taken);
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

/** V_norm: variance over the steps of the gradient's norm, 1/(n − 1); undefined below two steps. */
export function normVariance(steps: readonly Pick<StepReport, "gradNorm">[]): number | undefined {
  if (steps.length < 2) return undefined;
  const mean = steps.reduce((sum, { gradNorm }) => sum + gradNorm, 0) / steps.length;
  return steps.reduce((sum, { gradNorm }) => sum + (gradNorm - mean) ** 2, 0) / (steps.length - 1);
}
