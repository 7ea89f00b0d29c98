/** How much memory a step takes: chunks of texts, what is kept of each, what is written besides. */
import type { MemorySettings, MemoryUse, PlannedTraining, StepSize } from "../../domain/engine.ts";
import { parameterTable } from "../parameters.ts";
import { trainedTable } from "../trained.ts";
import { wantedOf } from "./adapters.ts";
import { blockFloats } from "./attention.ts";
import { layersOf } from "./family.ts";
import { floatBytes } from "./heap.ts";
import { behindTables, bottomLayer, type Layers } from "./layers.ts";
import { productFloats } from "./product.ts";

/**
 * Tokens in a chunk: enough that copying the weights into panels is little beside multiplying with them, few enough that a
 * block's activations stay in the cache.
 */
const LARGEST_CHUNK = 1024;

/** Tokens that a training step encodes at once, if no text is longer; {@link MemorySettings} may ask for fewer. */
export const chunkTokens = ({ microTokens = LARGEST_CHUNK }: MemorySettings = {}): number =>
  Math.min(microTokens, LARGEST_CHUNK);

/** What a step's memory depends on besides its size. */
export interface Keeping {
  readonly layers: Pick<Layers<unknown>, "bytes" | "scratch">;
  /** The lowest layer on the way back. */
  readonly from: number;
  /** Of activations, at most. */
  readonly keptBytes: number;
  readonly settings: MemorySettings;
}

/** Tokens of the passes that are held at once in a step of this size, and bytes that the way back takes besides. */
export function heldPasses(
  { tokens, longest }: StepSize,
  { layers, from, keptBytes, settings }: Keeping,
): { readonly passes: readonly number[]; readonly besides: number } {
  const most = Math.min(tokens, Math.max(chunkTokens(settings), longest));
  const kept = Math.floor(keptBytes / layers.bytes(from));
  const passes: number[] = [];
  for (let left = Math.min(tokens, kept); left > 0; left -= most) passes.push(Math.min(left, most));
  // What is not kept is run forward a second time, a chunk at a time.
  if (kept < tokens) passes.push(most);
  const { token, widest } = layers.scratch;
  const product = productFloats(Math.max(widest, longest));
  return { passes, besides: most * token + floatBytes * (product + blockFloats(longest)) };
}

const total = (parts: readonly number[]): number => parts.reduce((sum, bytes) => sum + bytes, 0);

/** What a training holds at once. Errors: NothingTrains. */
export function predictMemory({ shape, settings, largest }: PlannedTraining, keptBytes: number): MemoryUse {
  const table = parameterTable(shape);
  const trained = trainedTable(shape, settings.tuning);
  const wanted = wantedOf(table, trained);
  const layers = shape.family === "static" ? undefined : layersOf(shape, table);
  const from = bottomLayer(wanted);
  const held = layers && heldPasses(largest, { layers, from, keptBytes, settings });
  // The heap has a copy of what is behind the tables, and sums of its gradient.
  const behind = layers ? table.floats - behindTables(layers, table.regions) : 0;
  const sums = layers ? wanted.floats - behindTables(layers, wanted.regions) : 0;
  const vectors = (largest.texts + (largest.fixed ?? 0)) * shape.hidden;
  const parts = {
    weights: floatBytes * (table.floats + behind),
    // A and B, and the matrices as they were.
    adapters: trained.lora ? floatBytes * (trained.floats + wanted.floats) : 0,
    gradient: floatBytes * (trained.floats + (trained.lora ? wanted.floats : 0) + sums),
    moments: 2 * floatBytes * trained.floats,
    // Vectors are pooled and differentiated in double precision.
    activations: (held ? total(held.passes) * (layers?.bytes(from) ?? 0) + held.besides : 0) + 7 * floatBytes * vectors,
  };
  return { ...parts, total: total(Object.values(parts)) };
}
