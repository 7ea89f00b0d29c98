/** What training needs before its first step: which rows each step sees, and the documents that do not train. */
import { planBatches, type BatchPlan } from "../data/batches.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Progress } from "../domain/stages.ts";
import type { ReadCorpus, Refresh, TrainingSet } from "../domain/training.ts";
import type { BatchSet } from "./batch.ts";
import type { Reading } from "./encode.ts";
import { fixedDocuments } from "./fixed.ts";
import { rowTexts } from "./rowTexts.ts";

export interface PrepareInput extends Reading {
  readonly data: TrainingSet;
  readonly config: TrainingConfig;
  readonly refresh?: Refresh | undefined;
  /** Where only queries train: documents that need not be encoded. */
  readonly read?: ReadCorpus | undefined;
}

export interface Prepared {
  readonly plan: BatchPlan;
  /** What the rows of a batch point into. */
  readonly set: BatchSet;
}

/** The model must have the weights from before training, also where training goes on. */
export async function* prepare(input: PrepareInput): AsyncGenerator<Progress, Prepared, void> {
  const { config, data, refresh, read = refresh } = input;
  const counting = { ...input, ...(refresh && { requests: refresh.requests }) };
  const texts = config.batchTokens === undefined ? undefined : yield* rowTexts(counting);
  const plan = planBatches(data.rows.length, config, data.topics, texts);
  if (config.side === "both") return { plan, set: data };
  return { plan, set: { ...data, fixed: yield* fixedDocuments(input, data, read) } };
}
