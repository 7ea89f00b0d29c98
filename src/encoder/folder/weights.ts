/**
 * A folder's weights: model.safetensors, or the shards that model.safetensors.index.json names (transformers,
 * modeling_utils.save_pretrained). All headers are checked before room is made; then tensor by tensor goes into the arena.
 */
import * as v from "valibot";
import type { EncoderFolder } from "../../domain/encoder.ts";
import { dtypeBytes, headerLength, LENGTH_BYTES, placesOf, type TensorPlace } from "../safetensorsHeader.ts";
import { copyNumbers } from "../safetensors.ts";
import { optionalJson, UnreadableEncoder } from "./files.ts";
import type { Reading, Sizes } from "./reading.ts";

/** A tensor, and the file that it lies in. */
export interface StoredTensor extends TensorPlace {
  readonly path: string;
}

export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** A shard's name as transformers writes it; no path leads elsewhere. */
const SHARD = /^[\w-][\w.-]*\.safetensors$/u;
const MAX_SHARDS = 64;

const indexJson = v.looseObject({
  weight_map: v.record(v.string(), v.pipe(v.string(), v.regex(SHARD, "no name of a shard in this folder"))),
});

/** "F16 [3, 4]" */
export const describeTensor = ({ dtype, shape }: TensorPlace): string => `${dtype} [${shape.join(", ")}]`;

/** Most bytes asked for at once: a multiple of every dtype's size. */
const PIECE = 4 * 2 ** 20;

function* placesIn(path: string, sizes: Sizes): Reading<StoredTensors> {
  const size = sizes.get(path) ?? 0;
  const first = yield { path, start: 0, end: Math.min(size, LENGTH_BYTES) };
  const end = LENGTH_BYTES + headerLength(first, size);
  const places = placesOf(yield { path, start: LENGTH_BYTES, end }, size);
  return new Map([...places].map(([name, place]) => [name, { ...place, path }]));
}

function* shardedTensors(at: string, map: Readonly<Record<string, string>>, sizes: Sizes): Reading<StoredTensors> {
  const index = `${at}model.safetensors.index.json`;
  const shards = [...new Set(Object.values(map))];
  if (shards.length > MAX_SHARDS)
    throw new UnreadableEncoder(`${index} names ${shards.length} files; at most ${MAX_SHARDS} are read.`);
  const missing = shards.filter((shard) => !sizes.has(at + shard));
  if (missing.length > 0)
    throw new UnreadableEncoder(
      `${index} names ${shards.length} files, of which ${missing.length} are missing: ${missing.slice(0, 4).join(", ")}. Add them, or choose the whole folder.`,
    );
  const files = new Map<string, StoredTensors>();
  for (const shard of shards) files.set(shard, yield* placesIn(at + shard, sizes));
  const found = Object.entries(map).map(([name, shard]): [string, StoredTensor] => {
    const place = files.get(shard)?.get(name);
    if (place) return [name, place];
    throw new UnreadableEncoder(
      `${index} says that ${name.slice(0, 80)} is in ${shard}, which lacks it: they do not belong together.`,
    );
  });
  return new Map(found);
}

/** All tensors of the weights in the folder `at`. `needs` says what a folder of this family has to hold. */
export function* storedTensors(
  at: string,
  { folder, sizes, needs }: { readonly folder: EncoderFolder; readonly sizes: Sizes; readonly needs: string },
): Reading<StoredTensors> {
  const single = `${at}model.safetensors`;
  if (sizes.has(single)) return yield* placesIn(single, sizes);
  const index = optionalJson(indexJson, folder, `${single}.index.json`);
  if (index) return yield* shardedTensors(at, index.weight_map, sizes);
  const found = [...sizes.keys()].slice(0, 12).join(", ") || "nothing";
  throw new UnreadableEncoder(`This folder has no ${single}. ${needs}; found: ${found}.`);
}

/** Zeros, as many as the layout has; they are counted against tensors that are there. */
function arenaOf(floats: number): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(floats);
  } catch (cause) {
    throw new UnreadableEncoder(
      `This encoder's weights need ${Math.ceil((4 * floats) / 1e6)} MB of memory at once, which is more than there is. Close other tabs, or choose a smaller encoder.`,
      { cause },
    );
  }
}

export interface Placed {
  readonly tensor: StoredTensor;
  /** Of its first number in the arena, in floats. */
  readonly offset: number;
}

/** An arena of so many floats with these tensors in it, read in the files' own order, a few megabytes at a time. */
export function* arenaWith(placed: readonly Placed[], floats: number): Reading<Float32Array<ArrayBuffer>> {
  const weights = arenaOf(floats);
  const inOrder = placed.toSorted(
    ({ tensor: a }, { tensor: b }) => (a.path === b.path ? 0 : a.path < b.path ? -1 : 1) || a.begin - b.begin,
  );
  for (const { tensor, offset } of inOrder) {
    const { path, begin, end, dtype } = tensor;
    for (let start = begin; start < end; start += PIECE) {
      const bytes = yield { path, start, end: Math.min(end, start + PIECE) };
      copyNumbers({ dtype, bytes }, weights, offset + (start - begin) / dtypeBytes[dtype]);
    }
  }
  return weights;
}
