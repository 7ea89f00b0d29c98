/** The pairs of a contrastive batch, seen from each text: what the loss needs on the way back. */
import { assert } from "../../base/assert.ts";
import type { ContrastiveBatch } from "../../domain/engine.ts";

/** Sides of pairs that text s stands on, as query or as candidate: entries offsets[s] … offsets[s + 1). */
export interface TouchingPairs {
  /** (S + 1) */
  readonly offsets: Int32Array<ArrayBuffer>;
  /** (2 · pairs) of pair p among the batch's candidates 2p where the text is the query, 2p + 1 where it is the candidate. */
  readonly sides: Int32Array<ArrayBuffer>;
  /** (2 · pairs) the text on the other side. */
  readonly others: Int32Array<ArrayBuffer>;
}

function checkPairs({ queries, offsets, candidates }: ContrastiveBatch, S: number, vectors: number): void {
  const isText = (text: number) => text >= 0 && text < S;
  const isVector = (text: number) => text >= 0 && text < vectors;
  assert(
    queries.length > 0 && offsets.length === queries.length + 1,
    `${queries.length} queries, ${offsets.length} offsets`,
  );
  assert(
    offsets[0] === 0 && offsets.at(-1) === candidates.length,
    `offsets do not span ${candidates.length} candidates`,
  );
  assert(
    offsets.every((offset, b) => b === 0 || offset > (offsets[b - 1] ?? 0)),
    "a query has no candidate",
  );
  assert(queries.every(isText), `a query is not one of ${S} texts`);
  assert(candidates.every(isVector), `a candidate is not one of ${vectors} vectors`);
}

export const textsOf = ({ texts }: ContrastiveBatch): number => texts.cuSeqlens.length - 1;

/**
 * Sorts both sides of every pair by text; within a text, in the order of the pairs. Fixed vectors, of which there are `vectors` less
 * the texts, stand on no side: nothing goes back to them.
 */
export function touchingPairs(batch: ContrastiveBatch, vectors = textsOf(batch)): TouchingPairs {
  const S = textsOf(batch);
  checkPairs(batch, S, vectors);
  const offsets = new Int32Array(vectors + 1);
  const next = new Int32Array(vectors);
  const sides = new Int32Array(2 * batch.candidates.length);
  const others = new Int32Array(2 * batch.candidates.length);

  const eachSide = (visit: (text: number, other: number, side: number) => void) =>
    batch.queries.forEach((query, b) => {
      for (let p = batch.offsets[b] ?? 0; p < (batch.offsets[b + 1] ?? 0); p++) {
        const candidate = batch.candidates[p] ?? 0;
        visit(query, candidate, 2 * p);
        if (candidate < S) visit(candidate, query, 2 * p + 1);
      }
    });

  eachSide((text) => (offsets[text + 1] = (offsets[text + 1] ?? 0) + 1));
  for (let s = 0; s < vectors; s++) {
    next[s] = offsets[s] ?? 0;
    offsets[s + 1] = (offsets[s + 1] ?? 0) + (offsets[s] ?? 0);
  }
  eachSide((text, other, side) => {
    const at = next[text] ?? 0;
    sides[at] = side;
    others[at] = other;
    next[text] = at + 1;
  });
  return { offsets, sides, others };
}
