/**
 * Encoders of the hub as they are kept: each file in pieces, then a record of the file, and when all are there one of the encoder,
 * last. So what was cut off in the middle is never taken for whole, and goes on where it stopped.
 */
import * as v from "valibot";
import type { EncoderFiles } from "../domain/encoder.ts";
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
  /** A blob may leave its bytes where they are kept until a range of them is read. */
  get(place: Place): Promise<Blob | undefined>;
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
  const blob = await store.get(place);
  if (!blob) return undefined;
  try {
    return v.parse(schema, JSON.parse(await blob.text()));
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

/** A file of pieces as one blob, without its bytes coming into memory. Errors: {@link DamagedDownload}. */
export async function keptBlob(store: FileStore, place: Place, size: number): Promise<Blob> {
  const pieces: Blob[] = [];
  for (let at = 0; at < size; at += PIECE) {
    const piece = await store.get(piecePlace(place, at / PIECE));
    if (piece?.size !== Math.min(PIECE, size - at))
      throw new DamagedDownload(
        `${place.path} of ${place.id} is no longer whole in this browser's storage. Remove the encoder and download it again.`,
      );
    pieces.push(piece);
  }
  return new Blob(pieces);
}

/** The files of an encoder that is kept. Errors: {@link DamagedDownload}. */
export async function keptFiles(store: FileStore, { id, revision, files }: HubEncoder): Promise<EncoderFiles> {
  const blobs: [path: string, blob: Blob][] = [];
  for (const { path, size } of files) blobs.push([path, await keptBlob(store, { id, revision, path }, size)]);
  return { name: id, files: Object.fromEntries(blobs) };
}

/** Part of an encoder: what had come when its download ended. */
export interface Unfinished extends Pick<Place, "id" | "revision"> {
  readonly bytes: number;
}

/** Downloads that ended before their end, by name. */
export async function unfinished(store: FileStore): Promise<readonly Unfinished[]> {
  const places = await store.list();
  const keyOf = ({ id, revision }: Pick<Place, "id" | "revision">) => JSON.stringify([id, revision]);
  const whole = new Set(places.filter(({ path }) => path === ENCODER).map(keyOf));
  const found = new Map<string, Unfinished>();
  for (const place of places) {
    if (whole.has(keyOf(place)) || !/#\d+$/u.test(place.path)) continue;
    const { id, revision } = place;
    const before = found.get(keyOf(place))?.bytes ?? 0;
    found.set(keyOf(place), { id, revision, bytes: before + ((await store.get(place))?.size ?? 0) });
  }
  return [...found.values()].toSorted((a, b) => a.id.localeCompare(b.id));
}
