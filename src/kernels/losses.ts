/** What the kernels of all losses share. */
import type { Slice } from "../gpu/slice.ts";

/** From the scores of a batch to its losses and their derivatives. */
export interface LossTensors {
  /** (B) */
  readonly loss: Slice;
  /** (pairs, 2) the derivative of the mean loss by each pair's score, for its query's side and for its candidate's. */
  readonly coefficient: Slice;
  /** (pairs) */
  readonly score: Slice;
  /** (B + 1) */
  readonly offsets: Slice;
}

/** A batch's loss may have several parts: the first writes, the others add their share to its `loss`. */
export interface Part {
  readonly share: number;
  readonly adds: boolean;
}

export const partConstants = ({ share, adds }: Part) => ({ SHARE: share, ADDS: adds ? 1 : 0 });
