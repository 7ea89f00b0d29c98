/** Values as JSON in UTF-8, with the three numbers that JSON does not know. */
import type { Bytes } from "./parts.ts";

const key = "not finite";
/** Before a text in which numbers are marked; no JSON text starts like this. */
const prefix = "!";

function mark(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? { [key]: String(value) } : value;
}

function unmark(_key: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && key in value ? Number(value[key]) : value;
}

export function toJson(value: unknown): Bytes {
  const plain = JSON.stringify(value);
  // NaN and the infinities come out as null, which nothing else of ours is: only then is the slow way worth it.
  const text = plain.includes("null") ? markedText(value, plain) : plain;
  return new TextEncoder().encode(text);
}

function markedText(value: unknown, plain: string): string {
  const marked = JSON.stringify(value, mark);
  return marked === plain ? plain : prefix + marked;
}

/** The caller names the type that was stored: the bytes are known to be those by their digest. */
export function fromJson<T>(bytes: Bytes): T {
  const text = new TextDecoder().decode(bytes);
  const value: T = text.startsWith(prefix) ? JSON.parse(text.slice(prefix.length), unmark) : JSON.parse(text);
  return value;
}
