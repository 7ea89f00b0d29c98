import { describe, expect, it } from "vitest";
import { blockSizer } from "../../src/retrieval/blockSizer.ts";

const size = { depth: 100, dimensions: 384, most: 20_000, capacity: 500_000 };

describe("the size of a block", () => {
  it("leaves half the list free where documents come in random order", () => {
    // Of d documents behind n, 100 d / n are likely for each of 1,000 queries: 250,000 pairs at d = 2.5 n.
    const sizer = blockSizer(size);
    expect(sizer.documents(1000, 1024)).toBe(2560);
    expect(sizer.documents(1000, 100)).toBe(256);
    expect(blockSizer({ ...size, depth: 1000 }).documents(1000, 4096)).toBe(1024);
  });

  it("stays within the buffer, and within 2³⁰ multiplications at first", () => {
    const sizer = blockSizer(size);
    expect(sizer.documents(1, 1e6)).toBe(20_000);
    expect(sizer.documents(1000, 1e6)).toBe(Math.floor(2 ** 30 / 384_000));
    expect(blockSizer({ ...size, most: 7 }).documents(1000, 1024)).toBe(7);
  });

  it("grows to what takes 15 ms, fourfold at most at once, and shrinks on a slow GPU", () => {
    const fast = blockSizer({ ...size, most: 1e6 });
    const before = fast.documents(1000, 1e6);
    fast.learn({ queries: 1000, documents: before, seen: 1e6, likely: 0, milliseconds: 5 });
    expect(fast.documents(1000, 1e6)).toBe(3 * before);
    fast.learn({ queries: 1000, documents: 3 * before, seen: 1e6, likely: 0, milliseconds: 0.1 });
    expect(fast.documents(1000, 1e6)).toBe(12 * before);
    const slow = blockSizer(size);
    slow.learn({ queries: 1000, documents: 2000, seen: 1e6, likely: 0, milliseconds: 30 });
    expect(slow.documents(1000, 1e6)).toBe(1000);
    slow.learn({ queries: 1000, documents: 1000, seen: 1e6, likely: 0, milliseconds: 3000 });
    expect(slow.documents(1000, 1e6)).toBe(256);
  });

  it("shrinks where more pairs are likely than in random order, and no further than that", () => {
    const sizer = blockSizer(size);
    sizer.learn({ queries: 1000, documents: 2560, seen: 1024, likely: 750_000, milliseconds: 4 });
    // Three times as many as expected.
    expect(sizer.documents(1000, 3 * 1024)).toBe(2560);
    sizer.learn({ queries: 1000, documents: 2560, seen: 1024, likely: 0, milliseconds: 4 });
    expect(sizer.documents(1000, 1024)).toBe(2560);
  });
});
