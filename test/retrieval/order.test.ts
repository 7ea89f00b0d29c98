import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentId } from "../../src/domain/ids.ts";
import { compareHits, compareIds, placesOf } from "../../src/retrieval/order.ts";
import { top } from "../../src/retrieval/top.ts";

const id = fc.string({ unit: "binary", maxLength: 4 });

describe("compareIds", () => {
  it("orders as the bytes of UTF-8 do", () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        expect(Math.sign(compareIds(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it("puts U+FF21 before U+1F600, which comparing UTF-16 units does not", () => {
    expect(compareIds("Ａ", "\u{1F600}")).toBeLessThan(0);
    expect(["Ａ", "\u{1F600}"].sort()).toEqual(["\u{1F600}", "Ａ"]);
  });

  it("puts d10 before d9", () => {
    expect(compareIds("d10", "d9")).toBeLessThan(0);
  });
});

describe("top", () => {
  it("keeps what sorting everything would have put first", () => {
    const scored = fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(scored, fc.integer({ min: 0, max: 20 }), (scores, depth) => {
        const ids = scores.map((_, i) => documentId(`d${(i * 37) % 101}`));
        const best = top(depth, { ids, places: placesOf(ids) });
        scores.forEach((score, document) => best.offer(document, score));
        const sorted = ids.map((documentId, i) => ({ documentId, score: scores[i] ?? Number.NaN })).sort(compareHits);
        expect(best.drain()).toEqual(sorted.slice(0, depth));
        expect(best.drain()).toEqual([]);
      }),
    );
  });

  it("takes scores that are one float32 for a tie", () => {
    const ids = ["a", "b"].map(documentId);
    const best = top(1, { ids, places: placesOf(ids) });
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      // prettier-ignore
      for (const document of order) best.offer(document, document === 0 ? 1 + 1e-12 : 1);
      expect(best.drain()).toEqual([{ documentId: "b", score: 1 }]);
    }
  });

  it("says what a score must reach: anything while there is room, then the worst that is in, nothing with no room", () => {
    const ids = ["a", "b", "c"].map(documentId);
    const best = top(2, { ids, places: placesOf(ids) });
    const least = [4, 2, 3].map((score, document) => {
      best.offer(document, score);
      return best.least();
    });
    expect(least).toEqual([-Infinity, 2, 3]);
    expect(top(0, { ids, places: placesOf(ids) }).least()).toBe(Infinity);
    expect(top(2, { ids: [], places: placesOf([]) }).least()).toBe(Infinity);
  });
});
