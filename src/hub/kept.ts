/**
 * Encoders of the hub as they are kept: each file in pieces, then a record of the file, and when all are there one of the encoder,
 * last. So what was cut off in the middle is never taken for whole, and goes on where it stopped.
 */
import * as v from "valibot";
import type { FileSource } from "../base/fileSource.ts";
import { DamagedDownload } from "./errors.ts";

export interface Place {
  readonly id: string;
  /** A commit. */
  readonly revision: string;
  readonly path: string;
}

/** Where files are kept between visits; the page gives one. Values are at most {@link PIECE} bytes. */
export interface FileStore {
  /** Resolves when the bytes are kept: all of them or, after an error, none. */
  put(place: Place, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  get(place: Place): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Every place that holds something. */
  list(): Promise<readonly Place[]>;
  remove(place: Place): Promise<void>;
}

/** Bytes of a piece. Large values are slow to commit, and lost as a whole when the page dies. */
export const PIECE = 4 * 2 ** 20;

const encoderJson = v.object({
  id: v.string(),
  revision: v.string(),
  asked: v.string(),
  licence: v.optional(v.string()),
  bytes: v.number(),
  files: v.array(v.object({ path: v.string(), size: v.number(), sha256: v.string() })),
});

/** An encoder that is all there, and was checked. */
export interface HubEncoder {
  readonly id: string;
  /** The commit that it is pinned to. */
  readonly revision: string;
  /** The branch, tag or commit that was asked for. */
  readonly asked: string;
  readonly licence?: string | undefined;
  /** Of all files together. */
  readonly bytes: number;
  readonly files: readonly KeptFile[];
}

export interface KeptFile {
  readonly path: string;
  readonly size: number;
  /** Of what was received. */
  readonly sha256: string;
}

// A file's record lies under its own path, its pieces beside it: no path on the hub that Decoy asks for has a "#".
const ENCODER = "#encoder";
export const piecePlace = (place: Place, index: number): Place => ({ ...place, path: `${place.path}#${index}` });

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

async function recordAt<S extends v.GenericSchema>(
  store: FileStore,
  place: Place,
  schema: S,
): Promise<v.InferOutput<S> | undefined> {
  const bytes = await store.get(place);
  if (!bytes) return undefined;
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // Damaged in storage: as if it were not there, so it is fetched again.
    return undefined;
  }
}

const fileJson = v.object({ path: v.string(), size: v.number(), sha256: v.string() });

export const keptFile = (store: FileStore, place: Place): Promise<KeptFile | undefined> =>
  recordAt(store, place, fileJson);
export const putFile = (store: FileStore, place: Place, file: KeptFile): Promise<void> => store.put(place, json(file));

export const putEncoder = (store: FileStore, encoder: HubEncoder): Promise<void> =>
  store.put({ id: encoder.id, revision: encoder.revision, path: ENCODER }, json(encoder));

/** The encoders that are whole, by name. */
export async function keptEncoders(store: FileStore): Promise<readonly HubEncoder[]> {
  const places = (await store.list()).filter(({ path }) => path === ENCODER);
  const records = await Promise.all(places.map((place) => recordAt(store, place, encoderJson)));
  return records.filter((record) => record !== undefined).toSorted((a, b) => a.id.localeCompare(b.id));
}

/** Removes an encoder at a commit, or what there is of one; its record first, so that no half is ever taken for whole. */
export async function removeKept(store: FileStore, of: Pick<Place, "id" | "revision">): Promise<void> {
  await store.remove({ id: of.id, revision: of.revision, path: ENCODER });
  for (const place of await store.list())
    if (place.id === of.id && place.revision === of.revision) await store.remove(place);
}

/** A file of pieces, read in ranges with one piece in memory. */
function piecesSource(store: FileStore, place: Place, size: number): FileSource {
  let last: { readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  async function piece(index: number): Promise<Uint8Array<ArrayBuffer>> {
    if (last?.index === index) return last.bytes;
    const bytes = await store.get(piecePlace(place, index));
    if (bytes?.length !== Math.min(PIECE, size - index * PIECE))
      throw new DamagedDownload(
        `${place.path} of ${place.id} is no longer whole in this browser's storage. Remove the encoder and download it again.`,
      );
    last = { index, bytes };
    return bytes;
  }
  return {
    name: place.path,
    size,
    async read(start, end) {
      const first = Math.floor(start / PIECE);
      if (end <= (first + 1) * PIECE) return (await piece(first)).subarray(start - first * PIECE, end - first * PIECE);
      const out = new Uint8Array(end - start);
      for (let at = start; at < end;) {
        const index = Math.floor(at / PIECE);
        const part = (await piece(index)).subarray(at - index * PIECE, end - index * PIECE);
        out.set(part, at - start);
        at += part.length;
      }
      return out;
    },
  };
}

/** The files of an encoder that is kept, as sources. Errors while reading: {@link DamagedDownload}. */
export const keptSources = (store: FileStore, { id, revision, files }: HubEncoder): readonly FileSource[] =>
  files.map(({ path, size }) => piecesSource(store, { id, revision, path }, size));
