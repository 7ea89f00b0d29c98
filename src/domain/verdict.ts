/** The sentence at the end of a run. Better, worse and no reliable difference are said in the same tone. */
import type { Comparison } from "./ranking.ts";

const three = (x: number): string => x.toFixed(3).replace(/^0\./u, ".");
/** The sign of what is printed: −.0004 is +.000, not −.000. */
const signed = (x: number): string => `${x <= -0.0005 ? "−" : "+"}${three(Math.abs(x))}`;
const probability = (p: number): string => (p < 0.001 ? "p < .001" : `p = ${three(p)}`);

/** "Search got better: nDCG@10 rose by +.041 (95 % interval .012 to .070, p = .003) on 300 test queries." */
export function verdictSentence(comparison: Comparison, split: string, queries: number): string {
  const { difference, pValue, verdict } = comparison;
  const where = `on ${queries} ${split} ${queries === 1 ? "query" : "queries"}`;
  const figures = `95 % interval ${signed(difference.low)} to ${signed(difference.high)}, ${probability(pValue)}`;
  switch (verdict) {
    case "better":
      return `Search got better: nDCG@10 changed by ${signed(difference.value)} (${figures}) ${where}.`;
    case "worse":
      return `Search got worse: nDCG@10 changed by ${signed(difference.value)} (${figures}) ${where}.`;
    case "no reliable difference":
      return `No reliable difference: nDCG@10 changed by ${signed(difference.value)} (${figures}) ${where}.`;
    default:
      return verdict satisfies never;
  }
}
