/** An app over fakes: a memory store that can be full, a pipeline told what to report, and no threads. */
import { createApp, type App } from "../../src/app/app.ts";
import { selectCollection } from "../../src/app/collections.ts";
import type { AppStore, Dependencies, FolderFormats, Pipeline } from "../../src/app/dependencies.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { present } from "../../src/base/assert.ts";
import type { Stage } from "../../src/base/channel.ts";
import { UserError } from "../../src/base/errors.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { collectionId, documentId, queryId } from "../../src/domain/ids.ts";
import type { Comparison, Scores } from "../../src/domain/ranking.ts";
import type { RunReport, RunResult } from "../../src/domain/run.ts";
import type {
  EncoderStages,
  ImportReport,
  ImportResult,
  ReaderStages,
  RetrieverStages,
} from "../../src/domain/stages.ts";
import type { Synthesis } from "../../src/domain/synthesis.ts";
import type { Checkpoint, StepReport } from "../../src/domain/training.ts";
import type { Uploads } from "../../src/hub/uploads.ts";
import type { Encoders } from "../../src/hub/encoders.ts";
import type { RunInput } from "../../src/pipeline/run.ts";

/** As the store says it when there is no room left. */
export class NoRoom extends UserError {
  override readonly name = "StorageFull";
}

export const collection: Collection = {
  name: "Tiny",
  documents: [
    { id: documentId("d1"), title: "Tides", text: "The moon pulls the sea." },
    { id: documentId("d2"), title: "", text: "Frost breaks pipes." },
  ],
  queries: [{ id: queryId("q1"), text: "why tides" }],
  judgements: { train: [{ queryId: queryId("q1"), documentId: documentId("d1"), grade: 1 }] },
  negatives: [
    {
      queryId: queryId("q1"),
      source: "synthetic",
      title: "Tide tables",
      text: "A table lists times.",
      reasoning: { positive: "names the cause", shares: "tides", lacks: "the cause" },
    },
  ],
};

export const imported: ImportResult = {
  collection,
  summary: {
    format: "BEIR zip",
    documents: 2,
    queries: 1,
    judgements: { train: 1 },
    negatives: 1,
    rejected: 1,
    digest: "digest",
  },
};

export function stepReport(step: number, steps = 3): StepReport {
  return { step, steps, loss: 1 / step, gradNorm: 1, tokens: 100, seconds: 0.5, learningRate: 1e-4 };
}

export function checkpointAt(step: number): Checkpoint {
  const arena = (): Float32Array<ArrayBuffer> => new Float32Array([step]);
  return { step, weights: arena(), firstMoment: arena(), secondMoment: arena() };
}

const scores: Scores = { queryIds: [], perQuery: {}, mean: {} };
const comparison: Comparison = {
  difference: { value: 0, low: 0, high: 0 },
  pValue: 1,
  verdict: "no reliable difference",
};
const shape = {
  family: "bert",
  layers: 1,
  hidden: 2,
  heads: 1,
  intermediate: 2,
  vocabulary: 9,
  positions: 9,
  types: 2,
  layerNormEpsilon: 1e-12,
} as const;

export const result: RunResult = {
  split: "test",
  systems: { bm25: scores, before: scores, after: scores },
  comparisons: { afterBefore: comparison, afterBm25: comparison },
  verdict: "No reliable difference.",
  leak: undefined,
  trainingRows: 1,
  steps: 3,
  tokens: 300,
  tokensPerSecond: 200,
  seconds: {},
  peakBytes: 0,
  engine: { kind: "cpu", device: "1 thread", note: "" },
  encoder: { name: "e", shape, pooling: "mean", queryPrefix: "", documentPrefix: "", maxTokens: 9, parameters: 9 },
  notes: [],
  gate: undefined,
  snapshots: [],
  variance: undefined,
  normVariance: undefined,
  refreshes: [],
};

/** What a pipeline was asked for, and whether its `finally` ran. */
export interface PipelineLog {
  readonly inputs: RunInput[];
  reported: number;
  freed: boolean;
}

/** Reports the given reports and ends with a result; lets other work go first, as a thread would. */
export function scripted(reports: readonly RunReport[]): { readonly pipeline: Pipeline; readonly log: PipelineLog } {
  const log: PipelineLog = { inputs: [], reported: 0, freed: false };
  const pipeline: Pipeline = async function* (_services, input) {
    log.inputs.push(input);
    try {
      for (const report of reports) {
        await settled();
        log.reported++;
        yield report;
      }
      return { result, model: 1 };
    } finally {
      log.freed = true;
    }
  };
  return { pipeline, log };
}

