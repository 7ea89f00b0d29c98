/** Files that are read in ranges, wherever they lie: in memory, on disk, in a zip, on another machine. */

export interface FileSource {
  /** Relative, with forward slashes. A name only: nothing is ever opened by it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` to `end`, which lie inside the file: exactly so many, or an error. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

export const bytesSource = (name: string, bytes: Uint8Array<ArrayBuffer>): FileSource => ({
  name,
  size: bytes.length,
  read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
});

/** A blob, or a file as it was picked: only the ranges that are asked for come into memory. */
export const blobSource = (name: string, blob: Blob): FileSource => ({
  name,
  size: blob.size,
  read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
});

/** A file's content in memory, or as a blob. */
export const contentSource = (name: string, content: Uint8Array<ArrayBuffer> | Blob): FileSource =>
  content instanceof Blob ? blobSource(name, content) : bytesSource(name, content);

/** All of a file, at most `most` bytes at a time. */
export async function* piecesOf(source: FileSource, most: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  for (let at = 0; at < source.size; at += most) yield await source.read(at, Math.min(source.size, at + most));
}

/** What gives its bytes only from the start on, such as a packed entry of a zip. */
export interface Streamed {
  readonly path: string;
  readonly size: number;
  /** From the start, each time anew. */
  bytes(): AsyncIterable<Uint8Array>;
}

/**
 * Ranges of a stream. Read in ascending order, it is gone through once, with one chunk kept; a range behind the last one
 * starts it anew. One read at a time.
 */
export function streamSource(stream: Streamed): FileSource {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let chunk = new Uint8Array();
  /** Of the chunk, in the file. */
  let at = 0;
  async function restart(): Promise<void> {
    await chunks?.return?.();
    [chunks, chunk, at] = [stream.bytes()[Symbol.asyncIterator](), new Uint8Array(), 0];
  }
  return {
    name: stream.path,
    size: stream.size,
    async read(start, end) {
      if (!chunks || start < at) await restart();
      const out = new Uint8Array(end - start);
      for (let filled = 0; filled < out.length;) {
        const part = chunk.subarray(Math.max(0, start + filled - at), Math.max(0, end - at));
        out.set(part, filled);
        filled += part.length;
        if (filled === out.length) break;
        at += chunk.length;
        const next = await chunks?.next();
        if (!next || next.done) {
          chunks = undefined;
          return out.slice(0, filled);
        }
        chunk = new Uint8Array(next.value);
      }
      // What comes after the last byte is the stream's own verdict, such as a zip's checksum.
      if (end === stream.size) {
        while (!(await chunks?.next())?.done);
        chunks = undefined;
      }
      return out;
    },
  };
}
