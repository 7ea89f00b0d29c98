/** A few cases of the matrix (npm run test:full), engine against engine, and that its comparison can fail. */
import { expect, test } from "vitest";
import { batchOf, shapeOf, sizesOf, type Case, type FamilyName, type Sizes } from "../full/case.ts";
import { distances, measures, outcomeOf, type Outcome } from "../full/compare.ts";
import { bothEngines } from "../full/matrix.ts";
import { pairwise } from "../full/pairs.ts";

const engines = bothEngines();

function caseOf(family: FamilyName, sizes: Omit<Sizes, "longest">, lengths: readonly number[]): Case {
  const shape = shapeOf(family, { ...sizes, longest: Math.max(...lengths) });
  const batch = batchOf(lengths, { queries: 2, negatives: 2, inBatch: true });
  return { name: `${family}, ${sizesOf(shape)}`, family, shape, pooling: "cls", batch };
}

const cases = [
  caseOf("mpnet", { layers: 1, hidden: 128, heads: 1 }, [1, 65, 20]),
  caseOf("modernbert", { layers: 6, hidden: 48, heads: 2 }, [40, 3, 1]),
  caseOf("distilbert", { layers: 24, hidden: 16, heads: 2 }, [9, 2]),
];

test.each(cases)(
  "engines agree on $name",
  async (given) => {
    const { cpu, webgpu } = engines();
    const off = distances(given, await outcomeOf(webgpu, given), await outcomeOf(cpu, given), 2);
    expect(off.filter((distance) => !(distance.off <= distance.limit))).toEqual([]);
  },
  240_000,
);

test("what is off shows: by a little in any measure, and what is no number", async () => {
  const given = caseOf("roberta", { layers: 1, hidden: 16, heads: 2 }, [5, 3]);
  const truth = await outcomeOf(engines().cpu, given);
  const bad = (actual: Partial<Outcome>) =>
    distances(given, { ...truth, ...actual }, truth).filter(({ off, limit }) => !(off <= limit));
  expect(bad({})).toEqual([]);
  const changed = (numbers: ArrayLike<number>, by: (value: number) => number) =>
    Float64Array.from(numbers, (value, i) => (i === 37 % numbers.length ? by(value) : value));
  for (const by of [(value: number) => 1.001 * value + 0.001, () => NaN]) {
    const all: Record<keyof Outcome, Outcome[keyof Outcome]> = { ...truth };
    const wrong = measures.map((measure, i) => {
      const key = (["embedding", "loss", "gradNorm", "gradient", "after"] as const)[i] ?? "loss";
      return [measure, bad({ [key]: changed(Array.from(all[key]), by) }).map((distance) => distance.measure)];
    });
    expect(wrong).toEqual(measures.map((measure) => [measure, [measure]]));
  }
});

test("any two values of two factors meet, where they may", () => {
  const factors = { a: [1, 2, 3], b: ["x", "y"], c: [true, false], d: [1, 2, 3, 4] } as const;
  const { cases: chosen, missed } = pairwise(factors, ({ a, d }) => (a === 3 && d === 4 ? undefined : 1));
  expect(missed).toEqual(["a 3, d 4"]);
  expect(chosen.length).toBeLessThan(20);
  for (const b of factors.b)
    for (const d of factors.d) expect(chosen.some((choice) => choice.b === b && choice.d === d)).toBe(true);
});
