import * as fc from "fast-check";
import { expect, test } from "vitest";
import { offsetOf, rangeOf, rowAt, type Rows } from "../../../src/ui/inside/longRows.ts";

const rows = fc.record({
  count: fc.integer({ min: 1, max: 200 }),
  height: fc.integer({ min: 10, max: 90 }),
  open: fc.option(fc.record({ row: fc.nat(199), extra: fc.nat(2_000) }), { nil: undefined }),
});

/** Row by row, as a browser lays them out. */
function laidOut({ count, height, open }: Rows): number[] {
  const offsets = [0];
  for (let row = 0; row < count; row++)
    offsets.push((offsets.at(-1) ?? 0) + height + (open?.row === row ? open.extra : 0));
  return offsets;
}

test("rows lie where a browser lays them out, and everything within sight is drawn", () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: -500, max: 20_000 }), fc.nat(1_500), (rows, from, size) => {
      const offsets = laidOut(rows);
      expect(Array.from({ length: rows.count + 1 }, (_, row) => offsetOf(rows, row))).toEqual(offsets);
      const at = offsets.findLastIndex((offset) => offset <= from);
      expect(rowAt(rows, from)).toBe(Math.min(rows.count - 1, Math.max(0, at)));
      const { start, end } = rangeOf(rows, from, from + size);
      for (let row = 0; row < rows.count; row++) {
        const visible = (offsets[row + 1] ?? 0) > from && (offsets[row] ?? 0) < from + size;
        if (visible) expect(row >= start && row < end).toBe(true);
      }
      expect(end - start).toBeLessThanOrEqual(Math.ceil(size / rows.height) + 15);
    }),
  );
  expect(rangeOf({ count: 0, height: 10, open: undefined }, 0, 100)).toEqual({ start: 0, end: 0 });
});
