/** Looks at the negatives while training goes on: the same rows each time, with the weights of that moment. */
import { present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Snapshot } from "../domain/diagnostics.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { TrainingSet } from "../domain/training.ts";
import { sampleRows, snapshot } from "../negatives/diagnostics.ts";
import { encodeTexts, type Reading } from "./encode.ts";
import type { FixedDocuments } from "./fixed.ts";

/** The numbers of steps done at which to look: evenly spread, neither before the first step nor after the last. */
export function probeSteps(steps: number, probes: number): ReadonlySet<number> {
  const spread = Array.from({ length: probes }, (_, i) => Math.round(((i + 1) * steps) / (probes + 1)));
  return new Set(spread.filter((step) => step > 0 && step < steps));
}

export interface ProbeInput extends Reading {
  readonly data: TrainingSet;
  readonly config: Pick<TrainingConfig, "probeRows" | "temperature" | "seed">;
  /** Where only queries train. */
  readonly fixed?: FixedDocuments | undefined;
}

/** The vector of each text of a table that is in `indices`, encoded once. */
async function vectorsOf(
  input: ProbeInput,
  kind: "query" | "document",
  indices: readonly number[],
): Promise<(index: number) => Float32Array> {
  const distinct = [...new Set(indices)];
  const table = kind === "query" ? input.data.queries : input.data.documents;
  const textOf = (index: number): string => present(table[index], `${kind} ${index}`);
  const { fixed } = input;
  if (kind === "document" && fixed) return (index) => fixed.vectorOf(textOf(index));
  const texts = distinct.map(textOf);
  const { dimensions, values }: Vectors = await finish(encodeTexts(input, texts, kind));
  const place = new Map(distinct.map((index, i) => [index, i]));
  return (index) => {
    const at = present(place.get(index), `the vector of ${kind} ${index}`) * dimensions;
    return values.subarray(at, at + dimensions);
  };
}

/**
 * The rows' own negatives only: those of ANCE and ADORE change from step to step, and so would what is looked at.
 */
export async function probe(input: ProbeInput, step: number): Promise<Snapshot> {
  const { data, config } = input;
  const { temperature, seed } = config;
  const rows = sampleRows(data, config.probeRows, seed);
  const queryVector = await vectorsOf(
    input,
    "query",
    rows.map(({ query }) => query),
  );
  const documentVector = await vectorsOf(
    input,
    "document",
    rows.flatMap(({ positive, negatives }) => [positive, ...negatives.map(({ document }) => document)]),
  );
  return snapshot({ step, rows, queryVector, documentVector, temperature, seed });
}
