/** What stages and statuses are called. */
import type { RunPhase } from "../../app/runState.ts";
import type { SystemName } from "../../domain/ranking.ts";
import type { RunStatus, StageName } from "../../domain/run.ts";

export const stageWords: Readonly<Record<StageName, string>> = {
  index: "Index the documents",
  mine: "Find BM25 negatives",
  mix: "Mix decoys per query",
  before: "Measure before",
  train: "Fine-tune the encoder",
  after: "Measure after",
};

/** For the run bar on a phone. */
export const stageShort: Readonly<Record<StageName, string>> = {
  index: "Indexing",
  mine: "Finding",
  mix: "Mixing",
  before: "Before",
  train: "Training",
  after: "After",
};

export const stageWhy: Readonly<Record<StageName, string>> = {
  index: "Words of all documents, for BM25.",
  mine: "High-ranked passages that do not answer the query.",
  mix: "One synthetic decoy each, the rest found.",
  before: "The encoder as it is, on held-out queries.",
  train: "Answers up, decoys down, step by step.",
  after: "The same queries again, and the paired test.",
};

export const statusWords: Readonly<Record<RunStatus, string>> = {
  running: "Running",
  paused: "Paused",
  stopped: "Stopped",
  failed: "Failed",
  finished: "Finished",
};

export const phaseWords: Readonly<Record<RunPhase, string>> = {
  idle: "",
  preparing: "Opening",
  running: "Running",
  pausing: "Pausing",
  paused: "Paused",
  stopping: "Stopping",
};

export const systemWords: Readonly<Record<SystemName, string>> = {
  bm25: "BM25",
  before: "Encoder before",
  after: "Encoder after",
};
