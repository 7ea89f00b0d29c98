/** All records of a store, where one that the browser cannot read does not take the others with it. */
import type { StoreValue } from "idb";
import type { Connection } from "./connection.ts";
import { DamagedRecord, readFailure } from "./errors.ts";
import type { DecoySchema } from "./schema.ts";

/** Hears of a damaged record that was passed over. */
export type Damaged = (error: DamagedRecord) => void;

type Listed = "collections" | "encoders" | "runs";

const wordsFor = { collections: "collection", encoders: "encoder", runs: "run" } as const satisfies Record<
  Listed,
  string
>;

/** Chromium keeps values above 64 kB as files of their own; a lost one makes `getAll` fail for the whole store. */
export async function readAll<Name extends Listed>(
  connection: Connection,
  name: Name,
  damaged: Damaged,
): Promise<StoreValue<DecoySchema, Name>[]> {
  try {
    return await connection.read([name], (transaction) => transaction.objectStore(name).getAll());
  } catch (error) {
    if (!(readFailure(error, damageOf(name, "")) instanceof DamagedRecord)) throw error;
    return readEach(connection, name, damaged);
  }
}

const damageOf = (name: Listed, key: string) => (cause: unknown) =>
  new DamagedRecord(
    `The record of a stored ${wordsFor[name]} is damaged (${key.slice(0, 12)}) and is left out of the list. Whatever else is stored is not touched by it.`,
    { cause },
  );

/** A transaction each: a failed read ends its own. */
async function readEach<Name extends Listed>(
  connection: Connection,
  name: Name,
  damaged: Damaged,
): Promise<StoreValue<DecoySchema, Name>[]> {
  const keys = await connection.read([name], (transaction) => transaction.objectStore(name).getAllKeys());
  const records: StoreValue<DecoySchema, Name>[] = [];
  for (const key of keys) {
    try {
      const record = await connection.read([name], (transaction) => transaction.objectStore(name).get(key));
      if (record !== undefined) records.push(record);
    } catch (error) {
      const failure = readFailure(error, damageOf(name, key));
      if (!(failure instanceof DamagedRecord)) throw error;
      damaged(failure);
    }
  }
  return records;
}
