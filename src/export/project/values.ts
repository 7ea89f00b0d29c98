/**
 * Values as JSON, whole: JSON knows no NaN, infinities, −0, undefined and arrays of bytes and numbers. These stand as
 * {"$": "NaN"}, {"$": "undefined"}, {"$": "array", "at": 0}; an object with a key "$" of its own as {"$": "object", "of": …}.
 */
import { assert, present } from "../../base/assert.ts";
import type { arrayTypes } from "./format.ts";

export type ArrayType = (typeof arrayTypes)[number];
export type NumberArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** `arrays`: in the order of their numbers in the text. */
export interface Packed {
  readonly text: string;
  readonly arrays: readonly NumberArray[];
}

const mark = "$";
/** Deeper than anything stored; a text may be deeper than a thread's stack. */
const deepest = 100;

export function arrayType(array: NumberArray): ArrayType {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Float64Array) return "f64";
  if (array instanceof Int32Array) return "i32";
  return array instanceof Uint32Array ? "u32" : "u8";
}

const makers = {
  f32: (buffer: ArrayBuffer): NumberArray => new Float32Array(buffer),
  f64: (buffer: ArrayBuffer): NumberArray => new Float64Array(buffer),
  i32: (buffer: ArrayBuffer): NumberArray => new Int32Array(buffer),
  u32: (buffer: ArrayBuffer): NumberArray => new Uint32Array(buffer),
  u8: (buffer: ArrayBuffer): NumberArray => new Uint8Array(buffer),
} as const satisfies Record<ArrayType, unknown>;

export const elementBytes = { f32: 4, f64: 8, i32: 4, u32: 4, u8: 1 } as const satisfies Record<ArrayType, number>;

/** `bytes`: a multiple of {@link elementBytes}; little-endian, as every machine that runs a browser is. */
export const arrayOf = (type: ArrayType, bytes: Uint8Array<ArrayBuffer>): NumberArray =>
  makers[type](bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer);

const isArray = (value: unknown): value is NumberArray => ArrayBuffer.isView(value) && !(value instanceof DataView);

function packNumber(value: number): unknown {
  if (Object.is(value, -0)) return { [mark]: "-0" };
  return Number.isFinite(value) ? value : { [mark]: String(value) };
}

function packObject(value: object, arrays: NumberArray[]): unknown {
  if (isArray(value)) return { [mark]: "array", at: arrays.push(value) - 1 };
  if (Array.isArray(value)) return Array.from(value, (item) => pack(item, arrays));
  const object = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item, arrays)]));
  return mark in object ? { [mark]: "object", of: object } : object;
}

function pack(value: unknown, arrays: NumberArray[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return packNumber(value);
  if (value === undefined) return { [mark]: "undefined" };
  assert(typeof value === "object", `a ${typeof value} cannot be stored`);
  return packObject(value, arrays);
}

export function packValue(value: unknown): Packed {
  const arrays: NumberArray[] = [];
  return { text: JSON.stringify(pack(value, arrays)), arrays };
}

const numbers: ReadonlyMap<unknown, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function unpackMarked(fields: Fields, arrays: readonly NumberArray[], depth: number): unknown {
  const { [mark]: what, at, of } = fields;
  const number = numbers.get(what);
  if (number !== undefined) return number;
  if (what === "undefined") return undefined;
  if (what === "array" && typeof at === "number") return present(arrays[at], `array ${at}`);
  assert(what === "object" && isFields(of) && !Array.isArray(of), "an unknown mark");
  return unpackFields(of, arrays, depth);
}

/** fromEntries defines properties: "__proto__" among them is one like any other. */
const unpackFields = (fields: Fields, arrays: readonly NumberArray[], depth: number): unknown =>
  Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, unpack(item, arrays, depth + 1)]));

function unpack(value: unknown, arrays: readonly NumberArray[], depth: number): unknown {
  assert(depth < deepest, "values within values");
  if (Array.isArray(value)) return value.map((item: unknown) => unpack(item, arrays, depth + 1));
  if (!isFields(value)) return value;
  return Object.hasOwn(value, mark) ? unpackMarked(value, arrays, depth) : unpackFields(value, arrays, depth);
}

/** Throws where the text is not what {@link packValue} gives. */
export const unpackValue = ({ text, arrays }: Packed): unknown => unpack(JSON.parse(text), arrays, 0);
