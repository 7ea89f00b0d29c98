/** The whole benchmark, wherever it runs. */
import { present } from "../src/base/assert.ts";
import { messageOf } from "../src/base/errors.ts";
import { describeAdapter, isSoftwareAdapter } from "../src/gpu/device.ts";
import { runCell, type CellResult, type Entrant } from "./cell.ts";
import type { BenchEngine, EngineName } from "./engines/engine.ts";
import { openEngine } from "./engines/open.ts";
import type { Host } from "./host.ts";
import { profilesOf } from "./kernels.ts";
import { leaksOf } from "./leak.ts";
import { matmulRate, plainMatmulRates, type MatmulRate } from "./matmul/matmul.ts";
import { madeUpWeights } from "./numbers.ts";
import type { Options } from "./options.ts";
import type { Report } from "./report.ts";
import { batchesOf, shapeOf, type BatchKind } from "./work.ts";

/** Batches in a set. */
const SET = 2;

/** A step takes seconds on the one kind of adapter and milliseconds on the other. */
const sizes = {
  software: { queries: 4, steps: 1, turns: 4 },
  hardware: { queries: 32, steps: 20, turns: 7 },
} as const;

interface Setting {
  readonly adapter: string;
  readonly software: boolean;
  readonly queries: number;
  readonly steps: number;
  readonly turns: number;
}

async function settingOf(options: Options, { gpu }: Host): Promise<Setting> {
  const { info } = present(await gpu.requestAdapter({ powerPreference: "high-performance" }), "a WebGPU adapter");
  const software = isSoftwareAdapter(info);
  const usual = software ? sizes.software : sizes.hardware;
  return {
    adapter: describeAdapter(info),
    software,
    queries: options.queries ?? usual.queries,
    steps: options.steps ?? usual.steps,
    turns: options.turns ?? usual.turns,
  };
}

/** Matrix products of our plain kernels and of each peer, the best first. */
async function ratesOf(engines: readonly EngineName[], host: Host): Promise<MatmulRate[]> {
  const rates: MatmulRate[] = [...(await plainMatmulRates(host.gpu))];
  for (const name of engines) {
    try {
      const engine = await openEngine(name, host.gpu);
      const prepare = engine.multiplier;
      if (prepare) rates.push(await matmulRate(name, prepare));
      engine.dispose();
    } catch (error) {
      host.say(`${name}: ${messageOf(error)}`);
    }
  }
  for (const { by, size, flopsPerSecond } of rates) {
    host.say(`matrix product, ${by}: ${(flopsPerSecond / 1e9).toFixed(2)} GFLOP/s at ${size}`);
  }
  return rates.sort((a, b) => b.flopsPerSecond - a.flopsPerSecond);
}

async function entrantsOf(
  { engines }: Options,
  rates: readonly MatmulRate[],
  host: Host,
): Promise<{ entrants: Entrant[]; missing: [EngineName, string][] }> {
  const entrants: Entrant[] = [];
  const missing: [EngineName, string][] = [];
  for (const name of engines) {
    const own = rates.find(({ by }) => by === name) ?? rates[0];
    try {
      const engine: BenchEngine = await openEngine(name, host.gpu);
      entrants.push({ engine, rate: own?.flopsPerSecond ?? Infinity });
    } catch (error) {
      missing.push([name, messageOf(error)]);
    }
  }
  return { entrants, missing };
}

async function timeCell(
  shape: string,
  kind: BatchKind,
  { options, setting, rates }: { options: Options; setting: Setting; rates: readonly MatmulRate[] },
  host: Host,
): Promise<CellResult> {
  const { queries, turns, steps } = setting;
  const encoder = shapeOf(shape);
  const { entrants, missing } = await entrantsOf(options, rates, host);
  const batches = batchesOf({ kind, queries, count: SET, vocabulary: encoder.vocabulary });
  host.say(`${shape}, ${kind} lengths: ${batches.map(({ tokens }) => tokens).join(" and ")} tokens`);
  const result = await runCell(
    {
      shape,
      batch: kind,
      task: { shape: encoder, weights: madeUpWeights(encoder), batches },
      turns,
      calls: steps,
      budget: options.budget,
      groups: options.groups,
      adapter: setting.adapter,
    },
    entrants,
    host,
  );
  for (const { engine } of entrants) engine.dispose();
  const skipped = missing.map(([engine, reason]) => ({ shape, batch: kind, engine, reason }));
  return { ...result, skipped: [...skipped, ...result.skipped] };
}

/** Errors: of our own engine; a peer's are reasons in the report. */
export async function bench(options: Options, host: Host): Promise<Report> {
  const setting = await settingOf(options, host);
  const { adapter, software, queries } = setting;
  const empty = { matmul: [], rows: [], ratios: [], checks: [], outcomes: [], skipped: [], leaks: [], profiles: [] };
  const report: Report = { adapter, host: host.name, software, ...empty };
  switch (options.mode) {
    case "leak":
      return { ...report, leaks: await leaksOf(options, host) };
    case "profile":
      return { ...report, profiles: await profilesOf(options, queries, host) };
    case "time": {
      const rates = await ratesOf(options.engines, host);
      const results: CellResult[] = [];
      for (const shape of options.shapes) {
        for (const kind of options.batches) {
          results.push(await timeCell(shape, kind, { options, setting, rates }, host));
        }
      }
      return {
        ...report,
        matmul: rates,
        rows: results.flatMap(({ rows }) => rows),
        ratios: results.flatMap(({ ratios }) => ratios),
        checks: results.flatMap(({ checks }) => checks),
        outcomes: results.flatMap(({ outcomes }) => outcomes),
        skipped: results.flatMap(({ skipped }) => skipped),
      };
    }
    default:
      return options.mode satisfies never;
  }
}
