/**
 * Drafts and verdicts of a project beside those that are stored. A draft's key is that of its request, so two of one key
 * are the same draft at different times: the one with the later word of a person stands, then one that a judge read; of
 * two that differ otherwise the stored one stays. When one was written and how long it took is no difference: recorded
 * answers read on two machines are the same drafts. A verdict by a person stands before others; otherwise the stored one.
 */
import { digestOf } from "../../base/digest.ts";
import type { Draft, FoundVerdict } from "../../domain/draft.ts";
import type { CollectionId } from "../../domain/ids.ts";
import type { Asked, WrittenChanges } from "./store.ts";

export interface Written {
  readonly drafts: readonly Draft[];
  readonly verdicts: readonly FoundVerdict[];
  readonly generation: Asked | undefined;
}

/** What became of what a project brought. */
export interface Tally {
  readonly added: number;
  /** Took the place of stored ones. */
  readonly updated: number;
  /** Were there already, the same. */
  readonly there: number;
  /** Differ from stored ones, which stay. */
  readonly kept: number;
}

export const noTally: Tally = { added: 0, updated: 0, there: 0, kept: 0 };

export const addTallies = (a: Tally, b: Tally): Tally => ({
  added: a.added + b.added,
  updated: a.updated + b.updated,
  there: a.there + b.there,
  kept: a.kept + b.kept,
});

/** How much weighs what was decided on it: ISO 8601 dates compare as texts. */
function later(brought: Draft, stored: Draft): boolean {
  const [a, b] = [brought.review?.at ?? "", stored.review?.at ?? ""];
  return a === b ? brought.judged !== undefined && stored.judged === undefined : a > b;
}

/** All of a draft but when it was written and how long that took. */
const contentOf = ({ createdAt: _when, seconds: _long, ...content }: Draft) => content;

const byPerson = (brought: FoundVerdict, stored: FoundVerdict): boolean =>
  brought.by === "person" && stored.by !== "person";

interface Merged<Item> {
  readonly put: readonly Item[];
  readonly tally: Tally;
}

interface Rules<Item> {
  readonly keyOf: (item: Item) => string;
  /** Two of one key are the same where this is. */
  readonly contentOf: (item: Item) => unknown;
  readonly wins: (brought: Item, stored: Item) => boolean;
}

function merge<Item>(
  stored: readonly Item[],
  brought: readonly Item[],
  { keyOf, contentOf, wins }: Rules<Item>,
): Merged<Item> {
  const known = new Map(stored.map((item) => [keyOf(item), item]));
  const put = new Map<string, Item>();
  let tally = noTally;
  for (const item of brought) {
    const there = known.get(keyOf(item));
    const became: keyof Tally =
      there === undefined
        ? "added"
        : digestOf(contentOf(there)) === digestOf(contentOf(item))
          ? "there"
          : wins(item, there)
            ? "updated"
            : "kept";
    tally = { ...tally, [became]: tally[became] + 1 };
    if (became === "added" || became === "updated") put.set(keyOf(item), item);
    known.set(keyOf(item), became === "added" || became === "updated" ? item : (there ?? item));
  }
  return { put: [...put.values()], tally };
}

export interface MergedWritten {
  /** Undefined where nothing is to be stored. */
  readonly changes: WrittenChanges | undefined;
  readonly drafts: Tally;
  readonly verdicts: Tally;
}

/** What was last asked for is taken only where nothing was. */
export function mergeWritten(collection: CollectionId, stored: Written, brought: Written): MergedWritten {
  const drafts = merge(stored.drafts, brought.drafts, { keyOf: ({ key }) => key, contentOf, wins: later });
  const verdicts = merge(stored.verdicts, brought.verdicts, {
    keyOf: ({ queryId, documentId }) => JSON.stringify([queryId, documentId]),
    contentOf: (verdict) => verdict,
    wins: byPerson,
  });
  const generation = stored.generation ? undefined : brought.generation;
  const any = drafts.put.length + verdicts.put.length > 0 || generation !== undefined;
  const changes = { collection, drafts: drafts.put, verdicts: verdicts.put, ...(generation && { generation }) };
  return { changes: any ? changes : undefined, drafts: drafts.tally, verdicts: verdicts.tally };
}
