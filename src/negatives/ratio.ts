/** Dealing numbers over rows: SyNeg's ratio R in its readings, and whole numbers out of fractions. */
import { random, shuffled } from "../base/random.ts";
import type { Ratio } from "../domain/configNegatives.ts";

/**
 * Whole numbers whose sum is `total`, in proportion to `counts`: each rounded down, then one more for the largest
 * remainders (Hamilton's method), earlier ones first where these are equal.
 */
export function proportional(counts: readonly number[], total: number): number[] {
  const sum = counts.reduce((a, b) => a + b, 0);
  if (sum === 0) return counts.map(() => 0);
  const exact = counts.map((count) => (count * total) / sum);
  const whole = exact.map(Math.floor);
  const left = total - whole.reduce((a, b) => a + b, 0);
  const byRemainder = counts.map((_, i) => i).sort((i, j) => remainder(exact, j) - remainder(exact, i) || i - j);
  for (const i of byRemainder.slice(0, left)) whole[i] = (whole[i] ?? 0) + 1;
  return whole;
}

const remainder = (exact: readonly number[], i: number): number => (exact[i] ?? 0) % 1;

interface Deal {
  /** Random choices of rows come from it. */
  readonly seed: number;
  /** What each row could take at most. */
  readonly have: readonly number[];
}

/** `count` of the rows, drawn at random among those that have `wanted`, then among the others. */
function draw(count: number, wanted: number, { have, seed }: Deal): ReadonlySet<number> {
  const rows = shuffled(
    have.map((_, row) => row),
    random(seed, "ratio"),
  );
  const lacks = (row: number): boolean => (have[row] ?? 0) < wanted;
  return new Set([...rows.filter((row) => !lacks(row)), ...rows.filter(lacks)].slice(0, count));
}

/** `each` a row on average: ⌊each⌋ or ⌈each⌉ in every row, and rows · each in all, rounded once. */
function dealEvenly(each: number, deal: Deal): number[] {
  const rows = deal.have.length;
  // A hair more, so that 2.9999999999999996, which stands for 3, is not rounded down.
  const floor = Math.floor(each + 1e-9);
  const more = draw(Math.round(rows * each - rows * floor), floor + 1, deal);
  return deal.have.map((_, row) => floor + (more.has(row) ? 1 : 0));
}

/** How many synthetic negatives each row is to get of `asked.synthetic` + `asked.found` (its n). */
export function dealByRatio(
  { reading, value }: Ratio,
  asked: { readonly synthetic: number; readonly found: number },
  deal: Deal,
): number[] {
  const n = asked.synthetic + asked.found;
  switch (reading) {
    case "instances": {
      const chosen = draw(Math.round(value * deal.have.length), asked.synthetic, deal);
      return deal.have.map((_, row) => (chosen.has(row) ? asked.synthetic : 0));
    }
    case "perFound":
      return dealEvenly((n * value) / (1 + value), deal);
    case "share":
      return dealEvenly(n * value, deal);
    default:
      return reading satisfies never;
  }
}
