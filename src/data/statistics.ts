/** What a collection is like, in numbers: how long its texts are, how much is judged, what is there twice. In small steps. */
import type { Collection, Judgement } from "../domain/collection.ts";
import { documentText } from "../domain/collection.ts";
import type { QueryId } from "../domain/ids.ts";
import type { NegativeSource } from "../domain/negative.ts";
import type { Progress } from "../domain/stages.ts";

/** A bar of a histogram: values from `from`, below `to`. */
export interface Bin {
  readonly from: number;
  /** Undefined for the last, which holds all that are larger. */
  readonly to: number | undefined;
  readonly count: number;
}

export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly bins: readonly Bin[];
}

export interface Statistics {
  /** Words of title and text together. Undefined where there are none of them. */
  readonly documentWords: Distribution | undefined;
  readonly queryWords: Distribution | undefined;
  /** By split: documents with a grade above 0, for each query that has one. */
  readonly answers: Readonly<Record<string, Distribution>>;
  /** Judgements of grade 0 and below. */
  readonly judgedNotRelevant: number;
  /** Rows whose text stands before them already, but for case and white space. */
  readonly repeatedDocuments: number;
  readonly repeatedQueries: number;
  /** Documents that no judgement names. */
  readonly unjudgedDocuments: number;
  /** Of the queries, those with a negative of this source, and how many negatives there are. */
  readonly negatives: readonly {
    readonly source: NegativeSource;
    readonly queries: number;
    readonly negatives: number;
  }[];
}

/** Runs of letters and digits; each ideograph for itself. */
const word = /\p{Ideographic}|[[\p{L}\p{M}\p{N}_'’]--\p{Ideographic}]+/gv;

export function countWords(text: string): number {
  let words = 0;
  word.lastIndex = 0;
  while (word.test(text)) words += 1;
  return words;
}

const mostBins = 12;

/** A round width, 1, 2 or 5 times a power of ten, such that at most about 12 bars reach so far. */
function binWidth(reach: number): number {
  const rough = Math.max(1, reach / mostBins);
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/** Undefined of no values. A few far from the rest, one in a hundred at most, stand together in the last bar. */
export function distributionOf(values: readonly number[]): Distribution | undefined {
  const sorted = Float64Array.from(values).sort();
  const at = (place: number): number => sorted[Math.min(sorted.length - 1, place)] ?? 0;
  if (sorted.length === 0) return undefined;
  const [least, most, high] = [at(0), at(sorted.length - 1), at(Math.floor(0.99 * sorted.length))];
  const near = most - least < 2 * (high - least) + mostBins;
  const width = binWidth((near ? most : high) - least + 1);
  const first = Math.floor(least / width);
  const last = Math.floor((near ? most : high) / width);
  const counts = Array.from({ length: last - first + 1 }, () => 0);
  for (const value of sorted) {
    const bin = Math.min(last, Math.floor(value / width)) - first;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const half = Math.floor(sorted.length / 2);
  return {
    count: sorted.length,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    median: sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2,
    least,
    most,
    bins: counts.map((count, bin) => ({
      from: (first + bin) * width,
      to: !near && first + bin === last ? undefined : (first + bin + 1) * width,
      count,
    })),
  };
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/\s+/gu, " ").trim();

const rowsPerReport = 32;

interface Lengths {
  readonly words: number[];
  repeated: number;
}

function* lengthsOf<Row>(
  rows: readonly Row[],
  unit: "documents" | "queries",
  textOf: (row: Row) => string,
): Generator<Progress, Lengths, void> {
  const seen = new Set<string>();
  const lengths: Lengths = { words: [], repeated: 0 };
  for (const [place, row] of rows.entries()) {
    const text = plain(textOf(row));
    lengths.words.push(countWords(text));
    if (seen.has(text)) lengths.repeated += 1;
    seen.add(text);
    if (place % rowsPerReport === 0) yield { done: place, total: rows.length, unit };
  }
  return lengths;
}

/** By split, the number of relevant documents of each of its queries that has one. */
function answersOf(judgements: readonly Judgement[]): Distribution | undefined {
  const counts = new Map<QueryId, number>();
  for (const { queryId, grade } of judgements) if (grade > 0) counts.set(queryId, (counts.get(queryId) ?? 0) + 1);
  return distributionOf([...counts.values()]);
}

function negativesOf({ negatives }: Collection): Statistics["negatives"] {
  const bySource = new Map<NegativeSource, { readonly queries: Set<QueryId>; negatives: number }>();
  for (const { source, queryId } of negatives) {
    const tally = bySource.get(source) ?? { queries: new Set(), negatives: 0 };
    tally.queries.add(queryId);
    tally.negatives += 1;
    bySource.set(source, tally);
  }
  return [...bySource].map(([source, { queries, negatives }]) => ({ source, queries: queries.size, negatives }));
}

export function* statisticsOf(collection: Collection): Generator<Progress, Statistics, void> {
  const documents = yield* lengthsOf(collection.documents, "documents", documentText);
  const queries = yield* lengthsOf(collection.queries, "queries", ({ text }) => text);
  const progress: Progress = { done: 1, total: 1, unit: "queries" };
  const answers: [split: string, distribution: Distribution][] = [];
  const judged = new Set<string>();
  let judgedNotRelevant = 0;
  for (const [split, rows] of Object.entries(collection.judgements)) {
    yield progress;
    const distribution = answersOf(rows);
    if (distribution) answers.push([split, distribution]);
    for (const { documentId, grade } of rows) {
      judged.add(documentId);
      if (grade <= 0) judgedNotRelevant += 1;
    }
  }
  yield progress;
  return {
    documentWords: distributionOf(documents.words),
    queryWords: distributionOf(queries.words),
    answers: Object.fromEntries(answers),
    judgedNotRelevant,
    repeatedDocuments: documents.repeated,
    repeatedQueries: queries.repeated,
    unjudgedDocuments: collection.documents.filter(({ id }) => !judged.has(id)).length,
    negatives: negativesOf(collection),
  };
}
