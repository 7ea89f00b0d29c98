import type { RunReport } from "../../src/domain/run.ts";
import { checkpointAt, stepReport } from "./fakes.ts";

export const set = { queries: ["why tides"], documents: ["a", "b"], rows: [] };
/** Of a short run, from its first stage to the end of its training. */
export const reports: readonly RunReport[] = [
  { kind: "started", stage: "index" },
  { kind: "progress", stage: "index", progress: { done: 2, total: 2, unit: "documents" } },
  { kind: "finished", stage: "index", seconds: 0.1 },
  { kind: "started", stage: "mix" },
  { kind: "product", product: { name: "trainingSet", value: set } },
  { kind: "note", stage: "mix", text: "a note" },
  { kind: "finished", stage: "mix", seconds: 0.2 },
  { kind: "started", stage: "train" },
  { kind: "step", step: stepReport(1) },
  { kind: "checkpoint", checkpoint: checkpointAt(1) },
  { kind: "step", step: stepReport(2) },
  { kind: "step", step: stepReport(3) },
  { kind: "checkpoint", checkpoint: checkpointAt(3) },
  { kind: "finished", stage: "train", seconds: 1 },
];
