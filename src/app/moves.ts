/** What moved between two rankings of the same query. */
import type { DocumentId } from "../domain/ids.ts";
import type { Hit } from "../domain/ranking.ts";

/** Ranks are 1-based. "new" and "gone": not among the ranked documents of the other side at all. */
export type Move =
  | { readonly kind: "same" }
  | { readonly kind: "up" | "down"; readonly by: number; readonly from: number }
  | { readonly kind: "new" };

/** How each of `after` stood in `before`. */
export function moves(before: readonly Hit[], after: readonly Hit[]): Move[] {
  const ranks = ranksOf(before);
  return after.map(({ documentId }, index) => moveOf(ranks.get(documentId), index + 1));
}

/** Rank in `hits` by document. */
export function ranksOf(hits: readonly Hit[]): ReadonlyMap<DocumentId, number> {
  return new Map(hits.map(({ documentId }, index) => [documentId, index + 1]));
}

function moveOf(from: number | undefined, to: number): Move {
  if (from === undefined) return { kind: "new" };
  if (from === to) return { kind: "same" };
  return { kind: from > to ? "up" : "down", by: Math.abs(from - to), from };
}

export function moveWords(move: Move): string {
  switch (move.kind) {
    case "same":
      return "same";
    case "new":
      return "new";
    case "up":
    case "down":
      return `${move.kind} ${move.by}`;
    default:
      return move satisfies never;
  }
}
