/**
 * Where the tensors of a safetensors file lie. The format (github.com/huggingface/safetensors, README "Format"): 8 bytes
 * little-endian header length, a JSON header of {name: {dtype, shape, data_offsets}}, then the tensors' bytes. The header is
 * checked whole, against the file's size alone, before anything of the tensors is read or allocated.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";

/** A safetensors file that is broken, hostile, or of a kind that Decoy does not read. */
export class UnreadableSafetensors extends UserError {
  override readonly name = "UnreadableSafetensors";
}

const DTYPES = ["F64", "F32", "F16", "BF16", "I64"] as const;
export type Dtype = (typeof DTYPES)[number];
export const dtypeBytes: Readonly<Record<Dtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8 };

export interface TensorPlace {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Of its bytes, from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/** Bytes of the length field. */
export const LENGTH_BYTES = 8;

/** The specification allows 100 MB; 8 MiB holds 80,000 tensors, and a larger header is an attack on the parser. */
const MAX_HEADER = 8 * 2 ** 20;
const MAX_TENSORS = 4096;
/** The header, a tensor's entry, its shape. */
const MAX_DEPTH = 3;
/** Above the largest encoders of one file: XLM-R large has 2.3 GB in float32. */
const MAX_FILE = 4 * 2 ** 30;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entry = v.strictObject({
  dtype: v.string(),
  shape: v.pipe(v.array(natural), v.maxLength(8)),
  data_offsets: v.tuple([natural, natural]),
});
const dtype = v.picklist(DTYPES);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const unreadable = (what: string): UnreadableSafetensors =>
  new UnreadableSafetensors(`This safetensors file cannot be used: ${what}. Download or export it again.`);

const quoted = (name: string): string => `"${name.slice(0, 80)}"`;

/** Bytes of the JSON header, by the file's first 8 and the bytes it has in all. */
export function headerLength(first: Uint8Array, size: number): number {
  if (size < LENGTH_BYTES || first.length < LENGTH_BYTES)
    throw unreadable(`it has ${size} bytes, fewer than its 8-byte length field`);
  if (size > MAX_FILE) throw unreadable(`it has ${size} bytes; at most ${MAX_FILE} are read`);
  const length = Number(new DataView(first.buffer, first.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER) throw unreadable(`its header claims ${length} bytes; at most ${MAX_HEADER} are read`);
  if (LENGTH_BYTES + length > size) throw unreadable(`its header claims ${length} bytes, the file has ${size}`);
  return length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the string that starts at `from` ends: the place of its closing quote. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** The first place from `from` on that is not white space. */
function signFrom(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charAt(at).trim() === "") at++;
  return at;
}

/** Adds a name to those of its object, `depth` objects deep. */
function addName(name: string, names: Set<string> | undefined, depth: number): void {
  if (names?.has(name)) throw unreadable(`its header has ${quoted(name)} twice`);
  // One more for __metadata__.
  if (depth === 1 && names && names.size > MAX_TENSORS)
    throw unreadable(`it has more than ${MAX_TENSORS} tensors; no encoder has as many`);
  names?.add(name);
}

/** A name that was used twice in one object is silently its last value to JSON.parse: what a check saw may not be what is read. */
function checkNames(text: string): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === "{" || sign === "[") open.push(new Set());
    if (sign === "}" || sign === "]") open.pop();
    if (open.length > MAX_DEPTH) throw unreadable("its header is nested deeper than a header is");
    if (sign !== '"') continue;
    const end = stringEnd(text, at);
    if (text.charAt(signFrom(text, end + 1)) === ":")
      addName(String(JSON.parse(text.slice(at, end + 1))), open.at(-1), open.length);
    at = end;
  }
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    checkNames(text);
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (error instanceof UnreadableSafetensors) throw error;
  }
  throw unreadable("its header is not JSON of a header's form");
}

/** `start`: where the tensors' bytes begin; `size`: the file's. */
function placeOf(name: string, value: unknown, start: number, size: number): TensorPlace {
  const checked = v.safeParse(entry, value);
  if (!checked.success) throw unreadable(`the header entry ${quoted(name)} is malformed`);
  const { shape, data_offsets: offsets } = checked.output;
  const kind = v.safeParse(dtype, checked.output.dtype);
  if (!kind.success)
    throw unreadable(
      `tensor ${quoted(name)} is of the dtype ${quoted(checked.output.dtype)}; ${DTYPES.join(", ")} are read`,
    );
  const bytes = shape.reduce((product, n) => product * BigInt(n), BigInt(dtypeBytes[kind.output]));
  const [begin, end] = offsets;
  if (start + end > size || begin > end || BigInt(end - begin) !== bytes) {
    throw unreadable(
      `tensor ${quoted(name)} of shape [${shape.join(", ")}] needs ${bytes} bytes, its offsets are ${begin} to ${end} of ${size - start}`,
    );
  }
  return { name, dtype: kind.output, shape, begin: start + begin, end: start + end };
}

/** The tensors by name, from the header's bytes. Errors: {@link UnreadableSafetensors}. */
export function placesOf(header: Uint8Array, size: number): ReadonlyMap<string, TensorPlace> {
  const start = LENGTH_BYTES + header.length;
  const entries = Object.entries(parsed(header)).filter(([name]) => name !== "__metadata__");
  if (entries.length > MAX_TENSORS)
    throw unreadable(`it has ${entries.length} tensors; at most ${MAX_TENSORS} are read`);
  const places = entries.map(([name, value]) => placeOf(name, value, start, size));
  let at = start;
  for (const place of places.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (place.begin !== at) throw unreadable(`its tensors overlap or leave a gap at byte ${at - start}`);
    at = place.end;
  }
  if (at !== size) throw unreadable(`its tensors end at byte ${at - start} of ${size - start}`);
  return new Map(places.map((place) => [place.name, place]));
}
