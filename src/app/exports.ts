/** Giving out what is here in files that other programs read. */
import { UserError } from "../base/errors.ts";
import type { Collection } from "../domain/collection.ts";
import type { CollectionRecord, RunRecord } from "../domain/run.ts";
import type { TrainingSet } from "../domain/training.ts";
import type { DataFile } from "../export/files/file.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { encoderFolder } from "./encoders.ts";
import type { RowFormat } from "./exportFiles.ts";
import { openGeneration } from "./generation.ts";
import { tell } from "./notices.ts";
import type { FinishedRun, ReportInput } from "./report.ts";
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

export interface Rows {
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

/** The rows that a run trains on. Errors: NothingToExport. */
export async function rowsOfRun(app: App, run: RunRecord): Promise<Rows> {
  const { trainingSet } = await productsOf(app, run.id);
  if (!trainingSet) throw new NothingToExport("This run ended before its training rows were put together.");
  const name = `${run.collectionName}-${run.name}`;
  return { name, trainingSet, collection: await collectionOf(app, run), id: run.collection };
}

export const exportRunRows = async (app: App, run: RunRecord, format: RowFormat): Promise<void> =>
  giveRows(app, await rowsOfRun(app, run), format);

/** The training queries of the selected collection with all that is written for them. */
export async function rowsWritten(app: App): Promise<Rows> {
  const { selected } = app.collections;
  const id = selected.value;
  const [{ writtenTrainingSet }, collection, drafts] = await Promise.all([
    import("./exportFiles.ts"),
    readCollection(app, id),
    app.deps.store.listDrafts(id),
  ]);
  return { name: collection.name, trainingSet: writtenTrainingSet(collection, drafts), collection, id };
}

export const exportWrittenRows = async (app: App, format: RowFormat): Promise<void> =>
  giveRows(app, await rowsWritten(app), format);

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

/** One HTML file of a run, or of several set side by side; `draw` makes its text. */
export async function exportReport(
  app: App,
  runs: readonly RunRecord[],
  draw: (input: ReportInput) => string,
): Promise<void> {
  const finished = runs.filter((run): run is FinishedRun => run.result !== undefined);
  const [first] = finished;
  if (!first || finished.length < runs.length) throw new NothingToExport("There is no result yet to report on.");
  const [{ gatherReport }, { reportFile }] = await Promise.all([import("./report.ts"), import("./exportFiles.ts")]);
  await give(app, reportFile(finished, draw(await gatherReport(app, finished))));
}

/** Everything of a run that a cluster goes on with, in one zip; train.py says itself what it does not do. */
export async function exportCluster(app: App, run: RunRecord): Promise<void> {
  const { result } = run;
  const products = await productsOf(app, run.id);
  const { trainingSet } = products;
  if (!result || !trainingSet)
    throw new NothingToExport("This run has no result yet. Let it come to its end, then continue on a cluster.");
  const { store } = app.deps;
  // The form as its view shows it when it is first opened.
  const [{ clusterFile, clusterWords }, folder, collection, drafts, asked] = await Promise.all([
    import("./cluster.ts"),
    encoderFolder(app, run.encoder),
    collectionOf(app, run),
    store.listDrafts(run.collection),
    store.readGeneration(run.collection),
    openGeneration(app),
  ]);
  const synthesis = app.generation.synthesis.value;
  // As decoys of this collection were asked for; where none were, as the form stands.
  const generation = asked?.generation ?? app.generation.form.generation.value;
  await give(
    app,
    clusterFile({
      run: { ...run, result },
      products: { ...products, trainingSet },
      folder,
      collection,
      drafts,
      writing: synthesis && generation && { synthesis, generation },
    }),
  );
  const words = clusterWords(run);
  if (words !== undefined) tell(app, { kind: "done", text: words });
}
