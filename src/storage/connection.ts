/**
 * The one connection to the database: opening it, losing it, and transactions that are either committed or as if they had
 * never been. A write is done when its transaction is: on a full disk Chromium fires `success` on the request and aborts
 * the transaction afterwards.
 */
import { openDB } from "idb";
import { messageOf } from "../base/errors.ts";
import { nameOf, StorageUnavailable, writeFailure, type Need } from "./errors.ts";
import {
  migrations as released,
  type Database,
  type DecoySchema,
  type Migration,
  type ReadTransaction,
  type StoreName,
  type WriteTransaction,
} from "./schema.ts";

export interface ConnectionOptions {
  readonly name: string;
  /** Another tab holds an older version open; opening goes on when it is closed. */
  readonly onBlocked?: (() => void) | undefined;
  /** Another tab upgrades the database: this connection has been closed for good. */
  readonly onClosing?: (() => void) | undefined;
  /** The browser cut the connection; the next use opens another. */
  readonly onTerminated?: (() => void) | undefined;
  /** Steps from the empty database; the released ones unless told. */
  readonly migrations?: readonly Migration[];
}

/** "relaxed" is for what a later strict transaction makes count. */
export type Durability = "strict" | "relaxed";

const reopenings = 3;

export class Connection {
  readonly #options: ConnectionOptions;
  #database: Promise<Database> | undefined;
  #closed: string | undefined;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Errors: {@link StorageUnavailable}. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    await connection.#opening();
    return connection;
  }

  /** Runs `body` in one transaction, resolved when it is committed; if anything fails, nothing of it is stored. */
  async write<T>(
    stores: StoreName[],
    need: Need,
    body: (transaction: WriteTransaction) => Promise<T>,
    durability: Durability = "strict",
  ): Promise<T> {
    const transaction = await this.#begin((database) => database.transaction(stores, "readwrite", { durability }));
    // Listened to from the start: it may be rejected while `body` still waits for a request.
    const ended = transaction.done.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    try {
      const result = await body(transaction);
      const failure = await ended;
      if (failure) throw failure.error;
      return result;
    } catch (error) {
      // What a request says after the browser's abort is only that there was one; the transaction says why.
      const cause = transaction.error ?? error;
      abort(transaction);
      await ended;
      throw writeFailure(cause, need);
    }
  }

  /** Runs `body` on one consistent state of the database. `body` awaits nothing but requests. */
  async read<T>(stores: StoreName[], body: (transaction: ReadTransaction) => Promise<T>): Promise<T> {
    const transaction = await this.#begin((database) => database.transaction(stores, "readonly"));
    // What a failed read has to say, its request says.
    transaction.done.catch(() => undefined);
    return body(transaction);
  }

  close(): void {
    this.#shut("it was closed");
  }

  #shut(reason: string): void {
    this.#closed ??= reason;
    this.#database?.then(
      (database) => database.close(),
      () => undefined,
    );
    this.#database = undefined;
  }

  async #begin<T>(start: (database: Database) => T): Promise<T> {
    const opening = this.#opening();
    try {
      return start(await opening);
    } catch (error) {
      // "The database connection is closing": the browser dropped it and has not told us yet.
      if (nameOf(error) !== "InvalidStateError") throw error;
      this.#forget(opening);
      return start(await this.#opening());
    }
  }

  #opening(): Promise<Database> {
    if (this.#closed !== undefined) {
      throw new StorageUnavailable(`The connection to storage has ended: ${this.#closed}. Reload the page to go on.`);
    }
    if (this.#database) return this.#database;
    const opening: Promise<Database> = open(this.#options, {
      blocking: () => {
        this.#shut("another tab opened a newer version of this page");
        this.#options.onClosing?.();
      },
      terminated: () => {
        this.#forget(opening);
        this.#options.onTerminated?.();
      },
    });
    opening.catch(() => this.#forget(opening));
    this.#database = opening;
    return opening;
  }

  #forget(opening: Promise<Database>): void {
    if (this.#database === opening) this.#database = undefined;
  }
}

function abort(transaction: WriteTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

interface Endings {
  blocking(): void;
  terminated(): void;
}

async function open(options: ConnectionOptions, endings: Endings): Promise<Database> {
  const migrations = options.migrations ?? released;
  for (let attempt = 0; ; attempt++) {
    try {
      return await openDB<DecoySchema>(options.name, migrations.length, {
        upgrade(database, oldVersion, _newVersion, transaction) {
          for (const migrate of migrations.slice(oldVersion)) migrate(database, transaction);
        },
        blocked: () => options.onBlocked?.(),
        ...endings,
      });
    } catch (error) {
      // Both come and go in Chromium and Safari ("Internal error opening backing store", "Connection … is closing").
      const passing = ["UnknownError", "InvalidStateError"].includes(nameOf(error));
      if (!passing || attempt === reopenings) throw unavailable(error);
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
  }
}

function unavailable(error: unknown): StorageUnavailable {
  const advice =
    nameOf(error) === "VersionError"
      ? "It was written by a newer version of this page. Reload the page, or close its other tabs first"
      : "Use a window that is not private and allow this site to store data, then reload the page. If it stays like this, restart the browser";
  return new StorageUnavailable(`The browser gives no access to storage (${messageOf(error)}). ${advice}.`, {
    cause: error,
  });
}
