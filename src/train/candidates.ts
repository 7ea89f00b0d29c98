/** Who is compared with whom in a batch. */
import { present } from "../base/assert.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { NegativeSource } from "../domain/negative.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";
import { highestAllowed } from "../negatives/gate.ts";

/** What of a recipe puts batches together. */
export type BatchConfig = Pick<TrainingConfig, "inBatch" | "mask"> &
  Partial<Pick<TrainingConfig, "loss" | "marginScale" | "symmetric" | "hardness" | "gist" | "entropy">>;

/** A passage that a row's query is compared with. */
export interface Candidate {
  /** Index into {@link TrainingSet.documents}. */
  readonly document: number;
  /** Of the row's own negatives; undefined of its positive and of what comes from other rows. */
  readonly source?: NegativeSource;
}

/** A row, and the batch that it stands in. */
export interface InBatch {
  readonly data: TrainingSet;
  readonly rows: readonly TrainingRow[];
  readonly row: TrainingRow;
  readonly config: BatchConfig;
}

const documentText = ({ documents }: TrainingSet, at: number): string => present(documents[at], `document ${at}`);
const queryText = ({ queries }: TrainingSet, at: number): string => present(queries[at], `query ${at}`);

/** The texts that answer each query of a set, by any of its rows. */
const answersBySet = new WeakMap<TrainingSet, ReadonlyMap<number, ReadonlySet<string>>>();

function answersOf(data: TrainingSet): ReadonlyMap<number, ReadonlySet<string>> {
  const known = answersBySet.get(data);
  if (known) return known;
  const answers = new Map<number, Set<string>>();
  for (const { query, positive } of data.rows) {
    answers.set(query, (answers.get(query) ?? new Set()).add(documentText(data, positive)));
  }
  answersBySet.set(data, answers);
  return answers;
}

const documentsOf = ({ positive, negatives }: TrainingRow): readonly number[] => [
  positive,
  ...negatives.map(({ document }) => document),
];

const otherRows = ({ rows, row }: InBatch): readonly TrainingRow[] => rows.filter((other) => other !== row);

/** Cosine of a query and a document by the guide. */
export function guideScore({ guide }: TrainingSet, query: number, document: number): number {
  const { queries, documents } = present(guide, "the guide's vectors");
  const [q, d] = [vectorAt(queries, query), vectorAt(documents, document)];
  let sum = 0;
  for (let k = 0; k < q.length; k++) sum += (q[k] ?? NaN) * (d[k] ?? NaN);
  return sum;
}

const vectorAt = ({ dimensions, values }: Vectors, row: number): Float32Array =>
  values.subarray(row * dimensions, (row + 1) * dimensions);

/** Whether a pair may be a negative beside the row's own by the guide's scores (GIST); all may where nobody asks. */
function passesGuide({ data, row, config: { gist } }: InBatch): (query: number, document: number) => boolean {
  if (!gist) return () => true;
  const { strategy, margin } = gist;
  const filter =
    strategy === "absolute"
      ? ({ filter: "margin", value: margin } as const)
      : ({ filter: "percentage", value: 1 - margin } as const);
  const most = highestAllowed(filter, guideScore(data, row.query, row.positive));
  return (query, document) => !(guideScore(data, query, document) > most);
}

/** Of the other rows' passages, each text once, those that do not answer the row's query and that it does not have itself. */
function maskedDocuments({ data, row }: InBatch, others: readonly number[]): readonly number[] {
  const passedOver = new Set(answersOf(data).get(row.query));
  for (const document of documentsOf(row)) passedOver.add(documentText(data, document));
  return others.filter((document) => isNew(passedOver, documentText(data, document)));
}

/** Of the other rows' queries, each text once, those that the row's positive does not answer, and not the row's own. */
function maskedQueries({ data, row }: InBatch, others: readonly number[]): readonly number[] {
  const answer = documentText(data, row.positive);
  const passedOver = new Set([queryText(data, row.query)]);
  return others.filter(
    (query) => !answersOf(data).get(query)?.has(answer) && isNew(passedOver, queryText(data, query)),
  );
}

/** Whether `text` was not there; afterwards it is. */
function isNew(texts: Set<string>, text: string): boolean {
  const before = texts.size;
  return texts.add(text).size > before;
}

/**
 * The candidates of a row's query: its positive, its negatives, and with `inBatch` the positives and negatives of the other
 * rows, in row order: with `mask` each text once, and none that answers the query by any row of the set or that it has
 * already; else each occurrence. With `gist` none but the positive scores too high by the guide.
 */
export function candidatesOf(at: InBatch): readonly Candidate[] {
  const { row, config } = at;
  const others = config.inBatch ? otherRows(at).flatMap(documentsOf) : [];
  const kept = config.mask ? maskedDocuments(at, others) : others;
  const own = row.negatives.map(({ document, source }): Candidate => ({ document, source }));
  const passes = passesGuide(at);
  return [
    { document: row.positive },
    ...[...own, ...kept.map((document) => ({ document }))].filter(({ document }) => passes(row.query, document)),
  ];
}

/**
 * The queries that a row's positive is compared with, for a symmetric loss: its own, then those of the other rows, masked and
 * guided as the passages are.
 */
export function queriesFor(at: InBatch): readonly number[] {
  const { row, config } = at;
  const others = otherRows(at).map(({ query }) => query);
  const kept = config.mask ? maskedQueries(at, others) : others;
  const passes = passesGuide(at);
  return [row.query, ...kept.filter((query) => passes(query, row.positive))];
}
