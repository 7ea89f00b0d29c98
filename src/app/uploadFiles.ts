/** What goes to the hub, as files. Loaded when something is first put together for it. */
import { datasetCard } from "../export/datasetCard.ts";
import { mediaTypes, textFile, toBlob } from "../export/files/file.ts";
import { storedFiles, type StoredFile } from "../export/files/stored.ts";
import { trainingFiles } from "../export/files/training.ts";
import type { App } from "./app.ts";
import { NothingToExport, type Rows } from "./exports.ts";

/** The files of the zip that a download would be. */
export const encoderFiles = (zip: Blob): Promise<readonly StoredFile[]> => storedFiles(zip);

const provenance = "provenance.jsonl";

/** The rows as a dataset, with where they come from and a card. Errors: NothingToExport. */
export async function rowFiles(app: App, rows: Rows, format: "parquet" | "jsonl"): Promise<readonly StoredFile[]> {
  const { name, trainingSet, collection, id } = rows;
  const drafts = await app.deps.store.listDrafts(id);
  const { files } = trainingFiles({ trainingSet, drafts, ...(collection && { collection }) }, { format });
  if (files.length === 0)
    throw new NothingToExport("There are no training rows here: they come of judgements named “train”, or of a run.");
  const tables = files.map((file) => file.name).filter((file) => file !== provenance);
  const card = textFile("README.md", mediaTypes.text, () => [datasetCard({ name, trainingSet, files: tables })]);
  return Promise.all([card, ...files].map(async (file) => ({ path: file.name, blob: await toBlob(file) })));
}
