/**
 * A zip's entries as sources. The table of contents at its end is read first (PKWARE APPNOTE 4.3.12, 4.3.16), so that
 * entries can be read in the order the reader wants, encryption is seen, and sizes are known before anything is
 * unpacked; then each entry is inflated as a stream. Nothing is ever written to a path that an entry names.
 */
import { Inflate } from "fflate";
import { crc32 } from "../base/crc32.ts";
import { messageOf } from "../base/errors.ts";
import type { Source } from "./source.ts";
import { cleanPath } from "./source.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { count, countOf, quoted, sizeOf } from "./wording.ts";

/** Far above any collection that a page can hold, far below what hurts. */
const zipLimits = {
  entries: 10_000,
  directoryBytes: 16 * 2 ** 20,
  entryBytes: 512 * 2 ** 20,
  totalBytes: 2 * 2 ** 30,
  /** Unpacked over packed, once more than `ratioFrom` bytes came out. Text reaches 3 to 12. */
  ratio: 100,
  ratioFrom: 2 ** 20,
} as const;

/** Packed bytes given to the decoder at once. Deflate grows at most 1,032-fold: never more than 8 MiB come out. */
const step = 2 ** 13;
const piece = 2 ** 18;

interface Entry {
  readonly path: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

const endRecord = 22;
const longestComment = 0xffff;
const text = new TextDecoder("utf-8");

const damaged = (zip: string, what: string) =>
  new UnreadableCollection(`${zip} is damaged: ${what}. Download or pack it again, or give the unpacked folder.`);

const bomb = (zip: string, what: string) =>
  new UnreadableCollection(
    `${zip} was not unpacked, because it may be a zip bomb: ${what}. If it is sound, give the unpacked folder.`,
  );

async function viewOf(blob: Blob, start: number, end: number): Promise<DataView> {
  return new DataView(await blob.slice(start, end).arrayBuffer());
}

interface Directory {
  readonly entries: number;
  readonly bytes: number;
  readonly offset: number;
}

async function findDirectory(zip: string, blob: Blob): Promise<Directory> {
  const tail = await viewOf(blob, Math.max(0, blob.size - endRecord - longestComment), blob.size);
  for (let at = tail.byteLength - endRecord; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    if (at + endRecord + tail.getUint16(at + 20, true) > tail.byteLength) continue;
    return {
      entries: tail.getUint16(at + 10, true),
      bytes: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    };
  }
  const start = await viewOf(blob, 0, 4);
  if (start.byteLength === 4 && start.getUint32(0, true) === 0x04034b50) {
    throw damaged(
      zip,
      `its table of contents, which stands at the end, is not in its ${sizeOf(blob.size)}: it was cut short`,
    );
  }
  throw new UnreadableCollection(
    `${zip} is not a zip, whatever its name says: it has no zip's signature. Give a zip or an unpacked folder.`,
  );
}

function parseEntry(zip: string, view: DataView, at: number): { readonly entry: Entry; readonly next: number } {
  if (at + 46 > view.byteLength || view.getUint32(at, true) !== 0x02014b50)
    throw damaged(zip, "its table of contents breaks off");
  const [name, extra, comment] = [
    view.getUint16(at + 28, true),
    view.getUint16(at + 30, true),
    view.getUint16(at + 32, true),
  ];
  const next = at + 46 + name + extra + comment;
  if (next > view.byteLength) throw damaged(zip, "its table of contents breaks off");
  const entry = {
    path: cleanPath(text.decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, name))),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  };
  return { entry, next };
}

async function readDirectory(zip: string, blob: Blob): Promise<Entry[]> {
  const directory = await findDirectory(zip, blob);
  // 65,535 is also how zip64 says "see elsewhere".
  if (directory.entries > zipLimits.entries) {
    throw bomb(
      zip,
      `it has ${count(directory.entries)} entries or more, and at most ${count(zipLimits.entries)} are read`,
    );
  }
  if (directory.offset === 0xffffffff) throw bomb(zip, "it is in the zip64 format, which is for archives above 4 GiB");
  if (directory.offset + directory.bytes > blob.size) throw damaged(zip, "its table of contents lies outside of it");
  if (directory.bytes > zipLimits.directoryBytes) {
    throw bomb(
      zip,
      `its table of contents has ${sizeOf(directory.bytes)}, and at most ${sizeOf(zipLimits.directoryBytes)} are read`,
    );
  }
  const view = await viewOf(blob, directory.offset, directory.offset + directory.bytes);
  const entries: Entry[] = [];
  for (let at = 0; entries.length < directory.entries;) {
    const { entry, next } = parseEntry(zip, view, at);
    entries.push(entry);
    at = next;
  }
  return entries.filter(({ path }) => path !== "" && !path.endsWith("/"));
}

const isBomb = (packed: number, size: number) => size > zipLimits.ratioFrom && size > zipLimits.ratio * packed;

const isStored = ({ method, packed, size }: Pick<Entry, "method" | "packed" | "size">): boolean =>
  method === 0 && packed === size;

