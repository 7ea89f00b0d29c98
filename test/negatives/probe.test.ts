import { describe, expect, it, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { areaUnderRoc, logisticRegression, RIDGE, shortcutArea, type ProbeItem } from "../../src/negatives/probe.ts";

const unit = (values: readonly number[]): Float32Array => {
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
};
/** `count` unit vectors, spread evenly over the sphere. */
function spread(count: number, dimensions: number, name: string): Float32Array[] {
  const source = random(11, name);
  return Array.from({ length: count }, () => unit(Array.from({ length: dimensions }, () => source.normal())));
}

describe("areaUnderRoc", () => {
  it("counts pairs, ties for half", () => {
    // Written .9 .5 .5; found .7 .5 .1. Pairs won: .9 wins 3; each .5 wins 1, ties 1: 3 + 1.5 + 1.5 = 6 of 9.
    const scores = [0.9, 0.5, 0.7, 0.5, 0.1, 0.5];
    expect(areaUnderRoc(scores, [true, true, false, false, false, true])).toBe(6 / 9);
    expect(areaUnderRoc([1, 1, 1, 1], [true, false, true, false])).toBe(0.5);
    expect(areaUnderRoc([3, 2, 1], [true, false, false])).toBe(1);
    expect(areaUnderRoc([3, 2, 1], [false, false, true])).toBe(0);
  });

  it("is the share of all pairs, counted one by one", () => {
    const source = random(2);
    const scores = Array.from({ length: 60 }, () => source.integer(12));
    const written = scores.map(() => source.next() < 0.3);
    let [won, pairs] = [0, 0];
    scores.forEach((a, i) =>
      scores.forEach((b, j) => {
        if (!written[i] || written[j]) return;
        pairs++;
        won += a > b ? 1 : a === b ? 0.5 : 0;
      }),
    );
    expect(areaUnderRoc(scores, written)).toBeCloseTo(won / pairs, 12);
  });
});

describe("shortcutArea", () => {
  const items = (count: number, dimensions: number, name = "items"): ProbeItem[] =>
    spread(count, dimensions, name).map((vector, i) => ({ vector, group: Math.floor(i / 2), written: i % 2 === 0 }));
  /** The written ones pushed along the first axis. */
  const pushed = (by: number) =>
    items(160, 12).map((item) => ({
      ...item,
      vector: unit([...item.vector].map((value, k) => value + (k === 0 && item.written ? by : 0))),
    }));

  it("is 1 where a plane separates them, about .5 where nothing does, and between where they overlap", () => {
    expect(shortcutArea(pushed(9), 1)).toBe(1);
    // The standard deviation of one area is .06 here.
    const chance = Array.from({ length: 30 }, (_, n) => shortcutArea(items(160, 12, `chance ${n}`), n) ?? Number.NaN);
    for (const area of chance) expect(Math.abs(area - 0.5)).toBeLessThan(0.3);
    expect(Math.abs(chance.reduce((sum, area) => sum + area, 0) / chance.length - 0.5)).toBeLessThan(0.05);
    const some = shortcutArea(pushed(0.4), 1) ?? Number.NaN;
    expect(some).toBeGreaterThan(0.65);
    expect(some).toBeLessThan(0.98);
  });

  it("finds a direction that little of the spread lies in", () => {
    // One common direction holds nearly everything, as in encoders whose cosines are all high. Of the rest a little tells
    // the two apart; the difference of the two means alone would give an area of about .8.
    const narrow = items(160, 12).map((item) => ({
      ...item,
      vector: unit([...item.vector].map((v, k) => (k === 0 ? 20 : k === 1 ? (item.written ? 0.2 : -0.2) : v))),
    }));
    expect(shortcutArea(narrow, 1)).toBeGreaterThan(0.98);
  });

  it("does not take rounding for an origin", () => {
    const same = unit([1, 2, 3]);
    const rounded = items(40, 3).map((item) => ({
      ...item,
      vector: same.map((value) => (item.written ? Math.fround(value * (1 + 2 ** -23)) : value)),
    }));
    expect(rounded[0]?.vector).not.toEqual(rounded[1]?.vector);
    expect(shortcutArea(rounded, 1)).toBe(0.5);
  });

  it("does not depend on the axes or where they cross", () => {
    const given = pushed(0.4);
    // A rotation as a product of two reflections x − 2 (x · u) u.
    const [u, v] = spread(2, 12, "mirrors");
    const reflect = (x: readonly number[], mirror: Float32Array = new Float32Array()) => {
      const along = x.reduce((sum, value, k) => sum + value * (mirror[k] ?? 0), 0);
      return x.map((value, k) => value - 2 * along * (mirror[k] ?? 0));
    };
    const turned = given.map((item) => ({ ...item, vector: unit(reflect(reflect([...item.vector], u), v)) }));
    expect(turned[0]?.vector).not.toEqual(given[0]?.vector);
    expect(Math.abs((shortcutArea(turned, 1) ?? 0) - (shortcutArea(given, 1) ?? 0))).toBeLessThan(0.002);
    const moved = given.map((item) => ({ ...item, vector: item.vector.map((value) => value + 3) }));
    expect(Math.abs((shortcutArea(moved, 1) ?? 0) - (shortcutArea(given, 1) ?? 0))).toBeLessThan(0.002);
  });

  it("never has a group on both sides of a fold", () => {
    // Each group has one vector and one label: a probe that had seen the group would know it by heart.
    const vectors = spread(30, 40, "groups");
    const grouped = Array.from({ length: 120 }, (_, i): ProbeItem => {
      const group = i % 30;
      return { vector: vectors[group] ?? new Float32Array(), group, written: group % 2 === 0 };
    });
    expect(shortcutArea(grouped, 1)).toBeLessThan(0.8);
    const split = grouped.map((item, i) => ({ ...item, group: i }));
    expect(shortcutArea(split, 1)).toBe(1);
  });

  it("is undefined with fewer than ten of either, or with one group", () => {
    const few = (written: number, found: number) =>
      items(60, 4)
        .filter((item) => item.written)
        .slice(0, written)
        .concat(
          items(60, 4)
            .filter((item) => !item.written)
            .slice(0, found),
        );
    expect(shortcutArea(few(9, 30), 1)).toBeUndefined();
    expect(shortcutArea(few(30, 9), 1)).toBeUndefined();
    expect(shortcutArea(few(10, 10), 1)).toBeDefined();
    expect(
      shortcutArea(
        items(60, 4).map((item) => ({ ...item, group: 0 })),
        1,
      ),
    ).toBeUndefined();
  });
});

test("the logistic regression stops where its loss has no slope", () => {
  const [source, width] = [random(4), 5];
  const written = Array.from({ length: 40 }, () => source.next() < 0.3);
  const x = Float64Array.from({ length: 40 * width }, (_, i) =>
    i % width === width - 1 ? 1 : 0.4 * source.normal() + (written[Math.floor(i / width)] ? 0.2 : 0),
  );
  const loss = (w: Float64Array) => {
    const each = written.map((positive, i) => {
      const score = w.reduce((sum, value, k) => sum + value * (x[i * width + k] ?? 0), 0);
      return Math.log(1 + Math.exp(positive ? -score : score));
    });
    const square = w.reduce((sum, value) => sum + value * value, 0);
    return each.reduce((sum, value) => sum + value, 0) / each.length + (RIDGE / 2) * square;
  };
  const w = logisticRegression(x, written, width);
  expect(loss(w)).toBeLessThan(loss(new Float64Array(width)) - 0.05);
  for (let k = 0; k < width; k++) {
    const moved = (by: number) => loss(w.map((value, i) => (i === k ? value + by : value)));
    expect(Math.abs(moved(1e-4) - moved(-1e-4)) / 2e-4).toBeLessThan(1e-4);
  }
});
