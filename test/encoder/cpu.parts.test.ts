/** The CPU engine's parts that stand alone: how texts become chunks, and the memory of its kernels. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { chunksOf, eachText } from "../../src/encoder/cpu/chunks.ts";
import { Heap } from "../../src/encoder/cpu/heap.ts";
import { pack } from "../support/golden.ts";
import { newHeap } from "../support/heap.ts";

describe("chunks", () => {
  it("have every token of every text once, in order, and no more than they may where there are two texts", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), (lengths) => {
        let next = 0;
        const all = lengths.map((length) => Array.from({ length }, () => next++));
        const chunks = chunksOf(pack(all), 100);
        const seen: number[][] = [];
        for (const { first, texts } of chunks) {
          expect(first).toBe(seen.length);
          eachText(texts, (_, at, length) => seen.push([...texts.tokenIds.subarray(at, at + length)]));
          if (texts.cuSeqlens.length > 2) expect(texts.tokenIds.length).toBeLessThanOrEqual(100);
        }
        expect(seen).toEqual(all);
        // No two chunks next to each other would fit into one.
        chunks.slice(1).forEach(({ texts }, i) => {
          const [one = 0] = [texts.cuSeqlens[1]];
          expect((chunks[i]?.texts.tokenIds.length ?? 0) + one).toBeGreaterThan(100);
        });
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it("take a text alone that is longer than they may be", () => {
    const sizes = chunksOf(pack([[1], Array.from({ length: 9 }, () => 1), [1, 1]]), 4).map(
      ({ texts }) => texts.tokenIds.length,
    );
    expect(sizes).toEqual([1, 9, 2]);
  });

  it("have no text without a token", () => {
    expect(() => eachText(pack([[1], []]), () => undefined)).toThrow("text 1 has no token");
  });
});

describe("the heap", () => {
  afterEach(() => vi.restoreAllMocks());

  it("gives room that does not overlap, and gives it again after its use", () => {
    const heap = newHeap();
    const [a, b] = [heap.take(5), heap.take(100)];
    expect(b).toBeGreaterThanOrEqual(a + 20);
    expect([a % 64, b % 64]).toEqual([0, 0]);
    const inner = heap.during(() => heap.take(10));
    expect(inner).toBeGreaterThanOrEqual(b + 400);
    expect(() =>
      heap.during(() => {
        heap.take(1);
        throw new Error("in between");
      }),
    ).toThrow("in between");
    expect(heap.take(10)).toBe(inner);
  });

  it("keeps what lies in it while it grows, and counts its bytes", () => {
    let bytes = 0;
    const heap = new Heap((more) => (bytes += more));
    const at = heap.take(3);
    heap.view(at, 3).set([1, 2, 3]);
    const before = heap.bytes;
    const far = heap.takeZeros(100_000);
    expect(heap.bytes).toBeGreaterThan(before);
    expect(bytes).toBe(heap.bytes);
    expect([...heap.view(at, 3)]).toEqual([1, 2, 3]);
    expect(heap.view(far, 100_000).every((value) => value === 0)).toBe(true);
    heap.dispose();
    expect(bytes).toBe(0);
  });

  it("has room for whole tiles, in rows of whole panels", () => {
    const heap = newHeap();
    const { at, row, rows, columns } = heap.takeMatrix(5, 9);
    expect([row, rows, columns]).toEqual([64, 5, 9]);
    expect(heap.take(1)).toBeGreaterThanOrEqual(at + 8 * row);
  });

  it("says what it has and wants where there is no more memory", () => {
    const heap = newHeap();
    expect(() => heap.take(2 ** 30)).toThrow(/has 0 MiB and could not get 4096 MiB/);
    vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
      throw new RangeError("none left");
    });
    const full = newHeap();
    expect(() => full.take(2 ** 20)).toThrow(/choose a smaller batch/);
  });
});
