import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import backwardCode from "./backward.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";
import lookupCode from "./lookup.wgsl?raw";

const forward: Kernel = { name: "embedding/forward", code: forwardCode };
const lookup: Kernel = { name: "embedding/lookup", code: lookupCode };
const backward: Kernel = { name: "embedding/backward", code: backwardCode };

interface Forward {
  /** (T, H) */
  readonly x: Slice;
  readonly counts: Slice;
  /** (V, H) */
  readonly word: Slice;
  /** (P, H) */
  readonly position: Slice;
  /** (types, H); left out where there are no token types. */
  readonly type?: Slice | undefined;
  /** (T) */
  readonly tokenIds: Slice;
  /** (T) */
  readonly positions: Slice;
}

/** x = word + position + type 0, if there are types. */
export const embeddingForward = (at: Forward, { H }: { readonly H: number }): Dispatch<Counts> => ({
  kernel: forward,
  constants: { H, TYPES: at.type ? 1 : 0 },
  // What is never read has to be bound all the same.
  bindings: [at.counts, at.word, at.position, at.type ?? at.word, at.tokenIds, at.positions, at.x],
  workgroups: ({ T }) => spread(T * H),
});

interface Lookup {
  /** (T, H) */
  readonly x: Slice;
  readonly counts: Slice;
  /** (V, H) */
  readonly word: Slice;
  /** (T) */
  readonly tokenIds: Slice;
}

/** x = word. */
export const embeddingLookup = (at: Lookup, { H }: { readonly H: number }): Dispatch<Counts> => ({
  kernel: lookup,
  constants: { H },
  bindings: [at.counts, at.word, at.tokenIds, at.x],
  workgroups: ({ T }) => spread(T * H),
});

/** Tokens by table row, as compressed sparse rows. */
export interface Rows {
  /** (U) distinct rows */
  readonly ids: Slice;
  /** (U + 1) */
  readonly offsets: Slice;
  /** (T) */
  readonly order: Slice;
}

interface Backward {
  /** (V, H); rows that no token reads are not written. */
  readonly dtable: Slice;
  readonly rows: Rows;
  /** (T, H) */
  readonly dx: Slice;
}

interface BackwardSize {
  readonly H: number;
  /** Which of the batch's counts is U. */
  readonly distinct: "words" | "positions";
  /** Whether the gradient is added to what is there. */
  readonly adds?: boolean;
}

/** The gradient of one table. */
export const embeddingBackward = (
  { dtable, rows, dx }: Backward,
  { H, distinct, adds = false }: BackwardSize,
): Dispatch<Counts> => ({
  kernel: backward,
  constants: { H, ADDS: adds ? 1 : 0 },
  bindings: [rows.ids, rows.offsets, rows.order, dx, dtable],
  workgroups: (counts) => [counts[distinct], Math.ceil(H / 64)],
});
