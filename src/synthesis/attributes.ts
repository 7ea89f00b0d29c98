/** What is drawn for each request: SyNeg's attributes, and the seed that the model is given. */
import { random } from "../base/random.ts";
import type { Generation } from "../domain/generation.ts";
import type { QueryId } from "../domain/ids.ts";

/** The `index`-th negative of a query (from 0), on its `attempt`-th try (from 1). */
export interface Draw {
  readonly index: number;
  readonly attempt: number;
}

/** A request to a model carries the seed that it is to be sampled with. */
export interface Seeded {
  readonly seed: number;
}

type Lists = Pick<Generation, "attributes" | "domains" | "levels" | "lengths" | "seed">;

/**
 * Domain, level and length, each evenly from its list; the same over all tries of one negative. An empty list leaves its
 * attribute out and the other two as they were. The values are a person's or a model's words: they stay on one line.
 */
export function drawAttributes(generation: Lists, queryId: QueryId, index: number): Readonly<Record<string, string>> {
  const source = random(generation.seed, `${queryId} ${index}`);
  const drawn: Record<string, string> = {};
  const lists = { domain: generation.domains, level: generation.levels, length: generation.lengths };
  for (const [name, values] of Object.entries(lists)) {
    const value = values[Math.floor(source.next() * values.length)];
    if (generation.attributes && value !== undefined) drawn[name] = value.replaceAll(/\s+/g, " ");
  }
  return drawn;
}

/** Another one for each negative, try and stage. 31 bits: every provider takes them as a signed integer. */
export function modelSeed(generation: Pick<Generation, "seed">, queryId: QueryId, draw: Draw, stage: string): number {
  return random(generation.seed, `${queryId} ${draw.index} attempt ${draw.attempt} ${stage}`).integer(2 ** 31);
}
