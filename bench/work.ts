/** What is computed: encoders of a few shapes, and batches of texts of given lengths. bench/torch_step.py reads the same files. */
import { present } from "../src/base/assert.ts";
import type { BertShape } from "../src/domain/encoder.ts";
import type { ContrastiveBatch, TrainerSettings } from "../src/domain/engine.ts";
import { parameterTable, size } from "../src/encoder/parameters.ts";
import lengths from "./lengths.json" with { type: "json" };
import { madeUpTokens } from "./numbers.ts";
import shapes from "./shapes.json" with { type: "json" };

export type BatchKind = "real" | "equal";
export const batchKinds: readonly BatchKind[] = ["real", "equal"];

const known: ReadonlyMap<string, (typeof shapes)[keyof typeof shapes]> = new Map(Object.entries(shapes));
export const shapeNames: readonly string[] = [...known.keys()];

export const shapeOf = (name: string): BertShape => ({
  family: "bert",
  ...present(known.get(name), `shape ${name}`),
  positions: 512,
  types: 2,
  layerNormEpsilon: 1e-12,
});

export const settings = {
  temperature: 0.05,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
} as const satisfies TrainerSettings;

export const LEARNING_RATE = 1e-4;

/** Queries are texts 0 … B - 1; query b's positive is text B + 2b, its negative the next, all other documents negatives too. */
export interface Batch {
  readonly queries: number;
  /** Ids of each text. */
  readonly texts: readonly Int32Array<ArrayBuffer>[];
  readonly tokens: number;
  readonly contrastive: ContrastiveBatch;
}

/** Lengths of a query, its positive and its negative. */
type Row = readonly [query: number, positive: number, negative: number];

const rowAt = (i: number): Row => {
  const [query = 0, positive = 0, negative = 0] = present(lengths.rows[i % lengths.rows.length], "a row of lengths");
  return [query, positive, negative];
};

/** Tokens of every text where all have the same. */
const EQUAL = 128;

/** Rows `at` … `at + queries` as texts: first all queries, then positive and negative of each. */
function lengthsOf(kind: BatchKind, queries: number, at: number): number[] {
  const rows = Array.from({ length: queries }, (_, b): Row =>
    kind === "equal" ? [EQUAL, EQUAL, EQUAL] : rowAt(at + b),
  );
  return [...rows.map(([query]) => query), ...rows.flatMap(([, positive, negative]) => [positive, negative])];
}

function contrastive(texts: readonly Int32Array[], queries: number): ContrastiveBatch {
  const cuSeqlens = new Int32Array(texts.length + 1);
  const tokenIds = new Int32Array(texts.reduce((sum, text) => sum + text.length, 0));
  texts.forEach((text, s) => {
    const start = cuSeqlens[s] ?? 0;
    tokenIds.set(text, start);
    cuSeqlens[s + 1] = start + text.length;
  });
  const documents = Array.from({ length: 2 * queries }, (_, d) => queries + d);
  const candidates = Array.from({ length: queries }, (_, b) => {
    const positive = queries + 2 * b;
    return [positive, ...documents.filter((text) => text !== positive)];
  });
  return {
    texts: { tokenIds, cuSeqlens },
    queries: Int32Array.from({ length: queries }, (_, b) => b),
    offsets: Int32Array.from({ length: queries + 1 }, (_, b) => b * documents.length),
    candidates: Int32Array.from(candidates.flat()),
  };
}

function batchOf(textLengths: readonly number[], queries: number, name: string, vocabulary: number): Batch {
  const tokens = textLengths.reduce((sum, length) => sum + length, 0);
  const ids = madeUpTokens(name, tokens, vocabulary);
  let start = 0;
  const texts = textLengths.map((length) => ids.slice(start, (start += length)));
  return { queries, texts, tokens, contrastive: contrastive(texts, queries) };
}

export interface BatchesWanted {
  readonly kind: BatchKind;
  readonly queries: number;
  readonly count: number;
  readonly vocabulary: number;
}

/** A fixed set of batches. */
export const batchesOf = ({ kind, queries, count, vocabulary }: BatchesWanted): readonly Batch[] =>
  Array.from({ length: count }, (_, i) =>
    batchOf(lengthsOf(kind, queries, i * queries), queries, `${kind} ${i}`, vocabulary),
  );

/** Texts of a few tokens, for thousands of quick steps. */
export const smallBatch = (vocabulary: number): Batch => batchOf([3, 5, 6, 9, 4, 8], 2, "small", vocabulary);

/** Multiplications and additions of a forward pass; a step has three times as many. Embedding lookup and loss are not counted. */
export function forwardOperations({ layers, hidden, intermediate }: BertShape, { texts }: Batch): number {
  const ofToken = 2 * (4 * hidden ** 2 + 2 * hidden * intermediate);
  return layers * texts.reduce((sum, { length }) => sum + length * ofToken + 4 * hidden * length ** 2, 0);
}

/** A parameter as peers hold it. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decays: boolean;
  readonly values: Float32Array<ArrayBuffer>;
}

/** The arena's regions; query, key and value stay one matrix, which is the quicker form for everybody. */
export function parametersOf(shape: BertShape, weights: Float32Array<ArrayBuffer>): readonly Parameter[] {
  const { regions, decayed } = parameterTable(shape);
  return Object.values(regions).map(({ name, offset, shape }) => ({
    name,
    shape,
    decays: offset < decayed,
    values: weights.slice(offset, offset + size(shape)),
  }));
}
