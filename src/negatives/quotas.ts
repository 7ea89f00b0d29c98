/** How many negatives of each kind each row gets: what a mix is, apart from which texts they are. */
import { random, shuffled } from "../base/random.ts";
import type { Config } from "../domain/config.ts";
import { isRefreshed, type NegativeRequest, type RequestOf } from "../domain/configNegatives.ts";
import { dealByRatio } from "./ratio.ts";

export type MixConfig = Pick<Config, "negatives" | "mix" | "ratio" | "seed">;

/** What the recipe asks for, a row. */
export interface Asked {
  readonly synthetic: number;
  readonly human: number;
  /** Before training. */
  readonly found: number;
  /** By ANCE and ADORE, while training goes on. */
  readonly refreshed: number;
}

export interface Quota {
  readonly synthetic: number;
  readonly human: number;
  readonly found: number;
  /** Synthetic negatives that the row should have had and does not have. */
  readonly lacking: number;
}

/** What a row could take. */
export type Have = Pick<Quota, "synthetic" | "human">;

export function askedOf({ negatives }: Pick<Config, "negatives">): Asked {
  const sum = (wanted: (source: NegativeRequest["source"]) => boolean): number =>
    negatives.reduce((total, { source, count }) => total + (wanted(source) ? count : 0), 0);
  const synthetic = sum((source) => source === "synthetic");
  const human = sum((source) => source === "human");
  const refreshed = sum(isRefreshed);
  return { synthetic, human, refreshed, found: sum(() => true) - synthetic - human - refreshed };
}

/**
 * Negatives a row before training. Under every mix the number of all negatives is the sum of the recipe's counts, so
 * that runs that differ in the mix alone compare at an equal number.
 */
export function rowSize(config: Pick<Config, "negatives" | "mix">): number {
  const { synthetic, human, found, refreshed } = askedOf(config);
  if (config.mix === "synthetic") return synthetic + human + found + refreshed;
  if (config.mix === "found" && found === 0 && refreshed > 0) return 0;
  return synthetic + human + found;
}

const least = Math.min;

/** Rows in random order take all the synthetic negatives that they have, up to n, until as many are dealt as under "hybrid". */
function dealDirect(asked: Asked, have: readonly Have[], seed: number): number[] {
  const order = shuffled(
    have.map((_, row) => row),
    random(seed, "direct"),
  );
  let budget = have.reduce((sum, { synthetic }) => sum + least(synthetic, asked.synthetic), 0);
  const dealt = have.map(() => 0);
  for (const row of order) {
    const takes = least(have[row]?.synthetic ?? 0, asked.synthetic + asked.found, budget);
    dealt[row] = takes;
    budget -= takes;
  }
  return dealt;
}

/** Synthetic negatives that each row should get. */
function wanted(config: MixConfig, asked: Asked, have: readonly Have[]): number[] {
  const { mix, ratio, seed } = config;
  if (mix === "found") return have.map(() => 0);
  if (mix === "direct") return dealDirect(asked, have, seed);
  if (mix === "synthetic") return have.map(({ human }) => rowSize(config) - least(human, asked.human));
  if (ratio) return dealByRatio(ratio, asked, { seed, have: have.map(({ synthetic }) => synthetic) });
  return have.map(() => asked.synthetic);
}

/** One quota a row. What a row lacks of written negatives it gets found, but not under "synthetic". */
export function quotasOf(config: MixConfig, have: readonly Have[]): Quota[] {
  const asked = askedOf(config);
  const size = rowSize(config);
  const synthetics = wanted(config, asked, have);
  return have.map((row, i): Quota => {
    const synthetic = least(row.synthetic, synthetics[i] ?? 0);
    const lacking = (synthetics[i] ?? 0) - synthetic;
    if (config.mix === "synthetic") return { synthetic, human: least(row.human, size - synthetic), found: 0, lacking };
    const human = config.mix === "found" ? 0 : least(row.human, asked.human);
    return { synthetic, human, found: size - synthetic - human, lacking };
  });
}

/** ANCE and ADORE as training is to search them; none where the mix has no found negatives. */
export function refreshRequests(
  config: Pick<Config, "negatives" | "mix">,
): readonly (RequestOf<"ance"> | RequestOf<"adore">)[] {
  if (config.mix === "synthetic") return [];
  const requests = config.negatives.filter((request) => request.source === "ance" || request.source === "adore");
  const { synthetic, human, found } = askedOf(config);
  // "found" has no row without them: where nothing else is found, the first takes the places of the written ones.
  const extra = config.mix === "found" && found === 0 ? synthetic + human : 0;
  return requests.map((request, i) => (i === 0 ? { ...request, count: request.count + extra } : request));
}
