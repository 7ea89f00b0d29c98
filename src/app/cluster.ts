/** "Continue on a cluster": everything of a run that another program goes on with, gathered. Loaded with the first export. */
import { UserError } from "../base/errors.ts";
import { documentText } from "../domain/collection.ts";
import type { Collection } from "../domain/collection.ts";
import type { Draft } from "../domain/draft.ts";
import type { EncoderFiles } from "../domain/encoder.ts";
import { recipeName, type Generation } from "../domain/generation.ts";
import type { RunProducts, RunRecord } from "../domain/run.ts";
import type { Synthesis } from "../domain/synthesis.ts";
import type { TrainingSet } from "../domain/training.ts";
import { planBatches } from "../data/batches.ts";
import { clusterFiles, type ClusterInput } from "../export/cluster/bundle.ts";
import { refusedKeys } from "../export/cluster/keys.ts";
import type { PageRun } from "../export/cluster/recipe.ts";
import type { WritingInput } from "../export/cluster/writing.ts";
import type { DataFile } from "../export/files/file.ts";
import { measuredJudgements } from "../export/files/results.ts";
import { zipFile } from "../export/files/zip.ts";
import { runStem } from "./exportFiles.ts";
import { topicsOf } from "./topics.ts";

/** Decoys that may be asked for; left out where the form is not whole. */
export interface Writing {
  readonly synthesis: Synthesis;
  readonly generation: Generation;
}

export interface ClusterSource {
  readonly run: RunRecord & { readonly result: NonNullable<RunRecord["result"]> };
  readonly products: RunProducts & { readonly trainingSet: TrainingSet };
  readonly folder: EncoderFiles;
  readonly drafts: readonly Draft[];
  /** Undefined where it was removed. */
  readonly collection: Collection | undefined;
  readonly writing: Writing | undefined;
}

/** What the first step can be compared by: where its loss hangs on chance, or on more than one batch, there is nothing. */
function pageRun({ run, products }: ClusterSource): PageRun {
  const { config, result, steps } = run;
  const { rows, topics } = products.trainingSet;
  // Cut by tokens a batch is not known without the tokenizer; train.py refuses such a recipe.
  const { batchTokens: _, ...bySize } = config;
  const plan = planBatches(rows.length, bySize, topics);
  const first = steps.find(({ step }) => step === 1);
  const exact = config.dropout === undefined && config.precision === "f32";
  const comparable = exact && config.accumulate === 1 && refusedKeys(config).length === 0;
  const { before, after } = result.systems;
  const [low, high] = [before.mean["ndcg@10"], after.mean["ndcg@10"]];
  return {
    firstBatch: plan.rows(0),
    ...(first && comparable && { firstLoss: first.loss }),
    ...(low && high && { "ndcg@10": { before: low.value, after: high.value } }),
  };
}

function measured({ run, collection }: ClusterSource): ClusterInput["measured"] {
  if (!collection) return undefined;
  const judgements = measuredJudgements(collection.judgements, run.result);
  return { split: run.result.split, collection, judgements };
}

/** A prompt recipe that asks in two turns cannot be asked for in advance. */
function writingOf({ collection, writing }: ClusterSource): WritingInput | undefined {
  if (!collection || writing?.generation.recipe !== "syneg") return undefined;
  const { synthesis, generation } = writing;
  const topics = topicsOf(collection);
  if (topics.length === 0) return undefined;
  const { temperature, topP, maxTokens, reflection } = generation;
  return {
    settings: { recipe: recipeName(generation), reflection, temperature, topP, maxTokens },
    ...synthesis.handOver(topics, generation),
    documents: collection.documents.map((document) => ({ id: document.id, text: documentText(document) })),
  };
}

/** The rows say nothing of the topics that the batches were made by. */
export class RowsWithoutTopics extends UserError {
  override readonly name = "RowsWithoutTopics";
}

/** Errors: Unwritable, {@link RowsWithoutTopics}. */
export function clusterFile(source: ClusterSource): DataFile {
  const { run, products, folder, drafts, collection } = source;
  const { trainingSet } = products;
  if (run.config.batches === "topics" && !trainingSet.topics)
    throw new RowsWithoutTopics(
      "The rows of this run were kept without the topics that its batches are made by, so nobody else could make the same batches. Run it again, then continue on a cluster.",
    );
  const [about, writing] = [measured(source), writingOf(source)];
  const files = clusterFiles({
    run: {
      name: run.name,
      collection: run.collectionName,
      collectionSha256: run.collectionDigest,
      encoder: run.encoderName,
    },
    config: run.config,
    card: run.result.encoder,
    page: pageRun(source),
    rows: { trainingSet, drafts, ...(collection && { collection }) },
    folder,
    ...(about && { measured: about }),
    ...(writing && { writing }),
  });
  return zipFile(`${runStem(run)}-cluster.zip`, files);
}

/** What the person should know who takes the bundle; undefined where train.py does all that the recipe asks for. */
export function clusterWords({ config }: Pick<RunRecord, "config">): string | undefined {
  const refused = refusedKeys(config);
  if (refused.length === 0) return undefined;
  return `train.py does not do all of this recipe and will say so before it starts: ${refused.join(" ")}`;
}
