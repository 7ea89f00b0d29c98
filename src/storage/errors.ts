/** What can go wrong with storage, in words for the person at the page. */
import { UserError } from "../base/errors.ts";

/** The browser gives no more room. What was stored before is as it was. */
export class StorageFull extends UserError {
  override readonly name = "StorageFull";
}

/** The browser gives no storage at all, or took it away: private window, blocked site data, a newer version elsewhere. */
export class StorageUnavailable extends UserError {
  override readonly name = "StorageUnavailable";
}

/** Stored bytes are missing or are not the bytes that were stored. */
export class DamagedRecord extends UserError {
  override readonly name = "DamagedRecord";
}

/** What was asked for is not there: removed here or in another tab. */
export class NotStored extends UserError {
  override readonly name = "NotStored";
}

/** An import lost its place to another import of the same collection, or to a clean-up. */
export class ImportInterrupted extends UserError {
  override readonly name = "ImportInterrupted";
}

/** What a write is for: "this checkpoint needs 1.2 MB". */
export interface Need {
  /** "checkpoint", "collection", … */
  readonly what: string;
  /** Asked for only when the write has failed. */
  bytes(): number;
}

export const removal: Need = { what: "removal", bytes: () => 0 };

/** The `name` of anything thrown; browsers name storage failures rather than give them classes. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** Decimal megabytes, one place below 10: "0.3 MB", "132 MB". */
export function megabytes(bytes: number): string {
  const size = bytes / 1e6;
  return `${size < 9.95 ? Math.max(size, 0.1).toFixed(1) : Math.round(size)} MB`;
}

/** A failed write as the person should read it; what has nothing to do with storage comes back as it is. */
export function writeFailure(error: unknown, need: Need): unknown {
  if (nameOf(error) !== "QuotaExceededError") return error;
  return new StorageFull(
    `Storage is full: this ${need.what} needs ${megabytes(need.bytes())}. Remove a collection, a run or an encoder, or export the run.`,
    { cause: error },
  );
}

/** A failed read as the person should read it. `damage` makes the error for bytes that the browser could not find or read. */
export function readFailure(error: unknown, damage: (cause: unknown) => DamagedRecord): unknown {
  // Chromium: a lost blob file gives NotReadableError, a bad LevelDB block UnknownError, a value it cannot decode DataError.
  return ["NotReadableError", "UnknownError", "DataError"].includes(nameOf(error)) ? damage(error) : error;
}
