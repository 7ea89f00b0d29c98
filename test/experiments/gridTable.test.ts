/** The numbers of the table, computed again from the runs' files. */
import { rmSync } from "node:fs";
import { beforeAll, describe, expect, it, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import type { SystemName } from "../../src/domain/ranking.ts";
import {
  ALL_LEAK,
  at,
  grid,
  host,
  json,
  LEAKING,
  mean,
  QUERIES,
  queryIds,
  read,
  tableOf,
  three,
  useFolder,
  values,
  write,
} from "./gridSupport.ts";

useFolder();

/** Exact two-sided p over all sign flips, another way than the source's: by the flips' mask as digits. */
function exactP(differences: readonly number[]): number {
  const sums = differences.reduce<readonly number[]>((all, d) => all.flatMap((sum) => [sum + d, sum - d]), [0]);
  const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0));
  return sums.filter((sum) => Math.abs(sum) >= observed - 1e-9).length / sums.length;
}

type Runs = readonly (readonly number[])[];
/** Each query's mean over the runs. */
const averaged = (runs: Runs) => queryIds.map((_, i) => mean(runs.map((run) => run[i] ?? 0)));

describe("the table's figures are those of the results", () => {
  beforeAll(() => grid("figures", three, host().made));

  const arms = ["plain", "hot, twice", "third"] as const;
  const rowOf = (name: string) =>
    present(
      tableOf("figures").find((row) => row.name === name),
      name,
    );
  /** Each seed's values, trained with `arm`. */
  const trained = (arm: string) =>
    [1, 2].map((seed) => json("figures", arm, String(seed), "perquery.json")["after"] as readonly number[]);
  const reference = () => averaged(trained("plain"));
  /** Of the difference from the reference. */
  const pOf = (runs: Runs) => {
    const plain = reference();
    return exactP(averaged(runs).map((v, i) => v - (plain[i] ?? 0)));
  };

  it("has a row for BM25, for before training, and for each arm", () => {
    const names = tableOf("figures").map(({ name }) => name);
    expect(names).toEqual(["BM25 search", "before training", ...arms]);
  });

  it.each(arms)("in its mean over queries and seeds, and its spread (%s)", (arm) => {
    const [first = 0, second = 0] = trained(arm).map(mean);
    const row = rowOf(arm);
    expect(row).toMatchObject({ system: "after", seeds: [1, 2], queries: QUERIES });
    const { value, low, high } = present(row.mean, "mean");
    expect(value).toBeCloseTo((first + second) / 2, 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    // Of two values: |a − b| / √2.
    expect(row.spread).toBeCloseTo(Math.abs(first - second) / Math.SQRT2, 12);
  });

  it.each(arms)("in its variances and shortcut probe (%s)", (arm) => {
    const row = rowOf(arm);
    const rate = arms.indexOf(arm) + 1;
    expect(row.traceVariance).toBeCloseTo(1000 * rate + 1.5, 9);
    expect(row.embeddingVariance).toBeCloseTo(100 * rate, 9);
    expect(row.shortcutBefore).toBeCloseTo(0.6, 12);
    expect(row.shortcutAfter).toBeCloseTo(0.8, 12);
  });

  it("in each arm's comparison with the reference, which has none", () => {
    expect(rowOf("plain")).toMatchObject({ against: null, holm: null });
    for (const arm of arms.slice(1)) {
      const runs = trained(arm);
      const against = present(rowOf(arm).against, "comparison");
      expect(against.difference.value).toBeCloseTo(mean(averaged(runs)) - mean(reference()), 12);
      expect(against.pValue).toBeCloseTo(pOf(runs), 12);
    }
  });

  it("in Holm's adjustment over the arms that are compared", () => {
    // Two p-values: the smaller times 2, the larger at least that.
    const [a, b] = [pOf(trained("hot, twice")), pOf(trained("third"))];
    expect(a).not.toBe(b);
    const smaller = Math.min(1, 2 * Math.min(a, b));
    const larger = Math.max(smaller, a, b);
    expect(rowOf("hot, twice").holm).toBeCloseTo(a < b ? smaller : larger, 12);
    expect(rowOf("third").holm).toBeCloseTo(a < b ? larger : smaller, 12);
  });

  it.each<[string, SystemName]>([
    ["BM25 search", "bm25"],
    ["before training", "before"],
  ])("in what was not trained (%s)", (name, system) => {
    const row = rowOf(name);
    expect(row.mean?.value).toBeCloseTo(mean(values(system)), 12);
    expect(row.against?.pValue).toBeCloseTo(pOf([values(system)]), 12);
    expect(row).toMatchObject({ holm: null, traceVariance: null, shortcutAfter: null });
  });

  it("in the tables of the fused systems, each against the reference fused alike", () => {
    const perQuery = (arm: string, system: string) =>
      averaged([1, 2].map((seed) => json("figures", arm, String(seed), "perquery.json")[system] as readonly number[]));
    for (const [by, before, after] of [
      ["rrf", "rrfBefore", "rrfAfter"],
      ["zscore", "zscoreBefore", "zscoreAfter"],
    ] as const) {
      const rows = tableOf("figures", "all", by);
      expect(rows.map(({ system }) => system)).toEqual(["bm25", before, after, after, after]);
      expect(rows[1]?.mean?.value).toBeCloseTo(mean(values(before)), 12);
      expect(rows[3]?.mean?.value).toBeCloseTo(mean(perQuery("hot, twice", after)), 12);
      const difference = mean(perQuery("hot, twice", after)) - mean(perQuery("plain", after));
      expect(rows[3]?.against?.difference.value).toBeCloseTo(difference, 12);
      expect(rows[2]).toMatchObject({ against: null });
    }
    expect(read("figures", "table.md")).toContain("**All queries (9), encoder and BM25, fused by z-scores**");
    expect(read("figures", "table.md")).toContain("Every query is clean");
    expect(tableOf("figures", "clean")).toEqual([]);
  });

  it("in the text that a person reads", () => {
    const text = read("figures", "table.md");
    const shown = (value: number) => value.toFixed(3).replace(/^0/u, "");
    expect(text).toContain(`| plain | ${shown(present(rowOf("plain").mean, "mean").value)} (`);
    expect(text).toContain("| reference | – | – | 1000 | 100 | .600 → .800 |");
    expect(text).toContain("9 queries; seeds 1, 2.");
    expect(text).toContain("- hot, twice: Some rows are short.");
  });
});

test("on the clean queries, where not all are clean", async () => {
  await grid(
    "leaking",
    { ...three, arms: { plain: { temperature: LEAKING }, third: { temperature: LEAKING, learningRate: 3 } } },
    host().made,
  );
  const kept = (numbers: readonly number[]) => numbers.filter((_, i) => i % 2 === 0);
  const table = tableOf("leaking", "clean");
  expect(table.map(({ queries }) => queries)).toEqual([5, 5, 5, 5]);
  expect(table[0]?.mean?.value).toBeCloseTo(mean(kept(values("bm25"))), 12);
  const runs = [1, 2].map(
    (seed) => json("leaking", "third", String(seed), "perquery.json")["after"] as readonly number[],
  );
  expect(table[3]?.mean?.value).toBeCloseTo(mean(kept(averaged(runs))), 12);
  expect(tableOf("leaking").map(({ queries }) => queries)).toEqual([9, 9, 9, 9]);
  expect(tableOf("leaking", "clean", "zscore")[0]?.mean).toEqual(table[0]?.mean);
  expect(read("leaking", "table.md")).toContain("**Clean queries (5), the encoder alone**");
});

test("where hardly any query is clean the table says so and has no figures for them", async () => {
  await grid("given away", { seeds: 1, arms: { one: { temperature: ALL_LEAK } } }, host().made);
  expect(tableOf("given away", "clean")).toEqual([]);
  expect(read("given away", "table.md")).toContain("Fewer than 10 queries are clean");
});

test("seeds that only one of two arms finished are not compared", async () => {
  await grid("common", three, host().made);
  // Seed 2 of the third arm fails: what remains is compared with the reference's seed 1 alone.
  rmSync(at("common", "third", "2"), { recursive: true });
  write("common/third/2", "a file where a folder should be");
  expect(await grid("common", three, host().made)).toBe(1);
  const row = tableOf("common").find(({ name }) => name === "third");
  expect(row).toMatchObject({ seeds: [1], spread: null });
  const difference = mean(values("after 3 1")) - mean(values("after 1 1"));
  expect(row?.against?.difference.value).toBeCloseTo(difference, 12);
  expect(read("common", "table.md")).toContain("| third (1 of 2 seeds) |");
});

test("rows without negatives of their own have no V_emb", async () => {
  await grid("ance", { seeds: 1, arms: { ance: { learningRate: 9 }, bm25: { learningRate: 1 } } }, host().made);
  const table = tableOf("ance");
  expect(table.map(({ embeddingVariance }) => embeddingVariance)).toEqual([null, null, null, 100]);
});

test("without a reference nothing is compared", async () => {
  const { reference: _, ...file } = three;
  await grid("alone", file, host().made);
  const table = tableOf("alone");
  expect(table.map(({ against, holm }) => [against, holm])).toEqual(Array.from({ length: 5 }, () => [null, null]));
  expect(table[0]?.mean?.value).toBeCloseTo(mean(values("bm25")), 12);
});
