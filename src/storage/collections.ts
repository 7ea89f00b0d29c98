/** Stored collections: a record and, in `parts`, JSON arrays of documents, queries, judgements by split and negatives. */
import type { Collection, Document, Judgement, Query } from "../domain/collection.ts";
import type { CollectionId } from "../domain/ids.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { CollectionRecord } from "../domain/run.ts";
import type { Connection } from "./connection.ts";
import { deleteWritten, writtenStores } from "./drafts.ts";
import { DamagedRecord, NotStored, readFailure, removal } from "./errors.ts";
import { deleteCollection } from "./importing.ts";
import { fromJson } from "./json.ts";
import { readAll, type Damaged } from "./listing.ts";
import { getPart, isPart } from "./parts.ts";
import type { PartDigest, Section } from "./schema.ts";

/** Newest first. */
export async function listCollections(connection: Connection, damaged: Damaged): Promise<CollectionRecord[]> {
  const all = await readAll(connection, "collections", damaged);
  return all
    .flatMap((stored) => (stored.status === "ready" ? [stored.record] : []))
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/** Errors: NotStored, DamagedRecord. */
export async function readCollection(connection: Connection, id: CollectionId): Promise<Collection> {
  const stored = await connection.read(["collections"], (transaction) =>
    transaction.objectStore("collections").get(id),
  );
  if (stored?.status !== "ready") {
    throw new NotStored("This collection is not stored (any more). Import it again from its files.");
  }
  const { record, sections } = stored;
  async function rowsOf<Row>(section: Section): Promise<Row[]> {
    const rows: Row[] = [];
    for (const [index, part] of section.parts.entries()) {
      for (const row of await readRows<Row>(connection, { record, section: section.name, index, part })) rows.push(row);
    }
    return rows;
  }
  async function all<Row>(name: string): Promise<Row[]> {
    const section = sections.find((each) => each.name === name);
    return section ? rowsOf<Row>(section) : [];
  }
  const judgements: [split: string, rows: Judgement[]][] = [];
  for (const section of sections.filter(({ name }) => name.startsWith("judgements/"))) {
    judgements.push([section.name.slice("judgements/".length), await rowsOf<Judgement>(section)]);
  }
  return {
    name: record.name,
    documents: await all<Document>("documents"),
    queries: await all<Query>("queries"),
    judgements: Object.fromEntries(judgements),
    negatives: await all<WrittenNegative>("negatives"),
  };
}

interface StoredRows {
  readonly record: CollectionRecord;
  readonly section: string;
  readonly index: number;
  readonly part: PartDigest;
}

async function readRows<Row>(connection: Connection, rows: StoredRows): Promise<Row[]> {
  const { record, section, index, part } = rows;
  const damage = (cause?: unknown): DamagedRecord =>
    new DamagedRecord(
      `The collection “${record.name}” is damaged in storage: part ${index + 1} of its ${section} is not what was stored. Remove it and import it again from its files; your runs on it stay.`,
      { cause },
    );
  const place = { owner: "collection", id: record.id, name: section } as const;
  const bytes = await connection
    .read(["parts"], (transaction) => getPart(transaction, place, index))
    .catch((error: unknown) => {
      throw readFailure(error, damage);
    });
  if (!bytes || !(await isPart(bytes, part))) throw damage();
  return fromJson<Row[]>(bytes);
}

/** With the drafts and verdicts on it. */
export async function removeCollection(connection: Connection, id: CollectionId): Promise<void> {
  await connection.write(["collections", "parts", ...writtenStores], removal, async (transaction) => {
    await deleteCollection(transaction, id);
    await deleteWritten(transaction, id);
  });
}
