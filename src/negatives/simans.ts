/**
 * SimANS (Zhou et al., EMNLP 2022, arXiv 2210.11773): negatives that score about as high as the positive are drawn most
 * often; those far below it teach nothing, those far above it are likely answers themselves. Of the guide's `last` best:
 *
 *   p_i ∝ exp(−a · (scale · (s(q, d_i) − s(q, d+)) − b)²)
 *
 * The official code (microsoft/SimXNS, SimANS/utils/MARCO_until_Doc.py line 131) has exp(−(s_i − s+ + b)² · a): the other sign of b. Its
 * defaults are a = .5 and b = 0, b = 1 for Natural Questions, 15 negatives from the 200 best, on AR2's unnormalised inner
 * products. Cosines are some twenty times narrower, so differences are scaled first; with scale = 1 the draw is nearly uniform.
 */
import { random } from "../base/random.ts";
import type { RequestOf } from "../domain/configNegatives.ts";
import type { DocumentId } from "../domain/ids.ts";
import type { FoundNegative } from "../domain/negative.ts";
import type { Ranking } from "../domain/ranking.ts";
import { irrelevant } from "./samplers.ts";

export type SimAnsConstants = Pick<RequestOf<"simans">, "last" | "a" | "b" | "scale" | "sign">;

/** ln p_i but for a constant. `difference`: s(q, d_i) − s(q, d+). */
export function simAnsLogWeight(difference: number, { a, b, scale, sign }: SimAnsConstants): number {
  const shifted = scale * difference + (sign === "paper" ? -b : b);
  return -a * shifted * shifted;
}

/**
 * All candidates in the order of drawing one after the other without replacement. Drawn by the Gumbel top-k trick (Kool et
 * al., 2019, arXiv 1903.06059): sorting by ln p_i − ln(−ln u_i) gives the same distribution as successive draws, and
 * never leaves log space, so weights that would underflow still have an order.
 *
 * `positive`: s(q, d+) by the same guide; of several positives the least, as sentence-transformers takes it.
 */
export function sampleSimAns(
  ranking: Ranking,
  relevant: ReadonlySet<DocumentId>,
  { positive, seed, ...constants }: SimAnsConstants & { readonly positive: number; readonly seed: number },
): FoundNegative[] {
  const source = random(seed, `simans ${ranking.queryId}`);
  // Half a step of the generator keeps u inside (0, 1).
  const gumbel = () => -Math.log(-Math.log(source.next() + 2 ** -33));
  return irrelevant("simans", ranking, relevant)
    .slice(0, constants.last)
    .map((found) => ({ found, key: simAnsLogWeight(found.score - positive, constants) + gumbel() }))
    .sort((x, y) => y.key - x.key)
    .map(({ found }) => found);
}
