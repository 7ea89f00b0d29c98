/** A zip as a stream, with the same bytes for the same contents. */
import { Deflate, Zip, ZipPassThrough } from "fflate";
import { mediaTypes, pacer, type Bytes, type DataFile, type PlainFile } from "./file.ts";

export interface ZipEntry {
  readonly path: string;
  readonly compress: boolean;
  /** From the start, each time anew: read twice where packing is given up. */
  chunks(): Iterable<Bytes>;
}

/**
 * Readers take what unpacks to a hundred times its size for a bomb (ours too, src/data/zip.ts). What would shrink by half
 * of that is stored as it is.
 */
const mostRatio = 50;

/** Packed as a whole before the first byte goes out: its method stands before it. Undefined where it shrinks too much. */
async function packed(entry: ZipEntry, pace: () => Promise<void>): Promise<readonly Bytes[] | undefined> {
  const out: Bytes[] = [];
  let [before, after] = [0, 0];
  const deflate = new Deflate({ level: 6 }, (chunk) => {
    out.push(new Uint8Array(chunk));
    after += chunk.length;
  });
  for (const chunk of entry.chunks()) {
    deflate.push(chunk);
    before += chunk.length;
    await pace();
  }
  deflate.push(new Uint8Array(0), true);
  return before > mostRatio * after ? undefined : out;
}

/** Deflated chunks in place of what is pushed; fflate counts and sums up what is pushed. */
class Packed extends ZipPassThrough {
  override compression = 8;
  protected override process(): void {
    // What goes out is what `give` gives.
  }
  give(chunks: readonly Bytes[]): void {
    for (const [i, chunk] of chunks.entries()) this.ondata(null, chunk, i === chunks.length - 1);
  }
}

async function addTo(zip: Zip, entry: ZipEntry, pace: () => Promise<void>): Promise<void> {
  const chunks = entry.compress ? await packed(entry, pace) : undefined;
  const file = chunks ? new Packed(entry.path) : new ZipPassThrough(entry.path);
  // A fixed date: the same contents give the same file.
  file.mtime = "2020-01-01T00:00:00";
  zip.add(file);
  for (const chunk of entry.chunks()) {
    file.push(chunk);
    await pace();
  }
  file.push(new Uint8Array(0), true);
  if (chunks && file instanceof Packed) file.give(chunks);
}

/** One entry after another: only one of them is held, packed. */
export async function* zipChunks(
  entries: Iterable<ZipEntry> | AsyncIterable<ZipEntry>,
): AsyncGenerator<Bytes, void, void> {
  let out: Bytes[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failure ??= error;
    else out.push(new Uint8Array(chunk));
  });
  function* drained(): Generator<Bytes, void, void> {
    if (failure) throw failure;
    yield* out;
    out = [];
  }
  const pace = pacer();
  for await (const entry of entries) {
    await addTo(zip, entry, pace);
    yield* drained();
  }
  zip.end();
  yield* drained();
}

/** Files in one zip. Parquet is packed already. */
export const zipFile = (name: string, files: readonly PlainFile[]): DataFile => ({
  name,
  type: mediaTypes.zip,
  chunks: () =>
    zipChunks(
      files.map((file) => ({
        path: file.name,
        compress: file.type !== mediaTypes.parquet,
        chunks: () => file.chunks(),
      })),
    ),
});
