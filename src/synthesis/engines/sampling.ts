/** Drawing the next token from a model's scores. */
import type { Random } from "../../base/random.ts";

export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (Number(logits[i]) > Number(logits[best])) best = i;
  return best;
}

/**
 * The index of a token out of the nucleus: the smallest set of likeliest tokens whose shares reach `topP` (Holtzman and
 * others, 2020, "The Curious Case of Neural Text Degeneration"). `logits`: [V], not normalised.
 */
export function drawToken(logits: Float32Array, { temperature, topP }: Sampling, source: Random): number {
  const best = likeliest(logits);
  if (temperature === 0) return best;
  const highest = Number(logits[best]);
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  let total = 0;
  for (const weight of weights) total += weight;
  // All tokens below this line together hold less than 1 − topP: none of them is in the nucleus, and few are left to sort.
  const line = ((1 - topP) / weights.length) * total;
  const candidates: { readonly token: number; readonly weight: number }[] = [];
  for (const [token, weight] of weights.entries()) if (weight > line) candidates.push({ token, weight });
  candidates.sort((a, b) => b.weight - a.weight || a.token - b.token);
  let kept = 0;
  let sum = 0;
  while (kept < candidates.length && sum < topP * total) sum += candidates[kept++]?.weight ?? 0;
  let left = source.next() * sum;
  for (const { token, weight } of candidates.slice(0, kept)) {
    left -= weight;
    if (left < 0) return token;
  }
  return best;
}
