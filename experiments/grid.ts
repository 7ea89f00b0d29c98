/**
 * A grid of experiments: every arm (a recipe) with every seed, through the function that a single experiment uses, and a
 * table that compares them. What is done is not done again: a run counts as done when its result.json is there and was
 * made from the same data, recipe, encoder and engine. That file is written last and put in its place whole, so that a
 * grid that was killed loses the run at hand and nothing else.
 *
 *   npm run experiment -- --grid FILE --out DIR [--seeds N] [--steps N] [--data …] [--encoder …] [--guide …] [--engine …]
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { present } from "../src/base/assert.ts";
import { digestOf } from "../src/base/digest.ts";
import { recordOf } from "../src/base/record.ts";
import { isUserError, messageOf } from "../src/base/errors.ts";
import type { Config } from "../src/domain/config.ts";
import { encoderDigest, type EncoderFolder } from "../src/domain/encoder.ts";
import type { QueryId } from "../src/domain/ids.ts";
import { systemNames, systemsOf } from "../src/domain/ranking.ts";
import type { RunProducts, RunResult } from "../src/domain/run.ts";
import type { ImportResult } from "../src/domain/stages.ts";
import type { RunInput } from "../src/pipeline/run.ts";
import { encoderFolder, rootOf, type Shipped } from "./files.ts";
import { planOf, type GridPlan } from "./gridFile.ts";
import { METRIC, tablesOf, type FinishedRun, type GridRow, type PerQuery } from "./gridTable.ts";
import { markdown, type Failure } from "./gridText.ts";
import { resultJson, trecRuns, type Digests } from "./result.ts";

/** What a single experiment is made of. */
export interface GridHost {
  readonly shipped: Shipped;
  readCollection(root: string, out: string): Promise<ImportResult>;
  /** Runs one recipe and closes what it opened; `out` is the folder for its steps. */
  perform(
    input: RunInput,
    out: string,
  ): Promise<{
    readonly outcome: { readonly result: RunResult };
    /** What the run made or was given. */
    readonly products: RunProducts;
  }>;
}

interface One {
  readonly arm: string;
  readonly seed: number;
  readonly config: Config;
  /** DIR/arm/seed. */
  readonly out: string;
  readonly digests: Digests;
}

interface Grid {
  readonly plan: GridPlan;
  readonly host: GridHost;
  readonly collection: ImportResult;
  readonly folder: EncoderFolder;
  readonly guide: EncoderFolder | undefined;
  /** What runs with one seed and one way of measuring have in common, by a digest of both. */
  readonly shared: Map<string, RunProducts>;
}

