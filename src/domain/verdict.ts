/** The sentences at the end of a run. Better, worse and no reliable difference are said in the same tone. */
import type { LeakReport } from "./collection.ts";
import type { Comparison } from "./ranking.ts";
import { fewestClean, heldOutSplit, type RunResult } from "./run.ts";

const three = (x: number): string => x.toFixed(3).replace(/^0\./u, ".");
/** The sign of what is printed: −.0004 is +.000, not −.000. */
const signed = (x: number): string => `${x <= -0.0005 ? "−" : "+"}${three(Math.abs(x))}`;
const probability = (p: number): string => (p < 0.001 ? "p < .001" : `p = ${three(p)}`);

const whole = (count: number): string => count.toLocaleString("en");

/** "300 test queries", "12 clean made-up queries for held-out documents". */
export function queriesOn(queries: number, split: string): string {
  const noun = queries === 1 ? "query" : "queries";
  if (!split.endsWith(heldOutSplit)) return `${whole(queries)} ${split} ${noun}`;
  return `${whole(queries)} ${split.slice(0, -heldOutSplit.length)}made-up ${noun} for ${heldOutSplit}`;
}

/** "Search got better: nDCG@10 rose by +.041 (95 % interval .012 to .070, p = .003) on 300 test queries." */
export function verdictSentence(comparison: Comparison, split: string, queries: number): string {
  const { difference, pValue, verdict } = comparison;
  const where = `on ${queriesOn(queries, split)}`;
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

/** What stands in place of figures on clean queries that are too few. */
export function tooFewSentence(clean: number, split: string): string {
  const some =
    clean === 0
      ? "There is no clean query"
      : `There ${clean === 1 ? "is" : "are"} only ${queriesOn(clean, `clean ${split}`)}`;
  return `${some}: with fewer than ${fewestClean} no figure is given.`;
}

/** How far training gives away the queries of a split: said also where it does not. */
export function leakSentence(report: LeakReport, split: string): string {
  const { queries, sharedDocument, nearCopy, clean } = report;
  if (report.madeOfDocuments) {
    const repeat =
      nearCopy === 0 ? "none nearly repeats" : `${whole(nearCopy)} nearly ${nearCopy === 1 ? "repeats" : "repeat"}`;
    return `Of ${queriesOn(queries, split)}, ${repeat} a title or sentence that was trained on. No judgement was trained on.`;
  }
  if (sharedDocument === 0 && nearCopy === 0)
    return `Of ${queriesOn(queries, split)}, none shares a relevant document with a training query, and none nearly repeats one.`;
  const shared = `${whole(sharedDocument)} ${sharedDocument === 1 ? "shares" : "share"} a relevant document with a training query`;
  const repeated = `${whole(nearCopy)} nearly ${nearCopy === 1 ? "repeats" : "repeat"} one`;
  const neither = clean === undefined ? "" : `; ${clean === 1 ? "1 is" : `${whole(clean)} are`} clean, that is neither`;
  return `Of ${queriesOn(queries, split)}, ${shared} and ${repeated}${neither}.`;
}

/** The verdict on all queries, and on the clean ones where there is another. */
export function verdictsOf({ verdict, clean }: Pick<RunResult, "verdict" | "clean">): string[] {
  return [...new Set([verdict, ...(clean ? [clean.verdict] : [])])];
}
