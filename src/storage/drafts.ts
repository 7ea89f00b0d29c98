/** Drafts, verdicts on found negatives, and what was last asked for, each under its collection. */
import type { Draft, FoundVerdict } from "../domain/draft.ts";
import type { CollectionId } from "../domain/ids.ts";
import type { Connection } from "./connection.ts";
import { removal, type Need } from "./errors.ts";
import type { GenerationRecord, StoreName, WriteTransaction } from "./schema.ts";

/** All that lies under `collection`: arrays sort after every string (Indexed Database API, "compare two keys"). */
const rangeOf = (collection: CollectionId): IDBKeyRange => IDBKeyRange.bound([collection], [collection, []]);

const needOf = (what: string, values: readonly unknown[]): Need => ({
  what,
  bytes: () => JSON.stringify(values).length,
});

/** In one transaction: all of them or none. One with the key of an earlier one takes its place. Errors: StorageFull. */
export async function putDrafts(
  connection: Connection,
  collection: CollectionId,
  drafts: readonly Draft[],
): Promise<void> {
  const need = needOf(drafts.length === 1 ? "decoy" : "set of decoys", drafts);
  await connection.write(["drafts"], need, async (transaction) => {
    const store = transaction.objectStore("drafts");
    await Promise.all(drafts.map((draft) => store.put(draft, [collection, draft.key])));
  });
}

/** In the order in which they were written; those of one moment by their key. */
export async function listDrafts(connection: Connection, collection: CollectionId): Promise<Draft[]> {
  const drafts = await connection.read(["drafts"], (transaction) =>
    transaction.objectStore("drafts").getAll(rangeOf(collection)),
  );
  // ISO 8601 dates sort as strings; the store gives them in the order of their keys, and sorting is stable.
  return drafts.sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
}

export async function removeDrafts(
  connection: Connection,
  collection: CollectionId,
  keys: readonly string[],
): Promise<void> {
  await connection.write(["drafts"], removal, async (transaction) => {
    const store = transaction.objectStore("drafts");
    await Promise.all(keys.map((key) => store.delete([collection, key])));
  });
}

/** The newest verdict on a document as a negative of a query is the one that is kept. Errors: StorageFull. */
export async function putVerdicts(
  connection: Connection,
  collection: CollectionId,
  verdicts: readonly FoundVerdict[],
): Promise<void> {
  await connection.write(["verdicts"], needOf("set of verdicts", verdicts), async (transaction) => {
    const store = transaction.objectStore("verdicts");
    await Promise.all(verdicts.map((verdict) => store.put(verdict, [collection, verdict.queryId, verdict.documentId])));
  });
}

export function listVerdicts(connection: Connection, collection: CollectionId): Promise<FoundVerdict[]> {
  return connection.read(["verdicts"], (transaction) =>
    transaction.objectStore("verdicts").getAll(rangeOf(collection)),
  );
}

export async function putGeneration(connection: Connection, record: GenerationRecord): Promise<void> {
  await connection.write(["generations"], needOf("recipe for decoys", [record]), (transaction) =>
    transaction.objectStore("generations").put(record),
  );
}

export function readGeneration(
  connection: Connection,
  collection: CollectionId,
): Promise<GenerationRecord | undefined> {
  return connection.read(["generations"], (transaction) => transaction.objectStore("generations").get(collection));
}

/** Drafts and verdicts on a collection, and what was last asked for on it. */
export interface WrittenChanges {
  readonly collection: CollectionId;
  readonly drafts: readonly Draft[];
  readonly verdicts: readonly FoundVerdict[];
  readonly generation?: GenerationRecord;
}

/** All of it, of all collections, or nothing: one transaction. What is there under the same keys gives way. Errors: StorageFull. */
export async function putWritten(connection: Connection, changes: readonly WrittenChanges[]): Promise<void> {
  await connection.write([...writtenStores], needOf("set of decoys", changes), async (transaction) => {
    // Each within an async function: one that throws at once then leaves no other unheard.
    const puts = changes.flatMap(({ collection, drafts, verdicts, generation }) => [
      ...drafts.map(async (draft) => transaction.objectStore("drafts").put(draft, [collection, draft.key])),
      ...verdicts.map(async (verdict) => {
        const key: [string, string, string] = [collection, verdict.queryId, verdict.documentId];
        return transaction.objectStore("verdicts").put(verdict, key);
      }),
      ...(generation ? [(async () => transaction.objectStore("generations").put(generation))()] : []),
    ]);
    await Promise.all(puts);
  });
}

/** What goes with a collection when it is removed. */
export const writtenStores = ["drafts", "verdicts", "generations"] as const satisfies readonly StoreName[];

export async function deleteWritten(transaction: WriteTransaction, collection: CollectionId): Promise<void> {
  await transaction.objectStore("drafts").delete(rangeOf(collection));
  await transaction.objectStore("verdicts").delete(rangeOf(collection));
  await transaction.objectStore("generations").delete(collection);
}
