/** Encoder folders, stored under the digest of their files, so that the same folder is stored once. */
import { present } from "../base/assert.ts";
import { digestOf } from "../base/digest.ts";
import type { EncoderFolder } from "../domain/encoder.ts";
import type { Connection } from "./connection.ts";
import { DamagedRecord, NotStored, readFailure, removal } from "./errors.ts";
import { checkParts, digestParts, getParts, partsOf, putParts, sizeOf, type Bytes, type Place } from "./parts.ts";
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
  folder: EncoderFolder,
  createdAt = new Date().toISOString(),
): Promise<EncoderRecord> {
  const stored = await describe(folder, createdAt);
  const { key, record, files } = stored;
  const need = { what: "encoder", bytes: () => record.bytes };
  return connection.write(["encoders", "parts"], need, async (transaction) => {
    const there = await transaction.objectStore("encoders").get(key);
    if (there) return there.record;
    for (const { path } of files) {
      await putParts(transaction, placeOf(key, path), present(folder.files[path], path));
    }
    await transaction.objectStore("encoders").put(stored);
    return record;
  });
}

async function describe(folder: EncoderFolder, createdAt: string): Promise<StoredEncoder> {
  const files: StoredEncoder["files"][number][] = [];
  for (const [path, bytes] of Object.entries(folder.files)) files.push({ path, parcel: await digestParts(bytes) });
  const key = digestOf(Object.fromEntries(files.map(({ path, parcel }) => [path, parcel])));
  const bytes = sizeOf(files.map(({ parcel }) => parcel));
  return { key, record: { key, name: folder.name, bytes, createdAt }, files };
}

/** Errors: NotStored, DamagedRecord. */
export async function readEncoder(connection: Connection, key: string): Promise<EncoderFolder> {
  const stored = await connection.read(["encoders"], (transaction) => transaction.objectStore("encoders").get(key));
  if (!stored) throw new NotStored("This encoder is not stored (any more). Open its folder again.");
  const files: [path: string, bytes: Bytes][] = [];
  for (const file of stored.files) files.push([file.path, await readFile(connection, stored.record, file)]);
  return { name: stored.record.name, files: Object.fromEntries(files) };
}

async function readFile(
  connection: Connection,
  { key, name }: EncoderRecord,
  { path, parcel }: StoredEncoder["files"][number],
): Promise<Bytes> {
  const damage = (cause?: unknown): DamagedRecord =>
    new DamagedRecord(
      `The encoder “${name}” is damaged in storage: ${path} is not what was stored. Remove it and open its folder again.`,
      { cause },
    );
  const bytes = await connection
    .read(["parts"], (transaction) => getParts(transaction, placeOf(key, path), parcel))
    .catch((error: unknown) => {
      throw readFailure(error, damage);
    });
  if (!(await checkParts(bytes, parcel))) throw damage();
  return bytes;
}

export async function removeEncoder(connection: Connection, key: string): Promise<void> {
  await connection.write(["encoders", "parts"], removal, async (transaction) => {
    await transaction.objectStore("parts").delete(partsOf("encoder", key));
    await transaction.objectStore("encoders").delete(key);
  });
}
