/**
 * The tables of a grid: every arm over its seeds, against the reference arm, beside BM25 and the encoder before training;
 * by the encoder alone and fused with BM25; on all queries, and on the clean ones where not all are.
 */
import { present } from "../src/base/assert.ts";
import type { GradientVariance, Snapshot } from "../src/domain/diagnostics.ts";
import { holm } from "../src/domain/holm.ts";
import type { QueryId } from "../src/domain/ids.ts";
import {
  rankedBy,
  systemsOf,
  type BySystem,
  type Comparison,
  type EncoderState,
  type Interval,
  type MetricName,
  type RankedBy,
  type SystemName,
} from "../src/domain/ranking.ts";
import type { RunResult } from "../src/domain/run.ts";
import { compareOverSeeds, meanIntervals, overSeeds, type SeedRun } from "../src/retrieval/significance.ts";

/** What the table compares. */
export const METRIC = "ndcg@10" satisfies MetricName;
/** Of the table's own resampling: the same results give the same table. */
const SEED = 1;

/** One run as grid.json and its own result.json hold it. */
export interface GridRow {
  readonly arm: string;
  readonly seed: number;
  readonly metrics: BySystem<Readonly<Record<MetricName, Interval>>>;
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
  /** Those that are clean; none where they are too few for a figure. */
  readonly clean: readonly QueryId[];
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

export interface Table {
  readonly queries: "all" | "clean";
  /** By what the arms and the encoder before training rank. */
  readonly by: RankedBy;
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  readonly name: string;
  readonly system: SystemName;
  /** An arm of the grid, and not what stands beside the arms. */
  readonly trained: boolean;
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

function seedRun({ perQuery }: FinishedRun, system: SystemName, queries: Table["queries"]): SeedRun {
  const { queryIds, clean } = perQuery;
  if (queries === "all") return { queryIds, values: perQuery[system] };
  const kept = new Set(clean);
  return { queryIds: clean, values: perQuery[system].filter((_, i) => kept.has(present(queryIds[i], "query"))) };
}

/** The lines' systems on the seeds that both finished. Null where they have none in common. */
function against(line: Line, reference: Line, queries: Table["queries"]): Comparison | null {
  const seeds = new Set(line.runs.map(({ row }) => row.seed));
  const paired = reference.runs.filter(({ row }) => seeds.has(row.seed));
  const own = paired.flatMap(({ row }) => line.runs.filter((run) => run.row.seed === row.seed));
  if (own.length === 0) return null;
  return compareOverSeeds(
    paired.map((run) => seedRun(run, reference.system, queries)),
    own.map((run) => seedRun(run, line.system, queries)),
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
  readonly trained: boolean;
}

function rowOf(line: Line, reference: Line, queries: Table["queries"]): TableRow {
  const { name, system, runs, trained } = line;
  const measured = runs.map((run) => seedRun(run, system, queries));
  const values = [...overSeeds(measured).values()];
  const seen = trained ? runs.map(({ row }) => row.diagnostics) : [];
  return {
    name,
    system,
    trained,
    seeds: runs.map(({ row }) => row.seed),
    queries: values.length,
    mean: values.length === 0 ? null : (meanIntervals([values], SEED)[0] ?? null),
    spread: standardDeviation(measured.flatMap((run) => meanOf(run.values) ?? [])),
    against: trained && runs === reference.runs ? null : against(line, reference, queries),
    holm: null,
    traceVariance: meanOf(seen.map(({ variance }) => variance?.trace)),
    embeddingVariance: meanOf(seen.map(({ snapshots }) => embeddingVarianceOf(snapshots[0]))),
    shortcutBefore: meanOf(seen.map(({ snapshots }) => snapshots[0]?.shortcut)),
    shortcutAfter: meanOf(seen.map(({ snapshots }) => snapshots.at(-1)?.shortcut)),
  };
}

function corrected(rows: readonly TableRow[]): TableRow[] {
  const family = rows.filter(({ trained, against }) => trained && against);
  const adjusted = holm(family.map(({ against }) => against?.pValue ?? 1));
  return rows.map((row) => ({ ...row, holm: adjusted[family.indexOf(row)] ?? null }));
}

/** BM25 and "before" are of the reference arm's runs, or of the first arm's where there is no reference. */
function tableOf({ arms, reference, finished }: TableInput, queries: Table["queries"], by: RankedBy): Table {
  const byArm = new Map(arms.map((arm) => [arm, finished.filter(({ row }) => row.arm === arm)]));
  const compared = (reference === undefined ? undefined : byArm.get(reference)) ?? [];
  const shown = compared.length > 0 ? compared : ([...byArm.values()].find((runs) => runs.length > 0) ?? []);
  const systemBy = (encoder: EncoderState): SystemName =>
    present(
      systemsOf(encoder).find((system) => system.by === by),
      by,
    ).name;
  const [before, after] = [systemBy("before"), systemBy("after")];
  const lines: Line[] = [
    { name: "BM25 search", system: "bm25", runs: shown, trained: false },
    { name: "before training", system: before, runs: shown, trained: false },
    ...[...byArm].map(([name, runs]): Line => ({ name, system: after, runs, trained: true })),
  ];
  const to = { name: reference ?? "", system: after, runs: compared, trained: true };
  return { queries, by, rows: corrected(lines.map((line) => rowOf(line, to, queries))) };
}

/** Clean queries have tables where there are any and not all are clean. */
export function tablesOf(input: TableInput): Table[] {
  const runs = input.finished.map(({ perQuery }) => perQuery);
  const some = runs.some(({ queryIds, clean }) => clean.length < queryIds.length);
  const enough = runs.every(({ clean }) => clean.length > 0);
  const sets = some && enough ? (["all", "clean"] as const) : (["all"] as const);
  return sets.flatMap((queries) => rankedBy.map((by) => tableOf(input, queries, by)));
}
