/** Which rows of a long list are within sight, where all rows are as high as each other but for one that is open. */

export interface Rows {
  readonly count: number;
  /** Of a closed row, in pixels. */
  readonly height: number;
  /** The open row and by how much it is higher. */
  readonly open: { readonly row: number; readonly extra: number } | undefined;
}

/** Browsers clamp elements at about 17 (Firefox) and 33 million pixels (Chromium). */
export const mostPixels = 15_000_000;

/** Where a row begins, from the top of the list; of `count`, where the list ends. */
export const offsetOf = ({ height, open }: Rows, row: number): number =>
  row * height + (open && row > open.row ? open.extra : 0);

/** The row at so many pixels from the top of the list. */
export function rowAt({ count, height, open }: Rows, pixels: number): number {
  const before = Math.floor(pixels / height);
  const row = !open || before <= open.row ? before : Math.max(open.row, Math.floor((pixels - open.extra) / height));
  return Math.min(Math.max(0, count - 1), Math.max(0, row));
}

export interface Range {
  readonly start: number;
  /** Not included. */
  readonly end: number;
}

/** Rows to draw besides those within sight, at either side. */
const spare = 6;

/** The rows within `from` and `to` pixels of the list's top, and a few more. */
export function rangeOf(rows: Rows, from: number, to: number): Range {
  if (rows.count === 0) return { start: 0, end: 0 };
  const start = Math.max(0, rowAt(rows, from) - spare);
  return { start, end: Math.min(rows.count, rowAt(rows, to) + spare + 1) };
}
