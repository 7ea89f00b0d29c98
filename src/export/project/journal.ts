/**
 * What an import is adding, noted before it adds it. An import that fails or is stopped takes it away again; one that ends
 * with its tab leaves the note, and the next visit takes it away.
 */
import * as v from "valibot";
import { collectionId, runId } from "../../domain/ids.ts";
import { HalfImported } from "./errors.ts";
import { journalKey, type Journal, type ProjectStore } from "./store.ts";

const list = v.array(v.string());
const added = v.strictObject({ collections: list, encoders: list, runs: list });

/** None of it was there before. */
export type Added = v.InferOutput<typeof added>;

export const note = (journal: Journal | undefined, what: Added | undefined): void =>
  journal?.setItem(journalKey, what ? JSON.stringify(what) : "");

function noted(journal: Journal): Added | undefined {
  try {
    const found = v.safeParse(added, JSON.parse(journal.getItem(journalKey) ?? ""));
    return found.success ? found.output : undefined;
  } catch {
    return undefined;
  }
}

/** Removes all of it, as far as the store allows. Errors: {@link HalfImported}; the note then stays. */
export async function takeBack(store: ProjectStore, what: Added, journal: Journal | undefined): Promise<void> {
  const removals = [
    ...what.runs.map((id) => () => store.removeRun(runId(id))),
    ...what.encoders.map((id) => () => store.removeEncoder(id)),
    ...what.collections.map((id) => () => store.removeCollection(collectionId(id))),
  ];
  const failures: unknown[] = [];
  for (const remove of removals) await remove().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) {
    throw new HalfImported(
      `The import did not end, and ${failures.length} of ${removals.length} things that it had added could not be removed. Reload the page: it tries again when it opens. What was stored before is as it was.`,
      { cause: failures[0] },
    );
  }
  note(journal, undefined);
}

/**
 * Takes away what an import left that ended with its tab. To be called by the tab that may write, before anything is
 * listed. Returns whether there was such an import. Errors: {@link HalfImported}.
 */
export async function undoInterruptedImport(store: ProjectStore, journal: Journal): Promise<boolean> {
  const what = noted(journal);
  if (!what) return false;
  await takeBack(store, what, journal);
  return true;
}
