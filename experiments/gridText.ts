/** table.md of a grid: the tables, what their columns mean, what failed, and what the runs had to say. */
import type { RankedBy } from "../src/domain/ranking.ts";
import { fewestClean } from "../src/domain/run.ts";
import type { Table, TableInput, TableRow } from "./gridTable.ts";
import { differenceCell, figure, meanCell, NOTHING, orNothing, probability, tableHead, tableLine } from "./print.ts";

export interface Failure {
  readonly arm: string;
  readonly seed: number;
  readonly error: string;
}

export interface MarkdownInput extends TableInput {
  readonly seeds: readonly number[];
  readonly tables: readonly Table[];
  readonly failures: readonly Failure[];
}

/** Variances span many orders of magnitude. */
const scale = (value: number): string => String(Number(value.toPrecision(3)));

function figureCells(row: TableRow, { reference, seeds }: MarkdownInput): string[] {
  const { mean, against, trained } = row;
  const missing = trained && row.seeds.length < seeds.length;
  return [
    row.name + (missing ? ` (${row.seeds.length} of ${seeds.length} seeds)` : ""),
    meanCell(mean),
    trained ? orNothing(row.spread, (value) => `± ${figure(value)}`) : NOTHING,
    trained && row.name === reference ? "reference" : against ? differenceCell(against) : NOTHING,
    orNothing(against?.pValue ?? null, probability),
    orNothing(row.holm, probability),
  ];
}

function diagnosticCells({ traceVariance, embeddingVariance, shortcutBefore, shortcutAfter }: TableRow): string[] {
  return [
    orNothing(traceVariance, scale),
    orNothing(embeddingVariance, scale),
    shortcutBefore === null && shortcutAfter === null
      ? NOTHING
      : `${orNothing(shortcutBefore, figure)} → ${orNothing(shortcutAfter, figure)}`,
  ];
}

const titles: Readonly<Record<RankedBy, string>> = {
  alone: "the encoder alone",
  rrf: "encoder and BM25, fused by reciprocal ranks",
  zscore: "encoder and BM25, fused by z-scores",
};

const columns = (reference: string | undefined): string[] => [
  "",
  "nDCG@10",
  "seeds",
  reference === undefined ? "against" : `against ${reference}`,
  "p",
  "p (Holm)",
];

/** Diagnostics are of the training: they stand in the first table alone. */
function tableText(table: Table, input: MarkdownInput): string[] {
  const { queries, by, rows } = table;
  const first = queries === "all" && by === "alone";
  const most = Math.max(0, ...rows.map((row) => row.queries));
  const head = [...columns(input.reference), ...(first ? ["V_tr", "V_emb", "shortcut"] : [])];
  const cells = (row: TableRow) => [...figureCells(row, input), ...(first ? diagnosticCells(row) : [])];
  const title = `**${queries === "all" ? "All" : "Clean"} queries (${most}), ${titles[by]}**`;
  return [title, "", ...tableHead(head), ...rows.map((row) => tableLine(cells(row))), ""];
}

/** What the tables leave unsaid of clean queries. */
function cleanText({ tables, finished }: MarkdownInput): string[] {
  if (tables.some(({ queries }) => queries === "clean"))
    return [
      "Clean: neither shares a relevant document with a training query nor nearly repeats one (word Jaccard ≥ .7).",
    ];
  if (finished.some(({ perQuery }) => perQuery.clean.length === 0))
    return [`Fewer than ${fewestClean} queries are clean, too few for figures of their own.`];
  if (finished.length === 0) return [];
  return ["Every query is clean: none shares a judged document with a training query or nearly repeats one."];
}

/** What the runs said, each sentence once, with the arms that said it. */
function notesOf({ arms, finished }: TableInput): string[] {
  const said = new Map<string, Set<string>>();
  for (const { row } of finished) {
    for (const note of row.notes) said.set(note, (said.get(note) ?? new Set()).add(row.arm));
  }
  return [...said].map(([note, by]) => `- ${by.size === arms.length ? "All arms" : [...by].join("; ")}: ${note}`);
}

export function markdown(input: MarkdownInput): string {
  const { tables, seeds, failures } = input;
  const queries = Math.max(0, ...tables.flatMap(({ rows }) => rows.map((row) => row.queries)));
  const lines = [
    ...tables.flatMap((table) => tableText(table, input)),
    ...cleanText(input),
    `${queries} queries; ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}. Each query's value is its mean over the seeds; in brackets the 95 % bootstrap`,
    "interval over queries, which speaks of other queries and not of other seeds; ±: standard deviation over seeds. p: paired randomisation test;",
    "Holm's correction is over the arms of one table that are compared. V_tr: trace of the covariance of the parameter gradient before training. V_emb:",
    "the same of the gradient by the query's vector. Shortcut: area under the ROC curve of a linear probe for written against found negatives, before",
    "→ after training (.5: origin does not show). The last three are without in-training negatives (ANCE, ADORE), and V_emb and shortcut without",
    `in-batch ones. ${NOTHING}: not measured.`,
  ];
  const failed = failures.map(({ arm, seed, error }) => `- ${arm}, seed ${seed}: ${error}`);
  const notes = notesOf(input);
  if (failed.length > 0) lines.push("", "Failed:", "", ...failed);
  if (notes.length > 0) lines.push("", "Notes of the runs:", "", ...notes);
  return `${lines.join("\n")}\n`;
}
