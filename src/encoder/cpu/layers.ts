/** What a family of transformers does with a chunk of texts; transformer.ts does what is the same for all. */
import { present } from "../../base/assert.ts";
import type { PackedTexts } from "../../domain/engine.ts";
import type { Matrix } from "./heap.ts";
import type { Arena, Wanted } from "./network.ts";
import type { Parameters } from "./parts.ts";

/**
 * Blocks that a pass has room for, where the way back ends at layer `from`: one for each layer from there on, and one that all below
 * share; what is left in it at last is that of the layer under `from`, whose result `from` reads.
 */
export const blocksFrom = (from: number, layers: number): number => layers - Math.max(0, Math.min(from, layers) - 1);

/** The block of layer i. */
export const blockOf = <Kept>(blocks: readonly Kept[], i: number, layers: number): Kept =>
  present(blocks[Math.max(0, i - (layers - blocks.length))], "room for a block");

/** Where what the heap holds starts in an arena: behind the tables. */
export function behindTables({ tables }: Pick<Layers<unknown>, "tables">, regions: Wanted["regions"]): number {
  const behind = Object.values(regions).filter(({ name }) => !tables.includes(name));
  return Math.min(...behind.map(({ offset }) => offset));
}

/** The lowest layer that the way back passes. */
export const bottomLayer = ({ embeddings, lowest }: Pick<Wanted, "embeddings" | "lowest">): number =>
  embeddings ? 0 : lowest;

/** `Pass` is what it keeps of a forward pass, in the heap. */
export interface Layers<Pass> {
  /** Regions that the heap does not hold: tables, of which a batch reads a few rows. They come first in an arena. */
  readonly tables: readonly string[];
  /** Bytes of a {@link Pass} for each token, but for a few; see {@link blocksFrom}. */
  bytes(from: number): number;
  /** What the way back takes besides: bytes for each token, and columns of its widest factor. */
  readonly scratch: { readonly token: number; readonly widest: number };
  /** Takes the room of a pass. */
  take(parameters: Parameters, tokens: number, from: number): Pass;
  /** Token ids → token vectors `y`, (T, H). */
  forward(
    parameters: Parameters,
    weights: Arena,
    texts: PackedTexts,
    at: { readonly pass: Pass; readonly y: Matrix },
  ): void;
  /**
   * `d`, the gradient of the token vectors, → those of the parameters that are wanted: of tables into `gradient`, of the others into
   * the heap.
   */
  backward(
    parameters: Parameters,
    gradient: Arena,
    texts: PackedTexts,
    at: { readonly pass: Pass; readonly d: Matrix },
  ): void;
}
