/** The items of a project, each read whole, checked, and compared with the identity that it claims. */
import type { Collection, Judgement } from "../../domain/collection.ts";
import { encoderDigest, type EncoderFolder } from "../../domain/encoder.ts";
import { collectionId, runId } from "../../domain/ids.ts";
import type { CollectionRecord, RunProduct, RunRecord } from "../../domain/run.ts";
import type { Checkpoint } from "../../domain/training.ts";
import { checkAsked, checkCheckpoint, checkCollectionRecord, checkProduct, checkRow, checkRunRecord } from "./check.ts";
import { UnreadableProject } from "./errors.ts";
import type { CollectionPlace, EncoderPlace, RunPlace } from "./format.ts";
import type { Written } from "./merge.ts";
import { readBytes, readRows, readValue, type Project } from "./open.ts";

/** SHA-256 of a collection's content as the import computes it: the digest of `summarise` (src/data/summary.ts). */
export type ContentDigest = (collection: Collection) => string | Promise<string>;

const posing = (what: string): UnreadableProject =>
  new UnreadableProject(
    `This project file was changed: ${what} is not what its digest says. Nothing was stored. Take it from where it was made, or import its files one by one.`,
  );

export interface LoadedCollection {
  readonly record: Omit<CollectionRecord, "createdAt">;
  readonly collection: Collection;
}

type Content = NonNullable<CollectionPlace["content"]>;

export async function loadCollection(project: Project, content: Content): Promise<LoadedCollection> {
  const record = checkCollectionRecord(await readValue(project, content.record), "the record of a collection");
  const judgements: [split: string, rows: Judgement[]][] = [];
  for (const { split, parts } of content.judgements) {
    judgements.push([split, await readRows(project, parts, checkRow.judgement)]);
  }
  const collection = {
    name: record.name,
    documents: await readRows(project, content.documents, checkRow.document),
    queries: await readRows(project, content.queries, checkRow.query),
    judgements: Object.fromEntries(judgements),
    negatives: await readRows(project, content.negatives, checkRow.negative),
  };
  return { record, collection };
}

/** A collection is known by the digest of its content: under another's it would pass for that one. */
export async function checkIdentity(
  { record, collection }: LoadedCollection,
  id: string,
  contentDigest: ContentDigest,
): Promise<void> {
  const { documents, queries, negatives } = collection;
  const counted =
    record.documents === documents.length && record.queries === queries.length && record.negatives === negatives.length;
  const claimed = counted && record.id === collectionId(id) && record.digest === id;
  if (claimed && (await contentDigest(collection)) === id) return;
  throw posing(`the collection ${JSON.stringify(record.name.slice(0, 60))}`);
}

export async function loadWritten(project: Project, place: CollectionPlace): Promise<Written> {
  const generation = place.generation && checkAsked(await readValue(project, place.generation), "a recipe for decoys");
  if (generation && generation.collection !== place.id) throw posing("a recipe for decoys");
  return {
    drafts: await readRows(project, place.drafts, checkRow.draft),
    verdicts: await readRows(project, place.verdicts, checkRow.verdict),
    generation: generation ?? undefined,
  };
}

export async function loadEncoder(project: Project, place: EncoderPlace): Promise<EncoderFolder> {
  const files: [path: string, bytes: Uint8Array<ArrayBuffer>][] = [];
  for (const { path, parts } of place.files) files.push([path, await readBytes(project, parts)]);
  const folder = { name: place.name, files: Object.fromEntries(files) };
  if ((await encoderDigest(folder)) !== place.digest)
    throw posing(`the encoder ${JSON.stringify(place.name.slice(0, 60))}`);
  return folder;
}

export async function loadRecord(project: Project, place: RunPlace): Promise<RunRecord> {
  const record = checkRunRecord(await readValue(project, place.record), "the record of a run");
  if (record.id !== runId(place.id)) throw posing("a run");
  return record;
}

/** One at a time: vectors are large. */
export async function* loadProducts(project: Project, { products }: RunPlace): AsyncGenerator<RunProduct, void, void> {
  for (const { name, value } of products) {
    yield checkProduct(name, await readValue(project, value), `the result ${name.slice(0, 60)} of a run`);
  }
}

export async function loadCheckpoint(project: Project, { checkpoint }: RunPlace): Promise<Checkpoint | undefined> {
  return checkpoint ? checkCheckpoint(await readValue(project, checkpoint), "the checkpoint of a run") : undefined;
}
