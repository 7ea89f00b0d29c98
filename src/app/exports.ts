/** Giving out what is here in files that other programs read. */
import { UserError } from "../base/errors.ts";
import type { Collection } from "../domain/collection.ts";
import type { CollectionRecord, RunRecord } from "../domain/run.ts";
import type { TrainingSet } from "../domain/training.ts";
import type { DataFile } from "../export/files/file.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import type { RowFormat } from "./exportFiles.ts";
import { tell } from "./notices.ts";
import { productsOf } from "./runState.ts";

/** There is nothing that the asked file could hold. */
export class NothingToExport extends UserError {
  override readonly name = "NothingToExport";
}

async function give(app: App, file: DataFile): Promise<void> {
  const { toBlob } = await import("../export/files/file.ts");
  app.deps.download(await toBlob(file), file.name);
}

export async function exportCollection(app: App, { id }: CollectionRecord, as: "beir" | "qrels"): Promise<void> {
  const [files, collection, drafts] = await Promise.all([
    import("./exportFiles.ts"),
    readCollection(app, id),
    app.deps.store.listDrafts(id),
  ]);
  if (as === "beir") return give(app, files.collectionFile(collection, drafts));
  if (Object.keys(collection.judgements).length === 0)
    throw new NothingToExport(`${collection.name} has no judgements: nobody says which document answers which query.`);
  return give(app, files.qrelsFile(collection));
}

interface Rows {
  readonly name: string;
  readonly trainingSet: TrainingSet;
  readonly collection: Collection | undefined;
  readonly id: CollectionRecord["id"];
}

async function giveRows(app: App, { name, trainingSet, collection, id }: Rows, format: RowFormat): Promise<void> {
  const { rowsFile } = await import("./exportFiles.ts");
  const drafts = await app.deps.store.listDrafts(id);
  const { file, leftOut } = rowsFile(name, { trainingSet, drafts, ...(collection && { collection }) }, format);
  if (!file)
    throw new NothingToExport(
      format === "flagembedding" && trainingSet.rows.length > 0
        ? "FlagEmbedding draws from each row's decoys, and no row has any yet. Write some, or take JSON lines or Parquet."
        : "There are no training rows here: they come of judgements named “train”, or of a run.",
    );
  await give(app, file);
  if (leftOut > 0)
    tell(app, {
      kind: "done",
      text: `${leftOut} of ${trainingSet.rows.length} rows were left out: they have no decoys.`,
    });
}

/** The rows that a run trains on. */
export async function exportRunRows(app: App, run: RunRecord, format: RowFormat): Promise<void> {
  const { trainingSet } = await productsOf(app, run.id);
  if (!trainingSet) throw new NothingToExport("This run ended before its training rows were put together.");
  const name = `${run.collectionName}-${run.name}`;
  const collection = await collectionOf(app, run);
  await giveRows(app, { name, trainingSet, collection, id: run.collection }, format);
}

/** The training queries of the selected collection with all that is written for them. */
export async function exportWrittenRows(app: App, format: RowFormat): Promise<void> {
  const { selected } = app.collections;
  const id = selected.value;
  const [{ writtenTrainingSet }, collection, drafts] = await Promise.all([
    import("./exportFiles.ts"),
    readCollection(app, id),
    app.deps.store.listDrafts(id),
  ]);
  const trainingSet = writtenTrainingSet(collection, drafts);
  await giveRows(app, { name: collection.name, trainingSet, collection, id }, format);
}

/** Undefined where it was removed: what a run found is worth as much without it. */
async function collectionOf(app: App, { collection: id }: RunRecord): Promise<Collection | undefined> {
  if (!app.collections.list.value.some((record) => record.id === id)) return undefined;
  return readCollection(app, id);
}

/** Rankings and judgements for trec_eval. */
export async function exportRankings(app: App, run: RunRecord): Promise<void> {
  const [{ rankingsFile }, products, collection] = await Promise.all([
    import("./exportFiles.ts"),
    productsOf(app, run.id),
    collectionOf(app, run),
  ]);
  await give(app, rankingsFile(run, products, collection));
}

export async function exportTables(app: App, run: RunRecord): Promise<void> {
  const { tablesFile } = await import("./exportFiles.ts");
  const file = tablesFile(run);
  if (!file) throw new NothingToExport("This run has no result yet.");
  await give(app, file);
}
