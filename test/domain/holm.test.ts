import { describe, expect, it } from "vitest";
import { random } from "../../src/base/random.ts";
import { holm } from "../../src/domain/holm.ts";

describe("holm", () => {
  it("steps down, by hand", () => {
    // Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, and the last may not be below the one before it.
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expect(adjusted[i]).toBeCloseTo(p, 12));
    // Sorted .2 .4 .9, times 3 2 1: .6 .8 .9.
    [0.9, 0.6, 0.8].forEach((p, i) => expect(holm([0.9, 0.2, 0.4])[i]).toBeCloseTo(p, 12));
  });

  it("is never above 1, the same for equal ones, and leaves one alone", () => {
    expect(holm([0.5, 0.6, 0.9])).toEqual([1, 1, 1]);
    expect(holm([0.02, 0.02])).toEqual([0.04, 0.04]);
    expect(holm([0.02])).toEqual([0.02]);
    expect(holm([])).toEqual([]);
  });

  it("keeps the order of the p-values and lies between them and Bonferroni's", () => {
    const source = random(6);
    const given = Array.from({ length: 25 }, () => source.next() ** 3);
    const adjusted = holm(given);
    const order = given.map((_, i) => i).sort((a, b) => (given[a] ?? 0) - (given[b] ?? 0));
    order.forEach((at, i) => {
      const [p, before] = [adjusted[at] ?? Number.NaN, adjusted[order[i - 1] ?? -1] ?? 0];
      expect(p).toBeGreaterThanOrEqual(before);
      expect(p).toBeGreaterThanOrEqual(given[at] ?? 1);
      expect(p).toBeLessThanOrEqual(Math.min(1, (given[at] ?? 0) * 25));
    });
  });

  it("wants p-values", () => {
    expect(() => holm([0.1, Number.NaN])).toThrow("p-values in [0, 1]");
    expect(() => holm([1.1])).toThrow("p-values in [0, 1]");
    expect(() => holm([-0.1])).toThrow("p-values in [0, 1]");
  });
});
