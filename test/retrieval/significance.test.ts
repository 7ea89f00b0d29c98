import { describe, expect, it } from "vitest";
import { random } from "../../src/base/random.ts";
import { queryId } from "../../src/domain/ids.ts";
import {
  compareOverSeeds,
  comparePaired,
  meanIntervals,
  overSeeds,
  quantile,
  randomisationTest,
  verdictOf,
} from "../../src/retrieval/significance.ts";

const repeat = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

describe("quantile", () => {
  it("lies between neighbours as NumPy's default does", () => {
    const sorted = Float64Array.of(1, 2, 3, 10);
    expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantile(sorted, share))).toEqual([1, 1.75, 2.5, 4.75, 10]);
  });
});

describe("meanIntervals", () => {
  it("is near the normal interval where that holds", () => {
    // 100 zeros and 100 ones: standard error √(.25 / 200) = .03536, so .5 ± 1.96 · .03536 = .4307 … .5693
    const [interval] = meanIntervals([[...repeat(0, 100), ...repeat(1, 100)]], 3);
    expect(interval?.value).toBe(0.5);
    expect(Math.abs((interval?.low ?? 0) - 0.4307)).toBeLessThan(0.006);
    expect(Math.abs((interval?.high ?? 0) - 0.5693)).toBeLessThan(0.006);
  });

  it("has no width where all queries are alike, and with one query", () => {
    expect(meanIntervals([repeat(0.25, 8), repeat(1, 8)], 1)).toEqual([
      { value: 0.25, low: 0.25, high: 0.25 },
      { value: 1, low: 1, high: 1 },
    ]);
    expect(meanIntervals([[0.7]], 1)).toEqual([{ value: 0.7, low: 0.7, high: 0.7 }]);
  });

  it("is the same for the same seed, alone or beside another column, and another for another", () => {
    const source = random(5);
    const [a, b] = [repeat(0, 30).map(() => source.next()), repeat(0, 30).map(() => source.next())];
    const alone = meanIntervals([a], 1)[0];
    expect(meanIntervals([b, a], 1)[1]).toEqual(alone);
    expect(meanIntervals([a], 2)[0]).not.toEqual(alone);
  });

  it("wants columns of one length that are not empty", () => {
    expect(() => meanIntervals([[]], 1)).toThrow("at least 1");
    expect(() => meanIntervals([[1], [1, 2]], 1)).toThrow("one length");
  });
});

describe("randomisationTest", () => {
  it("counts all sign flips where few queries differ", () => {
    // ±1 ±2 ±3: of 8 sums only 6 and −6 are as far from 0.
    expect(randomisationTest([1, 2, 3, 0, 0], 1)).toBe(2 / 8);
    // ±1 ±1: 2, 0, 0, −2.
    expect(randomisationTest([1, 1], 1)).toBe(2 / 4);
    expect(randomisationTest([-1, -1, -1], 1)).toBe(2 / 8);
    expect(randomisationTest(repeat(0.1, 13), 1)).toBe(2 / 2 ** 13);
  });

  it("takes sums that differ by rounding alone for equal", () => {
    // On paper |sum| = 1.4, as far from 0 as .9 + .2 − .2 + .5 and .9 − .2 + .2 + .5; only 1.8 is farther: 2 · 3 / 2⁴.
    expect(0.9 + 0.2 - 0.2 + 0.5).not.toBe(0.9 - 0.2 + 0.2 + 0.5);
    expect(randomisationTest([0.9, 0.2, -0.2, 0.5], 1)).toBe(6 / 16);
  });

  it("finds no difference between equal systems", () => {
    expect(randomisationTest([0, 0, 0], 1)).toBe(1);
    expect(randomisationTest([], 1)).toBe(1);
  });

  it("comes near the exact value by sampling", () => {
    // 14 equal differences, 3 of them negative: |sum| ≥ 8 when at most 3 or at least 11 of 14 signs agree.
    // 2 · (1 + 14 + 91 + 364) / 2¹⁴ = .05737
    const differences = [...repeat(1, 11), ...repeat(-1, 3)];
    expect(Math.abs(randomisationTest(differences, 1) - 0.05737)).toBeLessThan(0.01);
    // 40 differences use more than one draw of 32 signs: 2 · P(Bin(40, ½) ≥ 26) = .0807
    const wide = [...repeat(1, 26), ...repeat(-1, 14)];
    expect(Math.abs(randomisationTest(wide, 1) - 0.0807)).toBeLessThan(0.012);
  });

  it("is never 0", () => {
    expect(randomisationTest(repeat(1, 60), 1)).toBe(1 / 10_001);
  });
});

