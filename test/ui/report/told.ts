/** What a report is drawn of: a run of 40 steps on 60 queries, with texts that would be markup if they could. */
import { parseConfig, type ConfigInput } from "../../../src/domain/config.ts";
import type { MassSource, Snapshot } from "../../../src/domain/diagnostics.ts";
import { collectionId, queryId, runId } from "../../../src/domain/ids.ts";
import { comparisons, systems, type Comparison, type Interval, type Scores } from "../../../src/domain/ranking.ts";
import type { CollectionRecord, Figures } from "../../../src/domain/run.ts";
import type { StepReport } from "../../../src/domain/training.ts";
import type { FinishedRun, ReportedRun, ReportInput, ToldQuery } from "../../../src/app/report.ts";

export const hostile = `<script>alert(1)</script> "><img src=x onerror=alert(1)> </style> &amp; '`;

const around = (value: number): Interval => ({ value, low: value - 0.03, high: value + 0.04 });
const ids = Array.from({ length: 60 }, (_, i) => queryId(`q${i}`));

const scoresOf = (value: number): Scores => ({
  queryIds: ids,
  perQuery: { "ndcg@10": ids.map((_, i) => (i % 5) / 5) },
  mean: {
    "ndcg@10": around(value),
    "mrr@10": around(value - 0.05),
    "recall@100": around(value + 0.3),
    "ndcg@100": around(value + 0.1),
  },
});

const compared = (value: number, pValue: number): Comparison => ({
  difference: around(value),
  pValue,
  verdict: pValue < 0.05 ? "better" : "no reliable difference",
});

const pValues = [0.001, 0.011, 0.02, 0.2, 0.5, 0.9];

/** By Holm, by hand: .001 · 6, .011 · 5, .02 · 4, .2 · 3, .5 · 2, .9. */
export const byHolm = [0.006, 0.055, 0.08, 0.6, 1, 1];

const figures: Figures = {
  systems: {
    bm25: scoresOf(0.4),
    before: scoresOf(0.412),
    after: scoresOf(0.467),
    ...Object.fromEntries(systems.slice(3).map(({ name }, i) => [name, scoresOf(0.43 + i / 100)])),
  },
  comparisons: {
    afterBefore: compared(0.055, 0.001),
    afterBm25: compared(0.067, 0.011),
    ...Object.fromEntries(comparisons.slice(2).map(({ name }, i) => [name, compared(0.01, pValues[i + 2] ?? 1)])),
  },
  verdict: "Search got better: nDCG@10 changed by +.055 (95 % interval +.025 to +.095, p = .001) on 60 test queries.",
};

const sources: readonly MassSource[] = ["positive", "synthetic", "bm25"];
const each = (values: readonly number[]) => Object.fromEntries(sources.map((source, i) => [source, values[i]]));

function snapshot(step: number, mean: number): Snapshot {
  const margins = {
    count: 64,
    mean,
    histogram: Array.from({ length: 20 }, (_, i) => (i === 9 ? 16 : i === 12 ? 48 : 0)),
  };
  return {
    step,
    rows: 64,
    mass: each([0.5, 0.2, 0.3]),
    expected: each([1 / 6, 1 / 6, 2 / 3]),
    margins: { synthetic: margins, bm25: margins },
    embeddingVariance: 0.1,
    shortcut: 0.6,
  };
}

const steps: readonly StepReport[] = Array.from({ length: 40 }, (_, i) => ({
  step: i + 1,
  steps: 40,
  loss: 1 / (1 + i / 8) + 0.05 * Math.sin(i * 3),
  gradNorm: i === 20 ? Number.NaN : 2 - i / 40 + 0.2 * Math.cos(i * 5),
  tokens: 1200 + i,
  seconds: 0.2,
  learningRate: 2e-5 * (1 - i / 40),
}));

