import { messageOf } from "../base/errors.ts";
import { UnreadableCollection } from "./unreadable.ts";

/** A file to be read, whether it was picked or lies in a zip. */
export interface Source {
  /** Relative, with forward slashes. A name only: nothing is ever opened by it. */
  readonly path: string;
  /** Bytes, as declared where it lies in a zip. */
  readonly size: number;
  /** From the start, each time anew. Errors: UnreadableCollection. */
  bytes(): AsyncIterable<Uint8Array>;
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** "a/b/" of "a/b/c", "" of "c". */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** "jsonl" of "a/b.JSONL", "" where there is none. */
export const extensionOf = (path: string): string => /\.([^.]+)$/.exec(nameOf(path))?.[1]?.toLowerCase() ?? "";

export const cleanPath = (path: string): string => path.replaceAll("\\", "/").replace(/^(\.?\/)+/, "");

/** Bytes handed on at once: some runtimes give a whole blob as one chunk. */
const piece = 2 ** 18;

/** A reader, not `for await`: Safari's streams are not async iterable. */
async function* chunksOf(path: string, blob: Blob): AsyncGenerator<Uint8Array, void, void> {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (let at = 0; at < value.length; at += piece) yield value.subarray(at, at + piece);
    }
  } catch (error) {
    throw new UnreadableCollection(
      `${path} could not be read to its end (${messageOf(error)}). It may have been moved or changed since it was picked: pick it again.`,
    );
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export const blobSource = (path: string, blob: Blob): Source => ({
  path: cleanPath(path),
  size: blob.size,
  bytes: () => chunksOf(cleanPath(path), blob),
});

/** The first bytes, at most `length`, fewer where the file is shorter. */
export async function headOf(source: Source, length: number): Promise<Uint8Array> {
  const head = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of source.bytes()) {
    const part = chunk.subarray(0, length - filled);
    head.set(part, filled);
    filled += part.length;
    if (filled === length) break;
  }
  return head.subarray(0, filled);
}
