/** Which tensors of a pass through a transformer share a room, and what its adapters need. */
import { assert } from "../../base/assert.ts";
import { layerMatrices, type LayerMatrix } from "../../domain/engine.ts";
import type { Room, Rooms } from "../../gpu/arena.ts";
import { weightScratch, type LinearSize } from "../../kernels/linear/linear.ts";
import { PARTS } from "../../kernels/reduce/reduce.ts";
import type { Trained } from "../trained.ts";
import { adapterOf, inputOf, isLearned, trains } from "./layers.ts";
import type { ProgramOptions } from "./program.ts";
import type { Sizes } from "./tensors.ts";

type RoomOf = (name: string) => string;

/** One room for all that `roomOf` puts there, as large as the largest. */
export function sharedRooms(all: Rooms, roomOf: RoomOf): Rooms {
  const rooms = new Map<string, Room>();
  for (const [name, room] of all) {
    const have = rooms.get(roomOf(name)) ?? room;
    assert(have.bank === room.bank, `${name} is in bank ${room.bank}, its room in ${have.bank}`);
    rooms.set(roomOf(name), { bank: room.bank, bytes: Math.max(room.bytes, have.bytes) });
  }
  return rooms;
}

/** Where every layer uses the same rooms: a layer's output goes over its input. */
export const reused: RoomOf = (name) => name.replace(/^(layer\.\d+|embeddings)\./, "");

/** A family's activations of a layer, by what becomes of them. */
interface Kinds {
  readonly layers: number;
  /** Those that nobody makes again. */
  readonly kept?: readonly string[];
  /** Those that on the way back only the gradient of a matrix reads. */
  readonly readBy: Readonly<Record<string, LayerMatrix>>;
}

/**
 * Where the way back needs what the forward pass left: what each layer starts from, and the rest of the layers that train unless it
 * is made again. `activated` always is: GELU costs less than the memory of its result. The lowest layer that trains comes last into the
 * rooms of those that do not, and needs none of its own.
 */
export function stepRoomOf({ trained, recompute }: ProgramOptions, { layers, kept = [], readBy }: Kinds): RoomOf {
  const { lowest, embeddings } = trained;
  const starts = new Set(Array.from({ length: layers + 1 - lowest }, (_, i) => inputOf(lowest + i)));
  const unread = (layer: string, tensor: string) => {
    const matrix = readBy[tensor];
    return matrix !== undefined && !isLearned(`layer.${layer}.${matrix}`, trained);
  };
  return (name) => {
    if (starts.has(name)) return name;
    if (name.startsWith("embeddings.")) return embeddings ? name : reused(name);
    const [, layer = "", tensor = ""] = /^layer\.(\d+)\.(.+)$/.exec(name) ?? [];
    const again = tensor === "activated" || (recompute && !kept.includes(tensor));
    return again || Number(layer) <= lowest || unread(layer, tensor) ? reused(name) : name;
  };
}

type MatrixSizes = Readonly<Record<LayerMatrix, LinearSize>>;

/** What adapters keep of the forward pass. */
export const adapterSizes = (layers: number, T: number, trained: Trained): Sizes =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, i) => layerMatrices.map((matrix) => `layer.${i}.${matrix}`))
      .flat()
      .flatMap((region) => {
        const adapter = adapterOf(region, trained);
        return adapter ? [[`${region}.lora`, T * adapter.rank]] : [];
      }),
  );

/** Scratch for the gradients of all that trains of the layers, in floats. */
export function scratchFor(layers: number, sizes: MatrixSizes, trained: Trained): number {
  const each = Array.from({ length: layers }, (_, i) =>
    layerMatrices.map((matrix) => {
      const [region, { I, O }] = [`layer.${i}.${matrix}`, sizes[matrix]];
      const rank = adapterOf(region, trained)?.rank;
      if (rank !== undefined) return Math.max(weightScratch({ I: rank, O }), weightScratch({ I, O: rank }));
      return trains(trained, `${region}.weight`) ? weightScratch({ I, O }) : 0;
    }),
  );
  return Math.max(0, ...each.flat());
}

/** Scratch for a norm's gradients. */
export const normScratch = (H: number): number => PARTS * H;
