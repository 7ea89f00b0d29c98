/** What the tuner chose, kept from one visit to the next in a small database of its own: nothing is lost where it cannot be. */
import { openDB } from "idb";
import type { Choices } from "./tuner.ts";

const STORE = "choices";

/** Kept under `name`. Where the browser keeps nothing (a private window, a full disk), as good as a Map. */
export async function keptChoices(name = "decoy-tuning"): Promise<Choices> {
  const known = new Map<string, string>();
  try {
    const database = await openDB(name, 1, { upgrade: (fresh) => void fresh.createObjectStore(STORE) });
    const keys = await database.getAllKeys(STORE);
    const values: readonly unknown[] = await database.getAll(STORE);
    keys.forEach((key, i) => {
      const value = values[i];
      if (typeof key === "string" && typeof value === "string") known.set(key, value);
    });
    return {
      get: (key) => known.get(key),
      set(key, choice) {
        known.set(key, choice);
        // Measured again at the next visit, at worst.
        database.put(STORE, choice, key).catch(() => undefined);
      },
    };
  } catch {
    return known;
  }
}