export function finishedRun(name: string, config: ConfigInput = {}): FinishedRun {
  return {
    id: runId(name),
    name,
    collection: collectionId("c"),
    collectionName: `Near misses ${hostile}`,
    collectionDigest: "c0ffee".repeat(10) + "1234",
    encoder: "decoy-small",
    encoderName: "decoy-small",
    engine: "auto",
    config: parseConfig(config),
    createdAt: "2026-01-02T03:04:05.000Z",
    updatedAt: "2026-01-02T03:14:05.000Z",
    status: "finished",
    stage: "after",
    steps,
    result: {
      ...figures,
      split: "test",
      leak: { queries: 60, sharedDocument: 4, nearCopy: 1, clean: 55 },
      clean: { kind: "measured", ...figures, verdict: "On 55 clean test queries the same." },
      trainingRows: 220,
      steps: 40,
      tokens: 48_780,
      seconds: { index: 0.4, mine: 1.2, before: 3, train: 61, after: 3 },
      tokensPerSecond: 812,
      peakBytes: 84e6,
      engine: { kind: "cpu", device: "1 thread", note: "There is no WebGPU here." },
      encoder: {
        name: "decoy-small",
        shape: { family: "static", hidden: 320, vocabulary: 8000 },
        pooling: "mean",
        queryPrefix: "",
        documentPrefix: "",
        maxTokens: 512,
        parameters: 2_560_000,
      },
      variance: undefined,
      normVariance: 0.04,
      refreshes: [],
      notes: [`A note ${hostile}`],
      gate: { considered: 500, dropped: 7, relabelled: 1 },
      snapshots: [snapshot(0, 0.02), snapshot(20, 0.08), snapshot(40, 0.12)],
      dev: {
        split: "dev",
        queries: 30,
        kept: 20,
        looks: [0, 20, 40].map((step, i) => ({ step, score: [0.4, 0.45, 0.44][i] ?? 0, seconds: 1 })),
      },
    },
  };
}

const record: CollectionRecord = {
  id: collectionId("c"),
  name: "Near misses",
  format: "BEIR folder",
  createdAt: "2026-01-01T00:00:00.000Z",
  digest: "c0ffee",
  documents: 722,
  queries: 442,
  judgements: { train: 240, dev: 61, test: 141 },
  negatives: 1200,
  rejected: 3,
  rejectedRows: [],
};

export const reported = (run: FinishedRun): ReportedRun => ({
  run,
  collection: record,
  encoderIdentity: "feed".repeat(16),
});

const query = (i: number, gain: number): ToldQuery => ({
  queryId: queryId(`q${i}`),
  before: gain > 0 ? 0 : -gain,
  after: gain > 0 ? gain : 0,
  text: i === 0 ? hostile : `Which star is nearest to the place number ${i}?`,
  answer: {
    title: "Proxima",
    text: `Proxima Centauri ${"is the nearest star to the Sun. ".repeat(14)}`,
    before: 14,
    after: gain > 0 ? 1 : undefined,
  },
  firstBefore: { title: "", text: `Alpha Centauri ${hostile}`, isAnswer: false },
  firstAfter: { title: "Proxima", text: "Proxima Centauri", isAnswer: gain > 0 },
});

export const runInput: ReportInput = {
  kind: "run",
  madeAt: "2026-01-03T10:00:00.000Z",
  told: reported(finishedRun("Run 7", { seed: 4, batchSize: 8, best: { every: 20 }, queryPrefix: "query: " })),
  changes: { better: 21, worse: 2, same: 37, gained: [query(0, 1), query(1, 0.631)], lost: [query(2, -0.5)] },
};

const rivals = [
  finishedRun("Run 7", { seed: 4 }),
  finishedRun("Run 8", { seed: 4, negatives: [{ source: "bm25", count: 5 }] }),
  finishedRun("Run 9", { seed: 5, temperature: 0.02 }),
] as const;

export const comparisonInput: ReportInput = {
  kind: "comparison",
  madeAt: "2026-01-03T10:00:00.000Z",
  told: rivals.map(reported),
  compared: [
    { first: rivals[0].id, others: [{ run: rivals[1].id, comparison: compared(-0.02, 0.3) }] },
    { first: rivals[2].id, others: [] },
  ],
};
