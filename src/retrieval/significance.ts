/**
 * How far a mean over queries can be trusted, and whether two systems differ: the percentile bootstrap (Efron and
 * Tibshirani, 1993) and the paired randomisation test (Smucker, Allan and Carterette, CIKM 2007), on per-query values.
 */
import { assert, present } from "../base/assert.ts";
import { random, type Random } from "../base/random.ts";
import { significant } from "../domain/holm.ts";
import type { QueryId } from "../domain/ids.ts";
import type { Comparison, Interval } from "../domain/ranking.ts";

const resamples = 10_000;
const permutations = 10_000;
/** Up to this many queries that differ, all sign flips are counted: 2¹³ = 8,192. */
const mostExact = 13;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Linear between the two nearest of the sorted values (R's and NumPy's default). `share` is in [0, 1]. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Mean and 95 % percentile bootstrap interval of each column, from 10,000 resamples of the queries. The columns are of
 * one length, at least 1, and are resampled together.
 */
export function meanIntervals(columns: readonly (readonly number[])[], seed: number): Interval[] {
  const rows = columns[0]?.length ?? 0;
  assert(
    columns.every(({ length }) => length === rows && length > 0),
    "columns of one length, at least 1",
  );
  const source = random(seed, "bootstrap");
  const picks = new Uint32Array(rows);
  const means = columns.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < rows; i++) picks[i] = source.integer(rows);
    columns.forEach((column, c) => {
      let total = 0;
      for (let i = 0; i < rows; i++) total += column[picks[i] ?? 0] ?? 0;
      const into = means[c];
      if (into) into[r] = total / rows;
    });
  }
  return columns.map((column, c) => {
    const sorted = means[c]?.sort() ?? new Float64Array();
    return { value: sum(column) / rows, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** The share of all 2ⁿ ways to give the differences a sign whose sum is as far from 0 as `limit`. */
function exactShare(differences: readonly number[], limit: number): number {
  const ways = 2 ** differences.length;
  let extreme = 0;
  for (let signs = 0; signs < ways; signs++) {
    const total = differences.reduce((t, value, i) => t + ((signs >>> i) & 1 ? value : -value), 0);
    if (Math.abs(total) >= limit) extreme++;
  }
  return extreme / ways;
}

function sampledShare(differences: readonly number[], limit: number, source: Random): number {
  let extreme = 0;
  for (let p = 0; p < permutations; p++) {
    let total = 0;
    let bits = 0;
    for (let i = 0; i < differences.length; i++) {
      if (i % 32 === 0) bits = source.integer(2 ** 32);
      total += bits & 1 ? (differences[i] ?? 0) : -(differences[i] ?? 0);
      bits >>>= 1;
    }
    if (Math.abs(total) >= limit) extreme++;
  }
  return (extreme + 1) / (permutations + 1);
}

/**
 * Two-sided p-value of the paired randomisation test: how often the mean difference is at least as far from 0 as it is
 * when every query's two values are swapped by a coin. Exact when at most 13 queries differ; otherwise from 10,000
 * permutations as (count + 1) / (n + 1), so never 0.
 */
export function randomisationTest(differences: readonly number[], seed: number): number {
  // Where there is no difference a swap changes nothing.
  const changed = differences.filter((value) => value !== 0);
  // Room for rounding: sums that are equal on paper must count as equal.
  const limit = Math.abs(sum(changed)) - 1e-12 * sum(changed.map(Math.abs));
  return changed.length <= mostExact
    ? exactShare(changed, limit)
    : sampledShare(changed, limit, random(seed, "randomisation"));
}

/** A difference is called one only when p < .05 and the 95 % interval of the mean difference leaves out 0. */
export function verdictOf({ low, high }: Interval, pValue: number): Comparison["verdict"] {
  if (pValue >= significant) return "no reliable difference";
  if (low > 0) return "better";
  return high < 0 ? "worse" : "no reliable difference";
}

/** b against a, paired by position: one value a query, at least one query. */
export function comparePaired(a: readonly number[], b: readonly number[], seed: number): Comparison {
  assert(a.length === b.length, `${a.length} values against ${b.length}`);
  const differences = b.map((value, i) => value - (a[i] ?? Number.NaN));
  const difference = present(meanIntervals([differences], seed)[0], "interval");
  const pValue = randomisationTest(differences, seed);
  return { difference, pValue, verdict: verdictOf(difference, pValue) };
}

/** One metric of one system, trained with one seed. */
export interface SeedRun {
  readonly queryIds: readonly QueryId[];
  /** In the order of `queryIds`. */
  readonly values: readonly number[];
}

/** Each query's mean over the seeds that measured it, in first-seen order. */
export function overSeeds(runs: readonly SeedRun[]): ReadonlyMap<QueryId, number> {
  const values = new Map<QueryId, number[]>();
  for (const run of runs) {
    assert(run.values.length === run.queryIds.length, `${run.values.length} values of ${run.queryIds.length} queries`);
    run.queryIds.forEach((id, i) => values.set(id, [...(values.get(id) ?? []), run.values[i] ?? Number.NaN]));
  }
  return new Map([...values].map(([id, all]) => [id, sum(all) / all.length]));
}

/**
 * b against a, each with the same seeds: paired by query, every query's value the mean over the seeds. Interval and p
 * speak of other queries, not of other seeds.
 */
export function compareOverSeeds(a: readonly SeedRun[], b: readonly SeedRun[], seed: number): Comparison {
  const [first, second] = [overSeeds(a), overSeeds(b)];
  assert(
    a.length === b.length && first.size === second.size && [...first.keys()].every((id) => second.has(id)),
    "the two systems were measured with different seeds or on different queries",
  );
  const ids = [...first.keys()];
  const column = (values: ReadonlyMap<QueryId, number>) => ids.map((id) => present(values.get(id), id));
  return comparePaired(column(first), column(second), seed);
}
