/** The flat arenas of weights, gradients and moments, as slices that kernels can bind. */
import { present } from "../../base/assert.ts";
import { size, type Region } from "../../encoder/parameters.ts";
import type { Range, Trained } from "../../encoder/trained.ts";
import type { At } from "../../encoder/webgpu/tensors.ts";
import { floatsOf, type Slice } from "../../gpu/slice.ts";
import { ALIGNMENT } from "../../gpu/usage.ts";

/** The regions of an arena by name. */
export const regionsOf =
  ({ regions }: { readonly regions: Readonly<Record<string, Region>> }, arena: GPUBuffer): At =>
  (name) => {
    const { offset, shape } = present(regions[name], `region ${name}`);
    return floatsOf(arena, offset, size(shape));
  };

/** Some numbers that train: where they are among all of these, and the slice of their weights. Small enough to be bound. */
export interface Piece {
  readonly weight: Slice;
  /** In floats, of what trains. */
  readonly offset: number;
  readonly floats: number;
  /** Numbers of this piece that decay, from its start. */
  readonly decayed: number;
}

/** Parts of what trains that lie together, each at most `limit` bytes: in floats, and where they are among the weights. */
export function pieceRanges({ ranges, lora, floats }: Trained, limit: number): Range[] {
  const most = (Math.floor(limit / ALIGNMENT) * ALIGNMENT) / 4;
  const all = lora ? [{ offset: 0, weights: 0, floats }] : ranges;
  return all.flatMap((range) =>
    Array.from({ length: Math.ceil(range.floats / most) }, (_, i) => ({
      offset: range.offset + i * most,
      weights: range.weights + i * most,
      floats: Math.min(most, range.floats - i * most),
    })),
  );
}

/** Whatever trains, in pieces of at most `limit` bytes; `weights` has the encoder's layout, or that of what trains with LoRA. */
export const pieces = (trained: Trained, weights: GPUBuffer, limit: number): Piece[] =>
  pieceRanges(trained, limit).map(({ offset, weights: from, floats }) => ({
    weight: floatsOf(weights, from, floats),
    offset,
    floats,
    decayed: Math.min(Math.max(trained.decayed - offset, 0), floats),
  }));

/** The same numbers in an arena of what trains. */
export const pieceOf = (arena: GPUBuffer, { offset, floats }: Piece): Slice => floatsOf(arena, offset, floats);
