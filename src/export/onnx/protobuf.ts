/**
 * Writing protocol buffers (protobuf.dev, "Encoding"). A message knows its length before its bytes exist: weights are turned into
 * bytes one tensor at a time, when they are asked for, so that a file of a gigabyte is never in memory twice.
 */

/** Bytes that are made when they are asked for, as often as they are; together they have `length`. */
export interface Later {
  readonly length: number;
  readonly make: () => Iterable<Uint8Array<ArrayBuffer>>;
}

/** A message, or some of its fields, in parts. */
export interface Message {
  readonly length: number;
  readonly parts: readonly (Uint8Array<ArrayBuffer> | Later)[];
}

/** Wire types. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

function varint(value: number): number[] {
  const bytes: number[] = [];
  // Negative numbers have the ten bytes of their 64-bit two's complement.
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return [...bytes, Number(left)];
}

const tag = (field: number, wireType: number): number[] => varint(field * 8 + wireType);

const given = (bytes: Uint8Array<ArrayBuffer>): Message => ({ length: bytes.length, parts: [bytes] });

/** These fields, one after another. */
export const message = (fields: readonly Message[]): Message => ({
  length: fields.reduce((sum, { length }) => sum + length, 0),
  parts: fields.flatMap(({ parts }) => parts),
});

export const integer = (field: number, value: number): Message =>
  given(Uint8Array.from([...tag(field, VARINT), ...varint(value)]));

export function float(field: number, value: number): Message {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return given(Uint8Array.from([...tag(field, FIXED_32), ...new Uint8Array(bytes.buffer)]));
}

/** A field with its length before it: a message in the message, or bytes. */
export const nested = (field: number, content: Message): Message =>
  message([given(Uint8Array.from([...tag(field, LENGTH_DELIMITED), ...varint(content.length)])), content]);

export const text = (field: number, value: string): Message => nested(field, given(new TextEncoder().encode(value)));

export const bytes = (field: number, later: Later): Message => nested(field, { length: later.length, parts: [later] });

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The bytes of a message; what lies between two of {@link Later} comes as one piece. */
export function* chunks({ parts }: Message): Generator<Uint8Array<ArrayBuffer>> {
  let waiting: Uint8Array[] = [];
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      waiting.push(part);
      continue;
    }
    yield joined(waiting);
    waiting = [];
    yield* part.make();
  }
  if (waiting.length > 0) yield joined(waiting);
}
