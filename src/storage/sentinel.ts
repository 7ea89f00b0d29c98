/**
 * Tells a new visitor from lost data. When its files are damaged, Chromium starts the site's databases anew without a
 * word, and localStorage is left: a note there of how much was stored makes the loss visible.
 */

/** What the store holds. */
export interface StoreCounts {
  readonly collections: number;
  readonly runs: number;
}

type Note = Pick<Storage, "getItem" | "setItem">;

const key = "decoy-stored";

/** Reading `localStorage` throws where site data is blocked. */
function pageNote(): Note | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** Call after every change of what is stored, before a removal with the counts that will be. */
export function noteCounts(counts: StoreCounts, note: Note | undefined = pageNote()): void {
  try {
    note?.setItem(key, `${counts.collections} ${counts.runs}`);
  } catch {
    // A full or forbidden localStorage: the note is a help, not a promise.
  }
}

/** Whether something was stored here before and nothing is now. `stored` is what the store holds when it opens. */
export function lostData(stored: StoreCounts, note: Note | undefined = pageNote()): boolean {
  if (stored.collections + stored.runs > 0) return false;
  try {
    const noted = note?.getItem(key)?.split(" ").map(Number) ?? [];
    return noted.some((count) => count > 0);
  } catch {
    return false;
  }
}
