/** Values, rows and files as the entries of a project, in parts that are small enough to be held, packed and checked whole. */
import { piecesOf, type FileSource } from "../../base/fileSource.ts";
import type { Bytes } from "../files/file.ts";
import type { ValuePlace } from "./format.ts";
import { arrayType, packValue, type NumberArray } from "./values.ts";

export interface Entry {
  readonly path: string;
  readonly bytes: Bytes;
  /** Numbers hardly shrink. */
  readonly compress: boolean;
}

const textBytes = 2 ** 20;
const numberBytes = 4 * 2 ** 20;
/** A part of rows is full at so many characters, or rows. */
const rowCharacters = 2 ** 20;
const rowCount = 5_000;

const encoder = new TextEncoder();

function* cut(bytes: Bytes, size: number): Generator<Bytes, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Bytes as they are, in parts. Returns their paths. */
export function* byteEntries(prefix: string, bytes: Bytes): Generator<Entry, string[], void> {
  const paths: string[] = [];
  for (const part of cut(bytes, numberBytes)) {
    const path = `${prefix}/${paths.length}.bin`;
    yield { path, bytes: part, compress: false };
    paths.push(path);
  }
  return paths;
}

/** A file in parts, read one after the other. Returns their paths. */
export async function* sourceEntries(prefix: string, source: FileSource): AsyncGenerator<Entry, string[], void> {
  const paths: string[] = [];
  for await (const part of piecesOf(source, numberBytes)) {
    const path = `${prefix}/${paths.length}.bin`;
    yield { path, bytes: part, compress: false };
    paths.push(path);
  }
  return paths;
}

const bytesOf = (array: NumberArray): Bytes => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** `<prefix>.json`, or in several parts `<prefix>/part-1.json` and on; its arrays under `<prefix>/`. */
export function* valueEntries(prefix: string, value: unknown): Generator<Entry, ValuePlace, void> {
  const packed = packValue(value);
  const text: string[] = [];
  for (const bytes of cut(encoder.encode(packed.text), textBytes)) {
    const path = text.length === 0 ? `${prefix}.json` : `${prefix}/part-${text.length}.json`;
    yield { path, bytes, compress: true };
    text.push(path);
  }
  const arrays: ValuePlace["arrays"] = [];
  for (const [k, array] of packed.arrays.entries()) {
    arrays.push({ type: arrayType(array), parts: yield* byteEntries(`${prefix}/${k}`, bytesOf(array)) });
  }
  return { text, arrays };
}

/** Rows without arrays of numbers, many to a part. Returns the paths. */
export function* rowEntries(prefix: string, rows: readonly unknown[]): Generator<Entry, string[], void> {
  const paths: string[] = [];
  let waiting: string[] = [];
  let characters = 0;
  function* flush(): Generator<Entry, void, void> {
    const path = `${prefix}/${paths.length}.json`;
    yield { path, bytes: encoder.encode(`[${waiting.join(",")}]`), compress: true };
    paths.push(path);
    [waiting, characters] = [[], 0];
  }
  for (const row of rows) {
    const { text } = packValue(row);
    waiting.push(text);
    characters += text.length;
    if (characters >= rowCharacters || waiting.length >= rowCount) yield* flush();
  }
  if (waiting.length > 0) yield* flush();
  return paths;
}
