/**
 * Writing a collection: many rows to a part (one row each makes 100,000 documents five times slower to write and to
 * read), a transaction a part. It is not there for anyone until the last, strict transaction.
 */
import type { Collection, RejectedRow } from "../domain/collection.ts";
import { collectionId } from "../domain/ids.ts";
import type { CollectionRecord } from "../domain/run.ts";
import type { ImportResult, Progress } from "../domain/stages.ts";
import type { Connection } from "./connection.ts";
import { ImportInterrupted, removal, type Need } from "./errors.ts";
import { toJson } from "./json.ts";
import { readAll } from "./listing.ts";
import { holdLock } from "./locks.ts";
import { digestPart, partsOf, putPart } from "./parts.ts";
import type { PartDigest, Section, StoredCollection, WriteTransaction } from "./schema.ts";

export interface ImportContext {
  readonly connection: Connection;
  readonly locks: LockManager | undefined;
  /** Held, shared, by every import under way: what is not held while something is being imported is a leftover. */
  readonly lock: string;
}

const mostRejectedRows = 10_000;
/** A part is full at this many rows or characters, whichever comes first. */
const mostCharacters = 2 ** 20;
const rowsOfText = 500;
const rowsOfJudgements = 5_000;

interface Source {
  readonly name: string;
  readonly rows: readonly unknown[];
  readonly perPart: number;
  readonly progress: (stored: number) => Progress;
}

/** Everything of a collection that is stored in rows, in the order in which it is written. */
function sourcesOf(collection: Collection): Source[] {
  const { documents, queries, judgements, negatives } = collection;
  const documentsDone = (done: number): Progress => ({ done, total: documents.length, unit: "documents" });
  const queriesDone = (done: number): Progress => ({ done, total: queries.length, unit: "queries" });
  const allDone = (): Progress => queriesDone(queries.length);
  return [
    { name: "documents", rows: documents, perPart: rowsOfText, progress: documentsDone },
    { name: "queries", rows: queries, perPart: rowsOfText, progress: queriesDone },
    ...Object.entries(judgements).map(([split, rows]) => ({
      name: `judgements/${split}`,
      rows,
      perPart: rowsOfJudgements,
      progress: allDone,
    })),
    { name: "negatives", rows: negatives, perPart: rowsOfText, progress: allDone },
  ];
}

const charactersOf = (row: unknown): number =>
  typeof row === "object" && row !== null && "text" in row && typeof row.text === "string" ? row.text.length : 0;

function* chunked(rows: readonly unknown[], most: number): Generator<readonly unknown[]> {
  let start = 0;
  let characters = 0;
  for (const [index, row] of rows.entries()) {
    characters += charactersOf(row);
    if (index + 1 - start < most && characters < mostCharacters) continue;
    yield rows.slice(start, index + 1);
    [start, characters] = [index + 1, 0];
  }
  if (start < rows.length) yield rows.slice(start);
}

function recordOf(result: ImportResult, rejectedRows: readonly RejectedRow[], createdAt: string): CollectionRecord {
  const { collection, summary } = result;
  return {
    ...summary,
    id: collectionId(summary.digest),
    name: collection.name,
    createdAt,
    rejectedRows: rejectedRows.slice(0, mostRejectedRows),
  };
}

/** About as many bytes as the texts take: what a person needs to know of a disk that is full. */
function needOf({ documents, queries, negatives }: Collection): Need {
  const bytes = (): number =>
    [documents, queries, negatives].flat().reduce((sum, row) => sum + charactersOf(row) + 40, 0);
  return { what: "collection", bytes };
}

/**
 * Stores a collection under the digest of its content; one that is there already is returned as it is. Stopping half-way
 * takes away what was written. Errors: StorageFull, ImportInterrupted.
 */
