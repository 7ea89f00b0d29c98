/** The table of a grid: every arm over its seeds, against the reference arm, beside BM25 and the encoder before training. */
import type { GradientVariance, Snapshot } from "../src/domain/diagnostics.ts";
import type { QueryId } from "../src/domain/ids.ts";
import type { Comparison, Interval, MetricName, SystemName } from "../src/domain/ranking.ts";
import type { RunResult } from "../src/domain/run.ts";
import { compareOverSeeds, holm, meanIntervals, overSeeds, type SeedRun } from "../src/retrieval/significance.ts";

/** What the table compares. */
export const METRIC = "ndcg@10" satisfies MetricName;
/** Of the table's own resampling: the same results give the same table. */
const SEED = 1;

/** One run as grid.json and its own result.json hold it. */
export interface GridRow {
  readonly arm: string;
  readonly seed: number;
  readonly metrics: Readonly<Record<SystemName, Readonly<Record<MetricName, Interval>>>>;
  readonly gate: RunResult["gate"] | null;
  readonly diagnostics: {
    readonly snapshots: readonly Snapshot[];
    readonly variance: GradientVariance | null;
    readonly normVariance: number | null;
  };
  readonly notes: readonly string[];
  readonly seconds: RunResult["seconds"];
}

/** {@link METRIC} query by query: perquery.json. */
export interface PerQuery extends Readonly<Record<SystemName, readonly number[]>> {
  readonly metric: MetricName;
  readonly queryIds: readonly QueryId[];
}

export interface FinishedRun {
  readonly row: GridRow;
  readonly perQuery: PerQuery;
}

export interface TableInput {
  /** In the order of the table. */
  readonly arms: readonly string[];
  readonly reference: string | undefined;
  readonly finished: readonly FinishedRun[];
}

export interface TableRow {
  readonly name: string;
  readonly system: SystemName;
  /** Those that finished. */
  readonly seeds: readonly number[];
  readonly queries: number;
  /** Of nDCG@10, over queries; each query's value is its mean over the seeds. */
  readonly mean: Interval | null;
  /** Standard deviation over seeds of the mean over queries. */
  readonly spread: number | null;
  /** Against the reference, over the seeds that both finished. */
  readonly against: Comparison | null;
  /** Over the arms that are compared; BM25 and the encoder before training are not among them. */
  readonly holm: number | null;
  readonly traceVariance: number | null;
  /** At the first look, before training: the weights are the same for every arm. */
  readonly embeddingVariance: number | null;
  readonly shortcutBefore: number | null;
  readonly shortcutAfter: number | null;
}

function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const present = values.filter((value) => typeof value === "number");
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

