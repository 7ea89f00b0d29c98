/** The table of one run: every system on all queries and on the clean ones, the comparisons, and what to say with them. */
import { comparisons, headlineMetrics, systems } from "../src/domain/ranking.ts";
import type { Figures, RunResult } from "../src/domain/run.ts";
import { leakSentence, queriesOn, verdictsOf } from "../src/domain/verdict.ts";
import { differenceCell, meanCell, probability, tableHead, tableLine } from "./print.ts";

function figuresTable(figures: Figures, split: string): string[] {
  const measured = systems.flatMap(({ name, words }) => {
    const scores = figures.systems[name];
    return scores ? [tableLine([words, ...headlineMetrics.map((metric) => meanCell(scores.mean[metric]))])] : [];
  });
  const compared = comparisons.flatMap(({ name, words }) => {
    const comparison = figures.comparisons[name];
    if (!comparison) return [];
    return [tableLine([words, differenceCell(comparison), probability(comparison.pValue), comparison.verdict])];
  });
  return [
    ...tableHead([queriesOn(figures.systems.after.queryIds.length, split), "nDCG@10", "MRR@10", "Recall@100"]),
    ...measured,
    "",
    ...tableHead(["nDCG@10", "difference", "p", ""]),
    ...compared,
    "",
  ];
}

/** As Markdown. */
export function resultTable(result: RunResult): string {
  const { split, clean, leak } = result;
  const lines = [
    ...figuresTable(result, split),
    ...(clean?.kind === "measured" ? figuresTable(clean, `clean ${split}`) : []),
    leak ? leakSentence(leak, split) : "No training query is known, so whether training gives queries away is not.",
    ...verdictsOf(result),
  ];
  return `${lines.join("\n")}\n`;
}
