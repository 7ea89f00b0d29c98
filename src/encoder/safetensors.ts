/** safetensors files (safetensorsHeader.ts has the format): tensors as views of a whole file, their numbers, and writing one. */
import { dtypeBytes, headerLength, LENGTH_BYTES, placesOf, type Dtype } from "./safetensorsHeader.ts";

export interface TensorView {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The tensor's bytes: a view into the file, not a copy. */
  readonly bytes: Uint8Array;
}

/** The tensors of a file, as views, by name. Errors: UnreadableSafetensors. */
export function readSafetensors(file: Uint8Array): ReadonlyMap<string, TensorView> {
  const end = LENGTH_BYTES + headerLength(file.subarray(0, LENGTH_BYTES), file.length);
  const places = placesOf(file.subarray(LENGTH_BYTES, end), file.length);
  const views = [...places.values()].map((place) => ({
    name: place.name,
    dtype: place.dtype,
    shape: place.shape,
    bytes: file.subarray(place.begin, place.end),
  }));
  return new Map(views.map((view) => [view.name, view]));
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

/** Writes the numbers of a tensor, or of a part of it, into `target` from `offset` on, as far as the target's precision holds them. */
export function copyNumbers(
  { dtype, bytes }: Pick<TensorView, "dtype" | "bytes">,
  target: Float32Array | Float64Array,
  offset = 0,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decode = decoders[dtype];
  const count = bytes.byteLength / dtypeBytes[dtype];
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
    const end = at + values.length * dtypeBytes[dtype];
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
      position += dtypeBytes[dtype];
    }
  }
  return file;
}