function checkEntry(zip: string, { path, flags, method, packed, size }: Entry): void {
  if (flags & 0x41)
    throw new UnreadableCollection(`${zip} is encrypted (${path}). Unpack it with its password and give the folder.`);
  if (/\.(zip|7z|rar|tar|tgz)$/i.test(path)) {
    throw new UnreadableCollection(`${zip} has another archive in it (${path}). Unpack that one and give its files.`);
  }
  // What is stored as it is takes no more than the file that was given.
  if (!isStored({ method, packed, size }) && size > zipLimits.entryBytes)
    throw bomb(zip, `${path} unpacks to ${sizeOf(size)}, and at most ${sizeOf(zipLimits.entryBytes)} are read`);
  if (isBomb(packed, size))
    throw bomb(
      zip,
      `${path} unpacks from ${sizeOf(packed)} to ${sizeOf(size)}, more than ${zipLimits.ratio} times as much`,
    );
}

function checkEntries(zip: string, entries: readonly Entry[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    checkEntry(zip, entry);
    if (seen.has(entry.path)) throw damaged(zip, `it has two entries named ${quoted(entry.path)}`);
    seen.add(entry.path);
  }
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > zipLimits.totalBytes) {
    throw bomb(
      zip,
      `its ${countOf(entries.length, "file")} unpack to ${sizeOf(total)}, and at most ${sizeOf(zipLimits.totalBytes)} are read`,
    );
  }
}

/** Where the entry's packed bytes start: behind its local header (APPNOTE 4.3.7), whose sizes are not trusted. */
async function dataStart(zip: string, blob: Blob, { path, offset, packed }: Entry): Promise<number> {
  const header = await viewOf(blob, offset, offset + 30);
  if (header.byteLength < 30 || header.getUint32(0, true) !== 0x04034b50)
    throw damaged(zip, `${path} is not where its table of contents says`);
  const start = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + packed > blob.size) throw damaged(zip, `${path} reaches beyond its end`);
  return start;
}

/** A decoder as a function from packed bytes to what comes out of them. */
function decoderFor(
  zip: string,
  { path, method }: Entry,
): (packed: Uint8Array, last: boolean) => readonly Uint8Array[] {
  if (method === 0) return (packed) => [packed];
  if (method !== 8) {
    throw new UnreadableCollection(
      `${path} in ${zip} is packed by method ${method}; only plain deflate (8) and stored (0) can be read. Pack it again, or give the folder.`,
    );
  }
  let out: Uint8Array[] = [];
  const inflate = new Inflate((chunk) => void out.push(chunk));
  return (packed, last) => {
    out = [];
    try {
      inflate.push(packed, last);
    } catch (error) {
      throw damaged(zip, `${path} cannot be unpacked (${messageOf(error)})`);
    }
    return out;
  };
}

async function* unpack(zip: string, blob: Blob, entry: Entry): AsyncGenerator<Uint8Array, void, void> {
  const start = await dataStart(zip, blob, entry);
  const decode = decoderFor(zip, entry);
  let [out, crc] = [0, 0];
  for (let at = 0; at < entry.packed; at += piece) {
    const packed = new Uint8Array(
      await blob.slice(start + at, start + Math.min(at + piece, entry.packed)).arrayBuffer(),
    );
    for (let from = 0; from < packed.length; from += step) {
      const used = at + Math.min(from + step, packed.length);
      for (const chunk of decode(packed.subarray(from, from + step), used === entry.packed)) {
        out += chunk.length;
        if (isBomb(used, out))
          throw bomb(zip, `${entry.path} unpacks to more than ${zipLimits.ratio} times its packed size`);
        if (out > entry.size)
          throw damaged(zip, `${entry.path} is longer than the ${sizeOf(entry.size)} it was said to be`);
        crc = crc32(chunk, crc);
        yield chunk;
      }
    }
  }
  if (out !== entry.size || crc !== entry.crc) throw damaged(zip, `the checksum of ${entry.path} is wrong`);
}

/** The entry's bytes as a blob: where they are stored as they are, a slice of the zip, read through once for its checksum. */
async function blobOf(zip: string, blob: Blob, entry: Entry): Promise<Blob> {
  const stored = isStored(entry);
  const pieces: Blob[] = [];
  for await (const chunk of unpack(zip, blob, entry)) if (!stored) pieces.push(new Blob([new Uint8Array(chunk)]));
  if (!stored) return new Blob(pieces);
  const start = await dataStart(zip, blob, entry);
  return blob.slice(start, start + entry.size);
}

/** A file in a zip, for who needs any range of it. */
export interface ZipSource extends Source {
  blob(): Promise<Blob>;
}

/**
 * The files in a zip. Limits: {@link zipLimits}; checked against what the zip says before unpacking and against what
 * comes out while unpacking. Errors: UnreadableCollection for what is not a zip, cut short, damaged, encrypted, an
 * archive of archives, or beyond the limits.
 */
export async function openZip(zip: string, blob: Blob): Promise<ZipSource[]> {
  const entries = await readDirectory(zip, blob);
  checkEntries(zip, entries);
  return entries.map((entry) => ({
    path: entry.path,
    size: entry.size,
    bytes: () => unpack(zip, blob, entry),
    blob: () => blobOf(zip, blob, entry),
  }));
}