export async function* writeCollection(
  context: ImportContext,
  result: ImportResult,
  rejectedRows: readonly RejectedRow[],
  createdAt = new Date().toISOString(),
): AsyncGenerator<Progress, CollectionRecord, void> {
  const release = await holdLock(context.locks, context.lock, { mode: "shared" });
  const writing = new CollectionWriter(
    context.connection,
    recordOf(result, rejectedRows, createdAt),
    needOf(result.collection),
  );
  try {
    const stored = await writing.begin();
    if (stored) return stored;
    const sections: Section[] = [];
    for (const { name, rows, perPart, progress } of sourcesOf(result.collection)) {
      const parts: PartDigest[] = [];
      let done = 0;
      for (const chunk of chunked(rows, perPart)) {
        parts.push(await writing.put(name, parts.length, chunk));
        yield progress((done += chunk.length));
      }
      sections.push({ name, parts });
    }
    return await writing.finish(sections);
  } finally {
    await writing.discard();
    release?.();
  }
}

export async function deleteCollection(transaction: WriteTransaction, id: string): Promise<void> {
  await transaction.objectStore("parts").delete(partsOf("collection", id));
  await transaction.objectStore("collections").delete(id);
}

/** Writes one collection; owns its "importing" record until it is ready or discarded. */
class CollectionWriter {
  readonly #token = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
  readonly #connection: Connection;
  readonly #record: CollectionRecord;
  readonly #need: Need;

  constructor(connection: Connection, record: CollectionRecord, need: Need) {
    this.#connection = connection;
    this.#record = record;
    this.#need = need;
  }

  /** The collection if it is stored already; otherwise takes its place. */
  begin(): Promise<CollectionRecord | undefined> {
    const { id } = this.#record;
    return this.#connection.write(["collections", "parts"], this.#need, async (transaction) => {
      const stored = await transaction.objectStore("collections").get(id);
      if (stored?.status === "ready") return stored.record;
      await transaction.objectStore("parts").delete(partsOf("collection", id));
      await transaction.objectStore("collections").put({ id, status: "importing", token: this.#token });
      return undefined;
    });
  }

  async put(name: string, index: number, rows: readonly unknown[]): Promise<PartDigest> {
    const { id } = this.#record;
    const bytes = toJson(rows);
    const part = await digestPart(bytes);
    const write = async (transaction: WriteTransaction): Promise<void> => {
      await this.#claim(transaction);
      await putPart(transaction, { owner: "collection", id, name }, index, bytes);
    };
    await this.#connection.write(["collections", "parts"], this.#need, write, "relaxed");
    return part;
  }

  async finish(sections: readonly Section[]): Promise<CollectionRecord> {
    const record = this.#record;
    await this.#connection.write(["collections"], this.#need, async (transaction) => {
      await this.#claim(transaction);
      await transaction.objectStore("collections").put({ id: record.id, status: "ready", record, sections });
    });
    return record;
  }

  /** Takes away what is not finished and still ours. What cannot be removed now is a leftover for the next opening. */
  async discard(): Promise<void> {
    const { id } = this.#record;
    const remove = async (transaction: WriteTransaction): Promise<void> => {
      if (!this.#owns(await transaction.objectStore("collections").get(id))) return;
      await deleteCollection(transaction, id);
    };
    await this.#connection.write(["collections", "parts"], removal, remove).catch(() => undefined);
  }

  #owns(stored: StoredCollection | undefined): boolean {
    return stored?.status === "importing" && stored.token === this.#token;
  }

  async #claim(transaction: WriteTransaction): Promise<void> {
    if (this.#owns(await transaction.objectStore("collections").get(this.#record.id))) return;
    throw new ImportInterrupted(
      `The import of “${this.#record.name}” was overtaken: the same collection was imported or removed at the same time. If it is not in the list, import it again.`,
    );
  }
}

/** Removes what imports left behind that ended with their tab, and counts them. Leaves alone imports of other tabs. */
export async function removeInterrupted({ connection, locks, lock }: ImportContext): Promise<number> {
  const release = await holdLock(locks, lock, { mode: "exclusive", ifAvailable: true });
  if (!release) return 0;
  try {
    // A damaged record is a matter for the list; opening the store must not fail by it.
    const all = await readAll(connection, "collections", () => undefined);
    const leftovers = all.filter(({ status }) => status === "importing");
    for (const { id } of leftovers) {
      await connection.write(["collections", "parts"], removal, async (transaction) => {
        const stored = await transaction.objectStore("collections").get(id);
        if (stored?.status === "importing") await deleteCollection(transaction, id);
      });
    }
    return leftovers.length;
  } finally {
    release();
  }
}
