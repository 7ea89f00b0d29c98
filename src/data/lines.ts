/** Bytes to lines of text: strict UTF-8 a line at a time, so that one bad line costs one line, and bounded memory. */
import type { Problem } from "./problem.ts";
import { problem } from "./problem.ts";
import { count, excerptOf } from "./wording.ts";

/** Longest line in bytes; a longer one is left out without being held in memory. */
export const maxLineBytes = 2 ** 20;

/** Enough for an excerpt of 200 characters. */
const headBytes = 800;

export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: Problem; readonly excerpt: string };

interface LineSplitter {
  /** The lines that this chunk ends. Blank ones are left out and counted in the numbering. */
  push(chunk: Uint8Array): Generator<Line, void, void>;
  /** The last line, where no line feed follows it. */
  end(): Generator<Line, void, void>;
}

const lineFeed = 10;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

const nothing = new Uint8Array(0);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length < 2) return parts[0] ?? nothing;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const spoilt = (number: number, bytes: Uint8Array, why: Problem): Line => ({
  number,
  problem: why,
  excerpt: excerptOf(decoder.decode(bytes.subarray(0, headBytes))),
});

const notUtf8 = problem("not UTF-8", "the bytes of this line are not UTF-8 text; save the file as UTF-8");

/**
 * Whether the bytes are what UTF-8 makes of the text decoded from them. Only a U+FFFD can have come from bad bytes. A
 * decoder that throws would say so too, at 50 µs an exception: minutes for a big file of another kind.
 */
function isUtf8(bytes: Uint8Array, text: string): boolean {
  if (!text.includes("\uFFFD")) return true;
  const again = encoder.encode(text);
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
}

/** Undefined for a blank line. */
function decode(number: number, bytes: Uint8Array): Line | undefined {
  if (bytes.length === 0) return undefined;
  const text = decoder.decode(bytes);
  if (!isUtf8(bytes, text)) return spoilt(number, bytes, notUtf8);
  // Takes off the carriage return of CRLF and, U+FEFF being white space to trim(), a byte order mark.
  const trimmed = text.trim();
  return trimmed === "" ? undefined : { number, text: trimmed };
}

const tooLong = (bytes: number): Problem =>
  problem(
    "line too long",
    `it has ${count(bytes)} bytes and at most ${count(maxLineBytes)} (1 MiB) are read; split its text`,
  );

export function createLineSplitter(): LineSplitter {
  let number = 1;
  /** Of the line that has not ended yet: its pieces, or only its start once it is too long. */
  let parts: Uint8Array[] = [];
  let length = 0;

  function extend(piece: Uint8Array): void {
    if (piece.length === 0) return;
    length += piece.length;
    if (length <= maxLineBytes) parts.push(piece);
    else parts = [concat([...parts, piece.subarray(0, headBytes)]).slice(0, headBytes)];
  }

  function finish(): Line | undefined {
    const line = length > maxLineBytes ? spoilt(number, concat(parts), tooLong(length)) : decode(number, concat(parts));
    number += 1;
    if (length > 0) parts = [];
    length = 0;
    return line;
  }

  function* push(chunk: Uint8Array): Generator<Line, void, void> {
    let start = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, start)) {
      extend(chunk.subarray(start, at));
      start = at + 1;
      const line = finish();
      if (line) yield line;
    }
    if (start < chunk.length) extend(chunk.subarray(start));
  }

  function* end(): Generator<Line, void, void> {
    const line = length > 0 ? finish() : undefined;
    if (line) yield line;
  }

  return { push, end };
}