/** Puts a file in its place whole or not at all. */
function writeWhole(file: string, content: string): void {
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Those of the result that neither share an answer with training nor nearly repeat a training query. */
function cleanQueries({ clean, systems }: RunResult): readonly QueryId[] {
  if (!clean) return systems.after.queryIds;
  return clean.kind === "measured" ? clean.systems.after.queryIds : [];
}

function perQueryOf(result: RunResult): PerQuery {
  const { systems } = result;
  const values = recordOf(systemNames, (name) => systems[name]?.perQuery[METRIC] ?? []);
  return { metric: METRIC, queryIds: systems.after.queryIds, clean: cleanQueries(result), ...values };
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
/** What tells whether a result.json is of this run, and what the table takes from it; {@link performed} wrote the rest. */
const resultFile = v.object({
  digest: v.record(v.string(), v.nullable(v.string())),
  engine: v.object({ kind: v.string() }),
  metrics: v.custom<GridRow["metrics"]>(isObject),
  gate: v.custom<GridRow["gate"]>((gate) => gate === null || isObject(gate)),
  diagnostics: v.custom<GridRow["diagnostics"]>(isObject),
  notes: v.array(v.string()),
  seconds: v.custom<GridRow["seconds"]>(isObject),
});
/** With every system of today: a run of a version that had fewer is done anew. */
const perQueryFile = v.looseObject({
  metric: v.literal(METRIC),
  queryIds: v.custom<readonly QueryId[]>(Array.isArray),
  clean: v.custom<readonly QueryId[]>(Array.isArray),
  ...recordOf(systemNames, () => v.array(v.number())),
});

/** The run as its folder has it, if it is whole and was made from the same things. */
function finishedIn({ arm, seed, out, digests }: One, { engine }: GridPlan): FinishedRun | undefined {
  try {
    const read = (name: string): unknown => JSON.parse(readFileSync(path.join(out, name), "utf8"));
    const result = v.parse(resultFile, read("result.json"));
    if (digestOf(result.digest) !== digestOf(digests) || result.engine.kind !== engine) return undefined;
    const { metrics, gate, diagnostics, notes, seconds } = result;
    const row = { arm, seed, metrics, gate, diagnostics, notes, seconds };
    return { row, perQuery: v.parse(perQueryFile, read("perquery.json")) };
  } catch {
    // No such file, half a file, or a file of something else: the run is done anew.
    return undefined;
  }
}

/** Measuring before training depends on these keys of a recipe and on nothing else of it. */
function measuringKey(config: Config): string {
  const { seed, evaluate, maxQueryTokens, maxDocumentTokens, queryPrefix, documentPrefix, pooling } = config;
  const trains = config.steps !== 0 && (config.steps !== undefined || config.epochs > 0);
  return digestOf({ seed, evaluate, maxQueryTokens, maxDocumentTokens, queryPrefix, documentPrefix, pooling, trains });
}

/** What does not depend on the training. */
function untrained(products: RunProducts): RunProducts {
  const names = ["bm25", "vectorsBefore", ...systemsOf("before").map(({ name }) => name)];
  return Object.fromEntries(Object.entries(products).filter(([name]) => names.includes(name)));
}

async function performed(one: One, grid: Grid): Promise<FinishedRun> {
  const { plan, host, collection, folder, guide, shared } = grid;
  mkdirSync(one.out, { recursive: true });
  // From here on the folder is half a run until the new result.json is there.
  rmSync(path.join(one.out, "result.json"), { force: true });
  const key = measuringKey(one.config);
  const known = shared.get(key);
  const input: RunInput = {
    collection: collection.collection,
    folder,
    engine: plan.engine,
    config: one.config,
    checkpointEvery: Infinity,
    ...(guide && { guide }),
    ...(known && { products: known }),
  };
  const { outcome, products } = await host.perform(input, one.out);
  if (products.vectorsBefore) shared.set(key, untrained(products));
  for (const [file, content] of Object.entries(trecRuns(products))) writeFileSync(path.join(one.out, file), content);
  writeFileSync(path.join(one.out, "perquery.json"), json(perQueryOf(outcome.result)));
  writeWhole(path.join(one.out, "result.json"), json(resultJson(outcome.result, one.config, one.digests)));
  return present(finishedIn(one, plan), "the result that was just written");
}

function report({ plan }: Grid, finished: readonly FinishedRun[], failures: readonly Failure[]): void {
  const { reference, seeds, out } = plan;
  const arms = plan.arms.map(({ name }) => name);
  const tables = tablesOf({ arms, reference, finished });
  const rows = [...finished.map(({ row }) => row), ...failures];
  writeWhole(path.join(out, "grid.json"), json({ reference: reference ?? null, metric: METRIC, seeds, rows, tables }));
  writeWhole(path.join(out, "table.md"), markdown({ arms, reference, seeds, finished, tables, failures }));
}

/** Seed by seed, so that early on there is a whole table. */
async function runsOf({ plan, collection, folder, guide }: Grid): Promise<One[]> {
  const fixed = {
    data: collection.summary.digest,
    encoder: await encoderDigest(folder),
    guide: guide ? await encoderDigest(guide) : null,
  };
  return plan.seeds.flatMap((seed) =>
    plan.arms.map(({ name, configOf }): One => {
      const config = configOf(seed);
      const digests = { ...fixed, config: digestOf(config) };
      return { arm: name, seed, config, out: path.join(plan.out, name, String(seed)), digests };
    }),
  );
}

/** The exit code: 0, or 1 where a run failed. Errors: InvalidGrid, BadArgument, what reading the data throws. */
export async function runGrid(args: readonly string[], host: GridHost): Promise<number> {
  const plan = planOf(args);
  const { data, encoder } = host.shipped;
  const folder = encoderFolder(rootOf(encoder, plan.encoder));
  const guide = plan.guide === undefined ? undefined : encoderFolder(rootOf(encoder, plan.guide));
  mkdirSync(plan.out, { recursive: true });
  const collection = await host.readCollection(rootOf(data, plan.data), plan.out);
  const grid: Grid = { plan, host, collection, folder, guide, shared: new Map() };
  const [finished, failures]: [FinishedRun[], Failure[]] = [[], []];
  const runs = await runsOf(grid);
  for (const [i, one] of runs.entries()) {
    const done = finishedIn(one, plan);
    console.log(`── ${one.arm}, seed ${one.seed} (${i + 1} of ${runs.length})${done ? ": done before" : ""}`);
    try {
      finished.push(done ?? (await performed(one, grid)));
    } catch (error) {
      console.error(isUserError(error) ? error.message : error);
      failures.push({ arm: one.arm, seed: one.seed, error: messageOf(error) });
    }
    if (!done || i === runs.length - 1) report(grid, finished, failures);
  }
  console.log(readFileSync(path.join(plan.out, "table.md"), "utf8"));
  return failures.length === 0 ? 0 : 1;
}
