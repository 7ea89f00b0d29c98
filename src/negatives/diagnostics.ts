/**
 * What an encoder of one moment makes of the negatives: where InfoNCE's softmax puts its mass, how far the negatives lie
 * behind the positive, how much the gradient by the query's vector varies, and whether their origin shows.
 */
import { random, shuffled } from "../base/random.ts";
import { isWritten } from "../domain/configNegatives.ts";
import { marginEdges, type Margins, type MassSource, type Snapshot } from "../domain/diagnostics.ts";
import type { NegativeSource } from "../domain/negative.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";
import { shortcutArea, type ProbeItem } from "./probe.ts";

/** `count` rows without replacement, in the order of the set; all of them if there are no more. */
export function sampleRows(set: TrainingSet, count: number, seed: number): readonly TrainingRow[] {
  if (set.rows.length <= count) return set.rows;
  const picked = new Set(shuffled(set.rows.keys(), random(seed, "probe rows")).slice(0, count));
  return set.rows.filter((_, i) => picked.has(i));
}

export interface SnapshotInput {
  /** Optimiser steps done. */
  readonly step: number;
  readonly rows: readonly TrainingRow[];
  /** Unit vectors by index into {@link TrainingSet.queries} and {@link TrainingSet.documents}. */
  readonly queryVector: (index: number) => Float32Array;
  readonly documentVector: (index: number) => Float32Array;
  readonly temperature: number;
  readonly seed: number;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** Stable softmax of scores / τ. */
function softmax(scores: readonly number[], temperature: number): number[] {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp((score - highest) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

interface SeenRow {
  /** The positive first. */
  readonly sources: readonly MassSource[];
  readonly scores: readonly number[];
  readonly probabilities: readonly number[];
  /** ∂L/∂e_q = (1/τ) (Σ_j p_j d_j − d_+). */
  readonly gradient: Float64Array;
}

function seen(row: TrainingRow, { queryVector, documentVector, temperature }: SnapshotInput): SeenRow {
  const query = queryVector(row.query);
  const vectors = [row.positive, ...row.negatives.map(({ document }) => document)].map(documentVector);
  const scores = vectors.map((vector) => cosine(query, vector));
  const probabilities = softmax(scores, temperature);
  const gradient = new Float64Array(query.length);
  vectors.forEach((vector, j) => {
    const weight = ((probabilities[j] ?? 0) - (j === 0 ? 1 : 0)) / temperature;
    for (let k = 0; k < gradient.length; k++) gradient[k] = (gradient[k] ?? 0) + weight * (vector[k] ?? 0);
  });
  return { sources: ["positive", ...row.negatives.map(({ source }) => source)], scores, probabilities, gradient };
}

/** Mean over rows of the sum of `valueOf` each row's candidates, by source. */
function bySource(
  rows: readonly SeenRow[],
  valueOf: (row: SeenRow, candidate: number) => number,
): Partial<Record<MassSource, number>> {
  const sums: Partial<Record<MassSource, number>> = {};
  for (const row of rows) {
    row.sources.forEach((source, j) => (sums[source] = (sums[source] ?? 0) + valueOf(row, j) / rows.length));
  }
  return sums;
}

/** The bin from its lower edge on, its upper edge not included; what lies outside goes into the first and last. */
function binOf(margin: number): number {
  const bin = marginEdges.findLastIndex((edge) => margin >= edge);
  return Math.min(Math.max(bin, 0), marginEdges.length - 2);
}

function marginsBySource(rows: readonly SeenRow[]): Partial<Record<NegativeSource, Margins>> {
  const values: Partial<Record<NegativeSource, number[]>> = {};
  for (const { sources, scores } of rows) {
    sources.forEach((source, j) => {
      if (source === "positive") return;
      (values[source] ??= []).push((scores[0] ?? 0) - (scores[j] ?? 0));
    });
  }
  const entries = Object.entries(values).map(([source, margins]) => [source, summary(margins)]);
  return Object.fromEntries(entries);
}

function summary(margins: readonly number[]): Margins {
  const histogram = Array.from({ length: marginEdges.length - 1 }, () => 0);
  for (const margin of margins) histogram[binOf(margin)] = (histogram[binOf(margin)] ?? 0) + 1;
  const mean = margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
  return { count: margins.length, mean, histogram };
}

/** Trace of the covariance: 1/(B−1) Σ ‖g_b − ḡ‖²; 0 where there are fewer than two. */
function traceOfCovariance(gradients: readonly Float64Array[]): number {
  if (gradients.length < 2) return 0;
  const mean = new Float64Array(gradients[0]?.length ?? 0);
  for (const gradient of gradients) {
    for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] ?? 0) + (gradient[k] ?? 0) / gradients.length;
  }
  let sum = 0;
  for (const gradient of gradients) {
    for (let k = 0; k < mean.length; k++) sum += ((gradient[k] ?? 0) - (mean[k] ?? 0)) ** 2;
  }
  return sum / (gradients.length - 1);
}

/** Each distinct negative once, with the query that first had it. A text that was both written and found is left out. */
function probeItems({ rows, documentVector }: SnapshotInput): ProbeItem[] {
  const first = new Map<number, { readonly group: number; readonly written: boolean }>();
  const both = new Set<number>();
  for (const { query, negatives } of rows) {
    for (const { document, source } of negatives) {
      const known = first.get(document);
      if (!known) first.set(document, { group: query, written: isWritten(source) });
      else if (known.written !== isWritten(source)) both.add(document);
    }
  }
  return [...first]
    .filter(([document]) => !both.has(document))
    .map(([document, item]) => ({ ...item, vector: documentVector(document) }));
}

/** One look at the given rows; each row's softmax is over its own candidates. Every figure is defined at {@link Snapshot}. */
export function snapshot(input: SnapshotInput): Snapshot {
  const rows = input.rows.map((row) => seen(row, input));
  return {
    step: input.step,
    rows: rows.length,
    mass: bySource(rows, ({ probabilities }, j) => probabilities[j] ?? 0),
    expected: bySource(rows, ({ sources }) => 1 / sources.length),
    margins: marginsBySource(rows),
    embeddingVariance: traceOfCovariance(rows.map(({ gradient }) => gradient)),
    shortcut: shortcutArea(probeItems(input), input.seed),
  };
}
