/**
 * The records of a zip (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16), with the 64-bit ones where numbers do
 * not fit into the others. Sizes stand before an entry's bytes, not behind them, so readers that cannot seek read these files too.
 */
import type { Bytes } from "./file.ts";

export interface Place {
  readonly path: string;
  /** 0: stored; 8: deflated. */
  readonly method: 0 | 8;
  readonly crc: number;
  /** Bytes in the zip, and unpacked. */
  readonly packed: number;
  readonly size: number;
  /** Of its local header, from the start of the zip. */
  readonly offset: number;
}

/** Where a field has these the number is elsewhere, in 64 bits. */
const MOST_16 = 0xffff;
const MOST_32 = 0xffffffff;

type Field = readonly [bytes: 2 | 4 | 8, value: number];

function record(fields: readonly Field[], ...rest: readonly Uint8Array[]): Bytes {
  const length = fields.reduce((sum, [bytes]) => sum + bytes, 0);
  const out = new Uint8Array(rest.reduce((sum, part) => sum + part.length, length));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  for (const part of rest) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const capped = (value: number): number => Math.min(value, MOST_32);
const isLarge = (value: number): boolean => value >= MOST_32;

/** The extra field of zip64 with these numbers (4.5.3); nothing where there are none. */
const extra64 = (values: readonly number[]): Bytes =>
  values.length === 0
    ? new Uint8Array()
    : record([[2, 1], [2, 8 * values.length], ...values.map((value): Field => [8, value])]);

/** Version 2.0 for deflate, 4.5 for 64 bits. */
const version = (extra: Bytes): number => (extra.length > 0 ? 45 : 20);
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** The first of January 2020, midnight: the same contents give the same file. */
const TIME = 0;
const DATE = ((2020 - 1980) << 9) | (1 << 5) | 1;

/** What local and central headers have in common: from the version that is needed to the length of the extra field. */
const common = ({ method, crc, packed, size }: Omit<Place, "path" | "offset">, name: Bytes, extra: Bytes): Field[] => [
  [2, version(extra)],
  [2, FLAGS],
  [2, method],
  [2, TIME],
  [2, DATE],
  [4, crc],
  [4, packed],
  [4, size],
  [2, name.length],
  [2, extra.length],
];

const text = new TextEncoder();

/** What stands before an entry's bytes. */
export function localHeader(place: Place): Bytes {
  const name = text.encode(place.path);
  // Here both sizes have to be in 64 bits if one is.
  const large = isLarge(place.size) || isLarge(place.packed);
  const extra = extra64(large ? [place.size, place.packed] : []);
  const sizes = large ? { size: MOST_32, packed: MOST_32 } : {};
  return record([[4, 0x04034b50], ...common({ ...place, ...sizes }, name, extra)], name, extra);
}

function centralHeader(place: Place): Bytes {
  const name = text.encode(place.path);
  const { size, packed, offset } = place;
  const extra = extra64([size, packed, offset].filter(isLarge));
  const fields = common({ ...place, size: capped(size), packed: capped(packed) }, name, extra);
  return record(
    [
      [4, 0x02014b50],
      [2, version(extra)],
      ...fields,
      // Comment, disk, attributes inside and outside.
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, capped(offset)],
    ],
    name,
    extra,
  );
}

/** The record in 64 bits, and where it is. */
const end64 = (entries: number, bytes: number, offset: number): Bytes =>
  record([
    [4, 0x06064b50],
    // Of the rest of this record.
    [8, 44],
    [2, 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, entries],
    [8, entries],
    [8, bytes],
    [8, offset],
    [4, 0x07064b50],
    [4, 0],
    [8, offset + bytes],
    [4, 1],
  ]);

/** The table of contents, which starts at `offset`, and the end of the zip. */
export function* directory(places: readonly Place[], offset: number): Generator<Bytes, void, void> {
  let bytes = 0;
  for (const place of places) {
    const header = centralHeader(place);
    bytes += header.length;
    yield header;
  }
  if (places.length >= MOST_16 || isLarge(bytes) || isLarge(offset)) yield end64(places.length, bytes, offset);
  const entries = Math.min(places.length, MOST_16);
  yield record([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, entries],
    [2, entries],
    [4, capped(bytes)],
    [4, capped(offset)],
    [2, 0],
  ]);
}
