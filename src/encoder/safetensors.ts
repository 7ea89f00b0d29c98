/**
 * The safetensors format (github.com/huggingface/safetensors, README "Format"): 8 bytes little-endian header length, a
 * JSON header of {name: {dtype, shape, data_offsets}}, then the tensors' bytes. The header is checked whole before
 * anything is allocated.
 */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";

/** A safetensors file that is broken, hostile, or of a kind that Decoy does not read. */
export class UnreadableSafetensors extends UserError {
  override readonly name = "UnreadableSafetensors";
}

export type Dtype = "F64" | "F32" | "F16" | "BF16" | "I64";

export interface TensorView {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The tensor's bytes: a view into the file, not a copy. */
  readonly bytes: Uint8Array;
}

const BYTES: Readonly<Record<Dtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8 };
/** The specification allows 100 MB; 8 MiB holds 80,000 tensors, and a larger header is an attack on the parser. */
const MAX_HEADER = 8 * 2 ** 20;
const MAX_TENSORS = 4096;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entry = v.strictObject({
  dtype: v.picklist(["F64", "F32", "F16", "BF16", "I64"]),
  shape: v.pipe(v.array(natural), v.maxLength(8)),
  data_offsets: v.tuple([natural, natural]),
});
const header = v.record(v.string(), v.unknown());

const unreadable = (what: string): UnreadableSafetensors =>
  new UnreadableSafetensors(`This safetensors file cannot be used: ${what}. Download or export it again.`);

function headerOf(file: Uint8Array): { readonly header: Record<string, unknown>; readonly start: number } {
  if (file.length < 8) throw unreadable(`it has ${file.length} bytes, fewer than its 8-byte length field`);
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER) throw unreadable(`its header claims ${length} bytes; at most ${MAX_HEADER} are read`);
  if (8 + length > file.length) throw unreadable(`its header claims ${length} bytes, the file has ${file.length}`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(8, 8 + length));
    return { header: v.parse(header, JSON.parse(text)), start: 8 + length };
  } catch {
    throw unreadable("its header is not JSON");
  }
}

function tensorOf(
  name: string,
  value: unknown,
  data: Uint8Array,
): TensorView & { readonly begin: number; readonly end: number } {
  const parsed = v.safeParse(entry, value);
  if (!parsed.success)
    throw unreadable(`the header entry "${name.slice(0, 80)}" is malformed or of an unsupported dtype`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.output;
  const bytes = shape.reduce((product, n) => product * BigInt(n), BigInt(BYTES[dtype]));
  if (end > data.length || begin > end || BigInt(end - begin) !== bytes) {
    throw unreadable(
      `tensor "${name.slice(0, 80)}" of shape [${shape.join(", ")}] needs ${bytes} bytes, its offsets are ${begin} to ${end} of ${data.length}`,
    );
  }
  return { name, dtype, shape, bytes: data.subarray(begin, end), begin, end };
}

/** The tensors of a file, as views, by name. Errors: {@link UnreadableSafetensors}. */
export function readSafetensors(file: Uint8Array): ReadonlyMap<string, TensorView> {
  const { header, start } = headerOf(file);
  const data = file.subarray(start);
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  if (names.length > MAX_TENSORS) throw unreadable(`it has ${names.length} tensors; at most ${MAX_TENSORS} are read`);
  const tensors = names.map((name) => tensorOf(name, header[name], data));
  let at = 0;
  for (const tensor of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== at) throw unreadable(`its tensors overlap or leave a gap at byte ${at}`);
    at = tensor.end;
  }
  if (at !== data.length) throw unreadable(`its tensors end at byte ${at} of ${data.length}`);
  return new Map(tensors.map(({ name, dtype, shape, bytes }) => [name, { name, dtype, shape, bytes }]));
}

/** IEEE 754 binary16 → number. */
export function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** Number → IEEE 754 binary16, to nearest, ties to even. */
export function floatToHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: the value in units of 2^-24, rounded to even.
    const units = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(units);
    const up = units - floor > 0.5 || (units - floor === 0.5 && floor % 2 === 1);
    return sign | (floor + (up ? 1 : 0));
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

type Decoder = (view: DataView, index: number) => number;
const decoders: Readonly<Record<Dtype, Decoder>> = {
  F64: (view, i) => view.getFloat64(8 * i, true),
  F32: (view, i) => view.getFloat32(4 * i, true),
  F16: (view, i) => halfToFloat(view.getUint16(2 * i, true)),
  BF16: (view, i) => {
    scratch.setUint32(0, view.getUint16(2 * i, true) << 16);
    return scratch.getFloat32(0);
  },
  I64: (view, i) => Number(view.getBigInt64(8 * i, true)),
};

/** Writes the tensor's numbers into `target` from `offset` on, as far as the target's precision holds them. */
export function copyNumbers(tensor: TensorView, target: Float32Array | Float64Array, offset = 0): void {
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const decode = decoders[tensor.dtype];
  const count = tensor.bytes.byteLength / BYTES[tensor.dtype];
  for (let i = 0; i < count; i++) target[offset + i] = decode(view, i);
}

export interface NamedNumbers {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A file of these tensors, in this order, in f32 or f16. */
export function writeSafetensors(
  tensors: readonly NamedNumbers[],
  dtype: "F32" | "F16",
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array<ArrayBuffer> {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const { name, shape, values } of tensors) {
    const end = at + values.length * BYTES[dtype];
    entries[name] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + at).fill(0x20, 8 + text.length, 8 + headerBytes);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, 8);
  let position = 8 + headerBytes;
  for (const { values } of tensors) {
    for (const value of values) {
      if (dtype === "F32") view.setFloat32(position, value, true);
      else view.setUint16(position, floatToHalf(value), true);
      position += BYTES[dtype];
    }
  }
  return file;
}
