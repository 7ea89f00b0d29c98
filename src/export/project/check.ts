/**
 * Whether what a project file holds is of the shape that the page stores. The file's digests say that it is as it was
 * written, not by whom: everything in it is taken for foreign.
 */
import * as v from "valibot";
import { messageOf } from "../../base/errors.ts";
import type { Document, Judgement, Query } from "../../domain/collection.ts";
import { parseConfig } from "../../domain/config.ts";
import type { Draft, FoundVerdict } from "../../domain/draft.ts";
import { parseGeneration } from "../../domain/generation.ts";
import type { WrittenNegative } from "../../domain/negative.ts";
import { systemNames } from "../../domain/ranking.ts";
import { stageNames, type CollectionRecord, type RunProduct, type RunRecord } from "../../domain/run.ts";
import type { Checkpoint } from "../../domain/training.ts";
import { UnreadableProject } from "./errors.ts";
import type { Asked } from "./store.ts";

const wrong = (what: string, why: string): UnreadableProject =>
  new UnreadableProject(
    `This project file holds something that this page does not store: ${what}, ${why}. Nothing was stored. Export it again with the newest version of the page.`,
  );

/** The value, known to be of the schema; keys that an object of it need not have stay. */
function checked<Value>(schema: v.GenericSchema<unknown>, value: unknown, what: string): Value {
  const result = v.safeParse(schema, value);
  if (!result.success) {
    const [issue] = result.issues;
    throw wrong(what, `at ${v.getDotPath(issue) ?? "its top"}: ${issue.message.slice(0, 200)}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema stands for the type, whose optional keys it leaves open
  return value as Value;
}

const text = v.string();
const id = v.pipe(text, v.minLength(1));
/** A loss may be NaN, which is no number to valibot. */
const number = v.custom<number>((value) => typeof value === "number", "no number");
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const strings = v.record(text, text);
const passage = { title: text, text } as const;
const reasoning = v.strictObject({ positive: text, shares: text, lacks: text });
const verdict = { action: v.picklist(["keep", "relabel", "drop"]), reason: text, by: text } as const;

const rows = {
  document: v.strictObject({ id, ...passage }),
  query: v.strictObject({ id, text }),
  judgement: v.strictObject({ queryId: id, documentId: id, grade: v.pipe(v.number(), v.integer()) }),
  negative: v.strictObject({
    queryId: id,
    source: v.picklist(["synthetic", "human", "given"]),
    ...passage,
    reasoning: v.optional(reasoning),
    attributes: v.optional(strings),
    model: v.optional(text),
    recipe: v.optional(text),
  }),
  draft: v.looseObject({
    key: id,
    queryId: id,
    positiveId: id,
    source: v.picklist(["synthetic", "human"]),
    outcome: v.picklist(["accepted", "repaired", "rejected"]),
    notes: v.array(v.looseObject({ flaw: text, text })),
    ...passage,
    reasoning: v.optional(reasoning),
    attributes: strings,
    provider: text,
    model: text,
    recipe: text,
    seed: number,
    attempt: number,
    answer: text,
    promptTokens: number,
    completionTokens: number,
    seconds: number,
    createdAt: text,
    judged: v.optional(v.looseObject(verdict)),
    review: v.optional(v.looseObject({ decision: v.picklist(["accepted", "rejected"]), at: text })),
  }),
  verdict: v.strictObject({ queryId: id, documentId: id, ...verdict }),
} as const;

export const checkRow = {
  document: (row: unknown, path: string) => checked<Document>(rows.document, row, path),
  query: (row: unknown, path: string) => checked<Query>(rows.query, row, path),
  judgement: (row: unknown, path: string) => checked<Judgement>(rows.judgement, row, path),
  negative: (row: unknown, path: string) => checked<WrittenNegative>(rows.negative, row, path),
  draft: (row: unknown, path: string) => checked<Draft>(rows.draft, row, path),
  verdict: (row: unknown, path: string) => checked<FoundVerdict>(rows.verdict, row, path),
} as const;

const collectionRecord = v.looseObject({
  id,
  name: text,
  format: text,
  digest: id,
  documents: count,
  queries: count,
  judgements: v.record(text, count),
  negatives: count,
  leaks: v.optional(v.record(text, v.looseObject({ queries: count, sharedDocument: count, nearCopy: count }))),
  rejected: count,
  rejectedRows: v.array(v.strictObject({ file: text, line: count, reason: text, excerpt: text })),
});

export const checkCollectionRecord = (value: unknown, what: string): Omit<CollectionRecord, "createdAt"> =>
  checked(collectionRecord, value, what);

const provider = v.variant("provider", [
  v.strictObject({ provider: v.picklist(["webllm", "transformers"]), model: text }),
  v.strictObject({ provider: v.literal("browser") }),
  v.strictObject({ provider: v.literal("endpoint"), url: text, model: text, concurrency: count }),
  v.strictObject({ provider: v.literal("recorded") }),
]);
const asked = v.strictObject({
  collection: id,
  generation: v.looseObject({}),
  provider,
  status: v.picklist(["unfinished", "stopped", "finished"]),
  updatedAt: text,
});

export function checkAsked(value: unknown, what: string): Asked {
  const found = checked<Asked>(asked, value, what);
  checkRecipe(() => parseGeneration(found.generation), what);
  return found;
}

function checkRecipe(parse: () => unknown, what: string): void {
  try {
    parse();
  } catch (error) {
    throw wrong(what, messageOf(error).slice(0, 300));
  }
}

const step = v.looseObject({ step: count, steps: count, loss: number, gradNorm: number });
const snapshot = v.looseObject({ step: count, rows: count, mass: v.looseObject({}), margins: v.looseObject({}) });
const scores = v.looseObject({
  queryIds: v.array(text),
  perQuery: v.record(text, v.array(number)),
  mean: v.record(text, v.looseObject({ value: number, low: number, high: number })),
});
const runRecord = v.looseObject({
  id,
  name: text,
  collection: id,
  collectionName: text,
  collectionDigest: text,
  encoder: id,
  encoderName: text,
  guide: v.optional(text),
  engine: v.picklist(["webgpu", "cpu", "auto"]),
  config: v.looseObject({}),
  createdAt: text,
  updatedAt: text,
  status: v.picklist(["running", "paused", "stopped", "failed", "finished"]),
  stage: v.picklist(stageNames),
  steps: v.array(step),
  probes: v.optional(v.array(snapshot)),
  notes: v.optional(v.array(text)),
  result: v.optional(
    v.looseObject({
      split: text,
      verdict: text,
      systems: v.record(text, scores),
      comparisons: v.looseObject({}),
      trainingRows: count,
      steps: count,
      seconds: v.looseObject({}),
      engine: v.looseObject({ kind: text, device: text, note: text }),
      encoder: v.looseObject({ name: text, shape: v.looseObject({ family: text }), parameters: count }),
      notes: v.array(text),
      snapshots: v.array(snapshot),
    }),
  ),
});

export function checkRunRecord(value: unknown, what: string): RunRecord {
  const record = checked<RunRecord>(runRecord, value, what);
  checkRecipe(() => parseConfig(record.config), what);
  return record;
}

const floats = v.instance(Float32Array<ArrayBuffer>);
const system = v.looseObject({
  scores,
  rankings: v.array(
    v.looseObject({ queryId: text, hits: v.array(v.looseObject({ documentId: text, score: number })) }),
  ),
});
const vectors = v.pipe(
  v.strictObject({ dimensions: v.pipe(count, v.minValue(1)), values: floats }),
  v.check(({ dimensions, values }) => values.length % dimensions === 0, "numbers that are no whole vectors"),
);
const trainingSet = v.pipe(
  v.looseObject({
    queries: v.array(text),
    documents: v.array(text),
    rows: v.array(
      v.looseObject({
        query: count,
        positive: count,
        negatives: v.array(v.looseObject({ document: count, source: text })),
      }),
    ),
  }),
  v.check(
    ({ queries, documents, rows }) =>
      rows.every(
        ({ query, positive, negatives }) =>
          query < queries.length &&
          positive < documents.length &&
          negatives.every(({ document }) => document < documents.length),
      ),
    "rows that point beyond their texts",
  ),
);

const products: ReadonlyMap<string, v.GenericSchema<unknown>> = new Map<string, v.GenericSchema<unknown>>([
  [
    "gate",
    v.looseObject({ considered: count, dropped: count, relabelled: count, negatives: v.array(v.looseObject({})) }),
  ],
  ["trainingSet", trainingSet],
  ["vectorsBefore", vectors],
  ["vectorsAfter", vectors],
  ["snapshotBefore", snapshot],
  ["snapshotAfter", snapshot],
  ["variance", v.looseObject({ trace: number, meanSquared: number, batches: count })],
]);

export function checkProduct(name: string, value: unknown, what: string): RunProduct {
  // Not by a look into an object: "__proto__" is in every one.
  const schema = systemNames.some((known) => known === name) ? system : products.get(name);
  if (!schema)
    throw wrong(what, `a result of a kind that this page does not know, ${JSON.stringify(name.slice(0, 60))}`);
  return checked(v.looseObject({ value: schema }), { name, value }, what);
}

const checkpoint = v.looseObject({
  step: count,
  weights: floats,
  firstMoment: floats,
  secondMoment: floats,
  mined: v.optional(v.looseObject({ version: count, documents: v.instance(Int32Array) })),
  best: v.optional(v.looseObject({ step: count, score: number, looked: count, weights: floats })),
  tuning: v.optional(v.looseObject({})),
});

export const checkCheckpoint = (value: unknown, what: string): Checkpoint => checked(checkpoint, value, what);

export const checkSettings = (value: unknown): Readonly<Record<string, string>> => checked(strings, value, "settings");
