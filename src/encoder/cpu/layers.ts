/** What a family of transformers does with a chunk of texts; transformer.ts does what is the same for all. */
import type { PackedTexts } from "../../domain/engine.ts";
import type { Matrix } from "./heap.ts";
import type { Arena } from "./network.ts";
import type { Parameters } from "./parts.ts";

/** `Pass` is what it keeps of a forward pass, in the heap. */
export interface Layers<Pass> {
  /** Regions that the heap does not hold: tables, of which a batch reads a few rows. They come first in an arena. */
  readonly tables: readonly string[];
  /** Bytes of a {@link Pass} for each token, but for a few. */
  readonly bytes: number;
  /** Takes the room of a pass; without `keep`, blocks share what one needs. */
  take(parameters: Parameters, tokens: number, keep: boolean): Pass;
  /** Token ids → token vectors `y`, (T, H). */
  forward(
    parameters: Parameters,
    weights: Arena,
    texts: PackedTexts,
    at: { readonly pass: Pass; readonly y: Matrix },
  ): void;
  /** `d`, the gradient of the token vectors, → those of the parameters: of tables into `gradient`, of the others into the heap. */
  backward(
    parameters: Parameters,
    gradient: Arena,
    texts: PackedTexts,
    at: { readonly pass: Pass; readonly d: Matrix },
  ): void;
}