function standardDeviation(values: readonly number[]): number | null {
  const mean = meanOf(values);
  if (mean === null || values.length < 2) return null;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

const seedRun = ({ perQuery }: FinishedRun, system: SystemName): SeedRun => ({
  queryIds: perQuery.queryIds,
  values: perQuery[system],
});

/** The same seeds of both. Null where they have none in common. */
function against(runs: readonly FinishedRun[], system: SystemName, reference: readonly FinishedRun[]) {
  const seeds = new Set(runs.map(({ row }) => row.seed));
  const paired = reference.filter(({ row }) => seeds.has(row.seed));
  const own = paired.flatMap(({ row }) => runs.filter((run) => run.row.seed === row.seed));
  if (own.length === 0) return null;
  return compareOverSeeds(
    paired.map((run) => seedRun(run, "after")),
    own.map((run) => seedRun(run, system)),
    SEED,
  );
}

/** None of a look at rows that have no negatives of their own yet, as those of ANCE and ADORE before training. */
const embeddingVarianceOf = (look: Snapshot | undefined): number | null =>
  look && Object.keys(look.mass).some((source) => source !== "positive") ? look.embeddingVariance : null;

interface Line {
  readonly name: string;
  readonly system: SystemName;
  readonly runs: readonly FinishedRun[];
}

function rowOf({ name, system, runs }: Line, reference: readonly FinishedRun[]): TableRow {
  const measured = runs.map((run) => seedRun(run, system));
  const values = [...overSeeds(measured).values()];
  const seen = system === "after" ? runs.map(({ row }) => row.diagnostics) : [];
  return {
    name,
    system,
    seeds: runs.map(({ row }) => row.seed),
    queries: values.length,
    mean: values.length === 0 ? null : (meanIntervals([values], SEED)[0] ?? null),
    spread: standardDeviation(measured.flatMap((run) => meanOf(run.values) ?? [])),
    against: runs === reference && system === "after" ? null : against(runs, system, reference),
    holm: null,
    traceVariance: meanOf(seen.map(({ variance }) => variance?.trace)),
    embeddingVariance: meanOf(seen.map(({ snapshots }) => embeddingVarianceOf(snapshots[0]))),
    shortcutBefore: meanOf(seen.map(({ snapshots }) => snapshots[0]?.shortcut)),
    shortcutAfter: meanOf(seen.map(({ snapshots }) => snapshots.at(-1)?.shortcut)),
  };
}

function corrected(rows: readonly TableRow[]): TableRow[] {
  const family = rows.filter(({ system, against }) => system === "after" && against);
  const adjusted = holm(family.map(({ against }) => against?.pValue ?? 1));
  return rows.map((row) => ({ ...row, holm: adjusted[family.indexOf(row)] ?? null }));
}

/** BM25 and "before" are of the reference arm's runs, or of the first arm's where there is no reference. */
export function tableOf({ arms, reference, finished }: TableInput): TableRow[] {
  const byArm = new Map(arms.map((arm) => [arm, finished.filter(({ row }) => row.arm === arm)]));
  const compared = (reference === undefined ? undefined : byArm.get(reference)) ?? [];
  const shown = compared.length > 0 ? compared : ([...byArm.values()].find((runs) => runs.length > 0) ?? []);
  const lines: Line[] = [
    { name: "BM25 search", system: "bm25", runs: shown },
    { name: "before training", system: "before", runs: shown },
    ...[...byArm].map(([name, runs]): Line => ({ name, system: "after", runs })),
  ];
  return corrected(lines.map((line) => rowOf(line, compared)));
}

const NOTHING = "–";
/** ".318", "−.010", "1.000": as the tables of the field are printed. */
const figure = (value: number): string =>
  value
    .toFixed(3)
    .replace("-", "−")
    .replace(/^(−?)0\./u, "$1.");
const signed = (value: number): string => (value >= 0 ? "+" : "") + figure(value);
const orNothing = (value: number | null, print: (value: number) => string): string =>
  value === null ? NOTHING : print(value);
const probability = (p: number): string => (p < 0.001 ? "< .001" : figure(p));
/** Variances span many orders of magnitude. */
const scale = (value: number): string => String(Number(value.toPrecision(3)));

function cells(row: TableRow, reference: string | undefined, seeds: number): string[] {
  const { mean, against, shortcutBefore, shortcutAfter } = row;
  const missing = row.system === "after" && row.seeds.length < seeds;
  return [
    row.name + (missing ? ` (${row.seeds.length} of ${seeds} seeds)` : ""),
    mean ? `${figure(mean.value)} (${figure(mean.low)}–${figure(mean.high)})` : NOTHING,
    row.system === "after" ? orNothing(row.spread, (value) => `± ${figure(value)}`) : NOTHING,
    row.system === "after" && row.name === reference
      ? "reference"
      : against
        ? `${signed(against.difference.value)} (${signed(against.difference.low)} to ${signed(against.difference.high)})`
        : NOTHING,
    orNothing(against?.pValue ?? null, probability),
    orNothing(row.holm, probability),
    orNothing(row.traceVariance, scale),
    orNothing(row.embeddingVariance, scale),
    shortcutBefore === null && shortcutAfter === null
      ? NOTHING
      : `${orNothing(shortcutBefore, figure)} → ${orNothing(shortcutAfter, figure)}`,
  ];
}

const COLUMNS = ["", "nDCG@10", "seeds", "against", "p", "p (Holm)", "V_tr", "V_emb", "shortcut"];

export interface Failure {
  readonly arm: string;
  readonly seed: number;
  readonly error: string;
}

export interface MarkdownInput extends TableInput {
  readonly seeds: readonly number[];
  readonly table: readonly TableRow[];
  readonly failures: readonly Failure[];
}

/** What the runs said, each sentence once, with the arms that said it. */
function notesOf({ arms, finished }: TableInput): string[] {
  const said = new Map<string, Set<string>>();
  for (const { row } of finished) {
    for (const note of row.notes) said.set(note, (said.get(note) ?? new Set()).add(row.arm));
  }
  return [...said].map(([note, by]) => `- ${by.size === arms.length ? "All arms" : [...by].join("; ")}: ${note}`);
}

/** table.md: the table, what its columns mean, what failed, and what the runs had to say. */
export function markdown(input: MarkdownInput): string {
  const { table, reference, seeds, failures } = input;
  const queries = Math.max(0, ...table.map((row) => row.queries));
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;
  const head = COLUMNS.map((name) => (name === "against" && reference !== undefined ? `against ${reference}` : name));
  const lines = [
    line(head),
    line(COLUMNS.map(() => "---")),
    ...table.map((row) => line(cells(row, reference, seeds.length))),
    "",
    `${queries} queries; ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}. Each query's value is its mean over the seeds; in brackets the 95 % bootstrap`,
    "interval over queries, which speaks of other queries and not of other seeds; ±: standard deviation over seeds. p: paired randomisation test;",
    "Holm's correction is over the arms that are compared. V_tr: trace of the covariance of the parameter gradient before training. V_emb: the same of",
    "the gradient by the query's vector. Shortcut: area under the ROC curve of a linear probe for written against found negatives, before → after",
    "training (.5: origin does not show). The last three are without in-training negatives (ANCE, ADORE), and V_emb and shortcut without in-batch ones.",
    `${NOTHING}: not measured.`,
  ];
  const failed = failures.map(({ arm, seed, error }) => `- ${arm}, seed ${seed}: ${error}`);
  const notes = notesOf(input);
  if (failed.length > 0) lines.push("", "Failed:", "", ...failed);
  if (notes.length > 0) lines.push("", "Notes of the runs:", "", ...notes);
  return `${lines.join("\n")}\n`;
}