describe("verdictOf", () => {
  it("wants both a small p and an interval that leaves out 0", () => {
    const interval = (low: number, high: number) => ({ value: (low + high) / 2, low, high });
    expect(verdictOf(interval(0.01, 0.1), 0.049)).toBe("better");
    expect(verdictOf(interval(-0.1, -0.01), 0.049)).toBe("worse");
    for (const [low, high, p] of [
      [0.01, 0.1, 0.05],
      [-0.1, -0.01, 0.05],
      [0, 0.1, 0.01],
      [-0.1, 0, 0.01],
    ] as const) {
      // prettier-ignore
      expect(verdictOf(interval(low, high), p)).toBe("no reliable difference");
    }
  });
});

describe("comparePaired", () => {
  it("says better or worse only of a reliable difference", () => {
    const a = repeat(0.5, 6);
    // Six equal differences: p = 2 / 64 = .031. Five: p = 2 / 32 = .0625, although the interval leaves out 0.
    expect(comparePaired(a, repeat(0.6, 6), 1)).toMatchObject({ pValue: 2 / 64, verdict: "better" });
    expect(comparePaired(a, repeat(0.4, 6), 1)).toMatchObject({ pValue: 2 / 64, verdict: "worse" });
    const five = comparePaired(repeat(0.5, 5), repeat(0.6, 5), 1);
    expect(five).toMatchObject({ pValue: 2 / 32, verdict: "no reliable difference" });
    expect(five.difference.low).toBeGreaterThan(0);
  });

  it("gives the mean difference b − a and an interval around it", () => {
    const source = random(9);
    const a = repeat(0, 50).map(() => source.next());
    const b = a.map((value) => value + 0.2 * source.next() - 0.1);
    const { difference } = comparePaired(a, b, 1);
    const mean = b.reduce((sum, value, i) => sum + value - (a[i] ?? 0), 0) / 50;
    expect(difference.value).toBeCloseTo(mean, 12);
    expect(difference.low).toBeLessThan(mean);
    expect(difference.high).toBeGreaterThan(mean);
  });

  it("calls noise a difference about one time in twenty", () => {
    let called = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const source = random(seed, "noise");
      const { verdict } = comparePaired(
        repeat(0, 20),
        repeat(0, 20).map(() => source.normal()),
        seed,
      );
      if (verdict !== "no reliable difference") called++;
    }
    expect(called).toBeLessThanOrEqual(12);
    expect(called).toBeGreaterThan(0);
  });

  it("wants one value a query from both", () => {
    expect(() => comparePaired([1], [1, 2], 1)).toThrow("1 values against 2");
  });
});

describe("over seeds", () => {
  const run = (values: Readonly<Record<string, number>>) => ({
    queryIds: Object.keys(values).map(queryId),
    values: Object.values(values),
  });

  it("takes each query's mean over the seeds that measured it, whatever their order", () => {
    const means = overSeeds([run({ a: 0.2, b: 1 }), run({ b: 0.5, a: 0.4 }), run({ b: 0, c: 0.7 })]);
    expect([...means.keys()]).toEqual(["a", "b", "c"]);
    [0.3, 0.5, 0.7].forEach((mean, i) => expect([...means.values()][i]).toBeCloseTo(mean, 12));
  });

  it("compares those means query by query", () => {
    const a = [run({ q1: 0, q2: 0.75, q3: 0.5 }), run({ q3: 1, q2: 0.75, q1: 0 })];
    const b = [run({ q2: 0.5, q1: 0.5, q3: 1 }), run({ q1: 1, q2: 0.75, q3: 1 })];
    // Means 0 .75 .75 against .75 .625 1.
    expect(compareOverSeeds(a, b, 4)).toEqual(comparePaired([0, 0.75, 0.75], [0.75, 0.625, 1], 4));
    expect(compareOverSeeds(a, b, 4).difference.value).toBeCloseTo((0.75 - 0.125 + 0.25) / 3, 12);
  });

  it("wants the same seeds and queries of both", () => {
    const one = [run({ q1: 1, q2: 0 })];
    expect(() => compareOverSeeds(one, [run({ q1: 1, q3: 0 })], 1)).toThrow("different seeds or on different queries");
    expect(() => compareOverSeeds(one, [run({ q1: 1, q2: 0, q3: 0 })], 1)).toThrow("on different queries");
    expect(() => compareOverSeeds(one, [run({ q1: 1 })], 1)).toThrow("different seeds or on different queries");
    expect(() => compareOverSeeds(one, [...one, ...one], 1)).toThrow("different seeds or on different queries");
    expect(() => overSeeds([{ queryIds: [queryId("q1")], values: [] }])).toThrow("0 values of 1 queries");
  });
});
