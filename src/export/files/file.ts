/** Files to be given out, made piece by piece: no second copy of a large collection waits in memory. */
import { breath, turn } from "../../base/breath.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

export interface DataFile {
  /** Relative, with forward slashes: "train.jsonl", "qrels/test.tsv". */
  readonly name: string;
  readonly type: string;
  /** From the start, each time anew. */
  chunks(): Iterable<Bytes> | AsyncIterable<Bytes>;
}

/** A file that other files are packed of: it can be read without waiting. */
export interface PlainFile extends DataFile {
  chunks(): Iterable<Bytes>;
}

/** Media types. JSON lines have none at IANA; this is what the web uses. */
export const mediaTypes = {
  jsonl: "application/jsonl",
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
  csv: "text/csv; charset=utf-8; header=present",
  tsv: "text/tab-separated-values; charset=utf-8",
  text: "text/plain; charset=utf-8",
  html: "text/html; charset=utf-8",
  zip: "application/zip",
  bytes: "application/octet-stream",
} as const;

const encoder = new TextEncoder();
/** Characters in one chunk, about. */
const chunkLength = 2 ** 18;

/** Texts one after another as UTF-8. A surrogate without its other half comes out as U+FFFD. */
export function* utf8(texts: Iterable<string>): Generator<Bytes, void, void> {
  let waiting: string[] = [];
  let length = 0;
  for (const text of texts) {
    waiting.push(text);
    length += text.length;
    if (length < chunkLength) continue;
    yield encoder.encode(waiting.join(""));
    [waiting, length] = [[], 0];
  }
  if (length > 0) yield encoder.encode(waiting.join(""));
}

export const textFile = (name: string, type: string, texts: () => Iterable<string>): PlainFile => ({
  name,
  type,
  chunks: () => utf8(texts()),
});

/** To be awaited between pieces of long work: now and then lets other tasks have their turn. */
export function pacer(): () => Promise<void> {
  let worked = performance.now();
  return async () => {
    if (performance.now() - worked < breath) return;
    await turn();
    worked = performance.now();
  };
}

/** Bytes that are handed to the browser at once: what a blob holds need not be in this thread's memory. */
const handed = 4 * 2 ** 20;

/** The whole file. Other tasks have their turn meanwhile. */
export async function toBlob({ type, chunks }: Pick<DataFile, "type" | "chunks">): Promise<Blob> {
  const parts: Blob[] = [];
  let waiting: Bytes[] = [];
  let bytes = 0;
  const pace = pacer();
  for await (const chunk of chunks()) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes >= handed) {
      parts.push(new Blob(waiting));
      [waiting, bytes] = [[], 0];
    }
    await pace();
  }
  return new Blob([...parts, ...waiting], { type });
}

/** A name that comes from a file or a person, as part of a file name on any system. */
export function fileStem(name: string): string {
  const stem = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "-")
    .replace(/^[.-]+|[.-]+$/gu, "");
  // Cut by characters, not in the middle of one.
  return Array.from(stem).slice(0, 80).join("") || "decoy";
}