/** Enough turns of the event loop for a waiting run to come to rest. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (holds()) return;
    await settled();
  }
  throw new Error("what was waited for did not come");
}

const never = <Input, Report, Output>(): Stage<Input, Report, Output> =>
  async function* () {
    throw new Error("this stage is not part of the test");
  };

const retriever: RetrieverStages = {
  indexText: never(),
  searchText: never(),
  indexVectors: never(),
  searchVectors: never(),
  searchFused: never(),
  evaluate: never(),
  restrict: never(),
  compare: never(),
};

const encoder: EncoderStages = {
  open: never(),
  encode: never(),
  predict: never(),
  train: never(),
  gradientVariance: never(),
  restore: never(),
  export: never(),
  close: async function* () {},
};

export const importReports: readonly ImportReport[] = [
  { kind: "progress", progress: { done: 1, total: 2, unit: "bytes" } },
  { kind: "rejected", rows: [{ file: "corpus.jsonl", line: 3, reason: "no text", excerpt: "{}" }] },
];

export interface FakeOptions {
  readonly pipeline?: Pipeline;
  readonly store?: AppStore;
  readonly writer?: boolean;
  readonly noted?: boolean;
  readonly formats?: FolderFormats;
  readonly uploads?: Uploads;
  readonly hub?: Encoders;
  readonly room?: number;
  readonly exporter?: ReturnType<Dependencies["startExporter"]>;
  /** Of the run. */
  readonly trainer?: Partial<EncoderStages>;
  readonly retriever?: Partial<RetrieverStages>;
  /** Of the search. */
  readonly encoder?: Partial<EncoderStages>;
  readonly neighbours?: Partial<RetrieverStages>;
  readonly reader?: Partial<ReaderStages>;
  readonly synthesis?: Synthesis;
  readonly collection?: Collection;
  /** What earlier visits kept. */
  readonly settings?: Map<string, string>;
  readonly download?: Dependencies["download"];
  readonly later?: Dependencies["later"];
  /** A millisecond later at each look, where left out. */
  readonly now?: () => Date;
}

/** An app whose built-in collection is {@link collection}. */
export async function fakeApp(options: FakeOptions = {}): Promise<App> {
  let ids = 0;
  const settings = options.settings ?? new Map<string, string>();
  const now = options.now ?? ((): Date => new Date(Date.UTC(2026, 0, 1) + ++ids));
  const app = createApp({
    store: options.store ?? memoryStore(now),
    noted: options.noted ?? false,
    askToKeep: () => undefined,
    writer: options.writer ?? true,
    services: { encoder: { ...encoder, ...options.trainer }, retriever },
    reader: {
      read: async function* () {
        yield* importReports;
        return options.collection ? { ...imported, collection: options.collection } : imported;
      },
      preview: async function* () {
        return undefined;
      },
      arrange: never(),
      ...options.reader,
    },
    searcher: { encoder: { ...encoder, ...options.encoder }, retriever: { ...retriever, ...options.retriever } },
    neighbours: { ...retriever, ...options.neighbours },
    synthesis: () =>
      options.synthesis ? Promise.resolve(options.synthesis) : Promise.reject(new Error("not part of the test")),
    pipeline: options.pipeline ?? scripted([]).pipeline,
    formats: () =>
      options.formats ? Promise.resolve(options.formats) : Promise.reject(new Error("not part of the test")),
    uploads: () =>
      options.uploads ? Promise.resolve(options.uploads) : Promise.reject(new Error("not part of the test")),
    hub: () => (options.hub ? Promise.resolve(options.hub) : Promise.reject(new Error("not part of the test"))),
    room: () => Promise.resolve(options.room),
    startExporter: () => present(options.exporter, "an exporter"),
    settings: { getItem: (key) => settings.get(key) ?? null, setItem: (key, value) => void settings.set(key, value) },
    shipped: () => Promise.resolve(new Blob(["{}"])),
    download: options.download ?? (() => undefined),
    now,
    newId: () => `id${++ids}`,
    later: options.later ?? (() => () => undefined),
  });
  await selectCollection(app, collectionId("built-in"));
  return app;
}

/** The record of the run at hand. */
export const recordOf = (app: App) => present(app.run.record.value, "the run");
