/** Encoder folders, stored under the digest of their files, so that the same folder is stored once. */
import { digestOf } from "../base/digest.ts";
import type { EncoderFiles } from "../domain/encoder.ts";
import type { Connection } from "./connection.ts";
import { DamagedRecord, NotStored, readFailure, removal } from "./errors.ts";
import { digestBlob, getBlobs, isPart, partsOf, putBlob, sizeOf, type Place } from "./parts.ts";
import { readAll, type Damaged } from "./listing.ts";
import type { EncoderRecord, StoredEncoder } from "./schema.ts";

const placeOf = (key: string, path: string): Place => ({ owner: "encoder", id: key, name: path });

/** Newest first. */
export async function listEncoders(connection: Connection, damaged: Damaged): Promise<EncoderRecord[]> {
  const all = await readAll(connection, "encoders", damaged);
  return all.map(({ record }) => record).toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/** Stores the folder in one transaction; one that is there already is returned as it is. Errors: StorageFull. */
export async function putEncoder(
  connection: Connection,
  folder: EncoderFiles,
  createdAt = new Date().toISOString(),
): Promise<EncoderRecord> {
  const contents = Object.entries(folder.files).map(([path, content]): Content => [path, asBlob(content)]);
  const stored = await describe(folder.name, contents, createdAt);
  const { key, record } = stored;
  const need = { what: "encoder", bytes: () => record.bytes };
  return connection.write(["encoders", "parts"], need, async (transaction) => {
    const there = await transaction.objectStore("encoders").get(key);
    if (there) return there.record;
    for (const [path, blob] of contents) await putBlob(transaction, placeOf(key, path), blob);
    await transaction.objectStore("encoders").put(stored);
    return record;
  });
}

type Content = readonly [path: string, blob: Blob];
const asBlob = (content: EncoderFiles["files"][string]): Blob =>
  content instanceof Blob ? content : new Blob([content]);

async function describe(name: string, contents: readonly Content[], createdAt: string): Promise<StoredEncoder> {
  const files: StoredEncoder["files"][number][] = [];
  for (const [path, blob] of contents) files.push({ path, parcel: await digestBlob(blob) });
  const key = digestOf(Object.fromEntries(files.map(({ path, parcel }) => [path, parcel])));
  const bytes = sizeOf(files.map(({ parcel }) => parcel));
  return { key, record: { key, name, bytes, createdAt }, files };
}

/** Every part is read once and checked; the blobs that come back leave them where they lie. Errors: NotStored, DamagedRecord. */
export async function readEncoder(connection: Connection, key: string): Promise<EncoderFiles> {
  const stored = await connection.read(["encoders"], (transaction) => transaction.objectStore("encoders").get(key));
  if (!stored) throw new NotStored("This encoder is not stored (any more). Open its folder again.");
  const files: [path: string, blob: Blob][] = [];
  for (const file of stored.files) files.push([file.path, await readFile(connection, stored.record, file)]);
  return { name: stored.record.name, files: Object.fromEntries(files) };
}

async function readFile(
  connection: Connection,
  { key, name }: EncoderRecord,
  { path, parcel }: StoredEncoder["files"][number],
): Promise<Blob> {
  const damage = (cause?: unknown): DamagedRecord =>
    new DamagedRecord(
      `The encoder “${name}” is damaged in storage: ${path} is not what was stored. Remove it and open its folder again.`,
      { cause },
    );
  const blobs = await connection
    .read(["parts"], (transaction) => getBlobs(transaction, placeOf(key, path), parcel))
    .catch((error: unknown) => {
      throw readFailure(error, damage);
    });
  for (const [i, part] of parcel.entries()) {
    // What a browser says of a blob whose file is gone differs; all of it is damage.
    const bytes = await blobs[i]?.arrayBuffer().catch((cause: unknown) => {
      throw damage(cause);
    });
    if (!bytes || !(await isPart(new Uint8Array(bytes), part))) throw damage();
  }
  return new Blob(blobs);
}

export async function removeEncoder(connection: Connection, key: string): Promise<void> {
  await connection.write(["encoders", "parts"], removal, async (transaction) => {
    await transaction.objectStore("parts").delete(partsOf("encoder", key));
    await transaction.objectStore("encoders").delete(key);
  });
}
