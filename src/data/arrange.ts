/** Judgements in other splits: whole ones renamed, joined or left out, and queries held out of one into another. */
import { UserError } from "../base/errors.ts";
import type { Arranged, Arrangement, HoldOut } from "../domain/arrangement.ts";
import type { Collection, Judgement, Judgements } from "../domain/collection.ts";
import { drawHeldOut, leaksBySplit } from "./split.ts";
import { countOf, quoted } from "./wording.ts";

/** What was asked for leaves nothing to train on or to measure. */
export class ImpossibleSplit extends UserError {
  override readonly name = "ImpossibleSplit";
}

function renamed(judgements: Judgements, names: Arrangement["names"]): Map<string, readonly Judgement[]> {
  const splits = new Map<string, readonly Judgement[]>();
  for (const [split, becomes] of names) {
    const rows = Object.hasOwn(judgements, split) ? judgements[split] : undefined;
    if (!rows || becomes === undefined) continue;
    splits.set(becomes, [...(splits.get(becomes) ?? []), ...rows]);
  }
  return splits;
}

/** A query and a document that both splits judged are judged once: as the first one did. */
function withoutRepeats(rows: readonly Judgement[]): readonly Judgement[] {
  const seen = new Set<string>();
  return rows.filter(({ queryId, documentId }) => {
    const key = `${queryId}\u0000${documentId}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function holdOutOf(splits: Map<string, readonly Judgement[]>, { from, to, share, seed }: HoldOut): void {
  const rows = splits.get(from);
  if (!rows) throw new ImpossibleSplit(`There is no split ${quoted(from)} to hold queries out of. Choose another.`);
  if (from === to) throw new ImpossibleSplit(`Queries of ${quoted(from)} cannot be held out as ${quoted(to)} itself.`);
  const held = drawHeldOut(rows, share, seed);
  const queries = new Set(rows.map(({ queryId }) => queryId)).size;
  if (!held || held.size === queries) {
    throw new ImpossibleSplit(
      `The ${countOf(queries, "query", "queries")} of ${quoted(from)} all hang together by shared relevant documents: none can be held out alone. ` +
        "Join it with another split, or bring more queries.",
    );
  }
  splits.set(
    from,
    rows.filter(({ queryId }) => !held.has(queryId)),
  );
  splits.set(to, [...(splits.get(to) ?? []), ...rows.filter(({ queryId }) => held.has(queryId))]);
}

/**
 * The judgements as they are asked for. Queries that share a relevant document are held out together, so that no relevant
 * document of the held-out ones is one of those that stay. The same seed holds out the same queries. Errors:
 * {@link ImpossibleSplit}.
 */
export function arrange(judgements: Judgements, { names, holdOut }: Arrangement): Judgements {
  const splits = renamed(judgements, names);
  if (holdOut) holdOutOf(splits, holdOut);
  const kept = [...splits]
    .map(([split, rows]) => [split, withoutRepeats(rows)] as const)
    .filter(([, rows]) => rows.length > 0);
  if (!kept.some(([, rows]) => rows.some(({ grade }) => grade > 0)))
    throw new ImpossibleSplit("Nothing would be left that answers a query. Keep at least one split with answers.");
  return Object.fromEntries(kept);
}

/** The same with how far training then gives the other splits away. */
export function arranged(
  { queries, judgements }: Pick<Collection, "queries" | "judgements">,
  arrangement: Arrangement,
): Arranged {
  const made = arrange(judgements, arrangement);
  const leaks = leaksBySplit({ queries, judgements: made });
  return { judgements: made, ...(leaks && { leaks }) };
}

/** The collection with these judgements: queries that none of them names, and their negatives, are left out. */
export function withJudgements(collection: Collection, judgements: Judgements): Collection {
  const judged = new Set(Object.values(judgements).flatMap((rows) => rows.map(({ queryId }) => queryId)));
  return {
    ...collection,
    queries: collection.queries.filter(({ id }) => judged.has(id)),
    judgements,
    negatives: collection.negatives.filter(({ queryId }) => judged.has(queryId)),
  };
}
