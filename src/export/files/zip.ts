/** A zip as a stream, with the same bytes for the same contents, of any size. */
import { Deflate } from "fflate";
import { assert } from "../../base/assert.ts";
import { crc32 } from "../../base/crc32.ts";
import { mediaTypes, pacer, type Bytes, type DataFile } from "./file.ts";
import { directory, localHeader, type Place } from "./zipFormat.ts";

export interface ZipEntry {
  readonly path: string;
  readonly compress: boolean;
  /** From the start, each time anew and the same: read twice where it is stored as it is, first for what stands before it. */
  chunks(): Iterable<Bytes> | AsyncIterable<Bytes>;
}

/**
 * Readers take what unpacks to a hundred times its size for a bomb (ours too, src/data/zip.ts). What would shrink by half
 * of that is stored as it is.
 */
const mostRatio = 50;

interface Measured extends Omit<Place, "path" | "offset"> {
  readonly chunks: () => Iterable<Bytes> | AsyncIterable<Bytes>;
}

/** What an entry's header says of it. One that shrinks is held, packed; one that does not is not. */
async function measured(entry: ZipEntry, pace: () => Promise<void>): Promise<Measured> {
  const out: Bytes[] = [];
  let [size, packed, crc] = [0, 0, 0];
  const take = (chunk: Uint8Array) => {
    out.push(new Uint8Array(chunk));
    packed += chunk.length;
  };
  const deflate = entry.compress ? new Deflate({ level: 6 }, take) : undefined;
  for await (const chunk of entry.chunks()) {
    deflate?.push(chunk);
    crc = crc32(chunk, crc);
    size += chunk.length;
    await pace();
  }
  deflate?.push(new Uint8Array(0), true);
  return deflate && size <= mostRatio * packed
    ? { method: 8, crc, packed, size, chunks: () => out }
    : { method: 0, crc, packed: size, size, chunks: () => entry.chunks() };
}

/** One entry after another, each given on as it is read: only one that is packed is held. */
export async function* zipChunks(
  entries: Iterable<ZipEntry> | AsyncIterable<ZipEntry>,
): AsyncGenerator<Bytes, void, void> {
  const pace = pacer();
  const places: Place[] = [];
  let at = 0;
  for await (const entry of entries) {
    const { chunks, ...rest } = await measured(entry, pace);
    const place: Place = { ...rest, path: entry.path, offset: at };
    const header = localHeader(place);
    yield header;
    let bytes = 0;
    for await (const chunk of chunks()) {
      yield chunk;
      bytes += chunk.length;
      await pace();
    }
    assert(bytes === place.packed, `${entry.path} had ${place.packed} bytes, and then ${bytes}`);
    places.push(place);
    at += header.length + bytes;
  }
  yield* directory(places, at);
}

/** Parquet is packed already, and weights do not shrink. */
const stored: readonly string[] = [mediaTypes.parquet, mediaTypes.bytes];

/** Files in one zip. */
export const zipFile = (name: string, files: readonly DataFile[]): DataFile => ({
  name,
  type: mediaTypes.zip,
  chunks: () =>
    zipChunks(
      files.map((file) => ({
        path: file.name,
        compress: !stored.includes(file.type),
        chunks: () => file.chunks(),
      })),
    ),
});
