/** What a run leaves behind as files. */
import os from "node:os";
import type { Config } from "../src/domain/config.ts";
import { comparisons, systemNames } from "../src/domain/ranking.ts";
import type { Figures, RunProducts, RunResult } from "../src/domain/run.ts";
import { rankingFiles } from "../src/export/files/results.ts";

export interface Digests {
  /** SHA-256 of what was accepted of the data, of the recipe with its defaults, of the encoders' files. */
  readonly data: string;
  readonly config: string;
  readonly encoder: string;
  /** null or left out where the starting encoder was the guide. */
  readonly guide?: string | null;
}

/** Means by system and metric, and p by comparison. */
function figuresJson({ systems, comparisons: compared, verdict }: Figures) {
  const means = systemNames.flatMap((name) => (systems[name] ? [[name, systems[name].mean] as const] : []));
  const pValues = comparisons.map(({ name }) => [name, compared[name]?.pValue] as const);
  return {
    verdict,
    queries: systems.after.queryIds.length,
    metrics: Object.fromEntries(means),
    pValues: Object.fromEntries(pValues),
    comparisons: compared,
  };
}

/** Null where all queries are clean. */
function cleanJson({ clean }: RunResult) {
  if (clean?.kind === "measured") return { kind: clean.kind, ...figuresJson(clean) };
  return clean ?? null;
}

/** result.json: figures first, then what they were made from. Times (those of the refreshes and looks too) and memory are the only parts that vary. */
export function resultJson(result: RunResult, config: Config, digests: Digests): object {
  return {
    split: result.split,
    ...figuresJson(result),
    leak: result.leak ?? null,
    clean: cleanJson(result),
    notes: result.notes,
    trainingRows: result.trainingRows,
    gate: result.gate ?? null,
    diagnostics: {
      snapshots: result.snapshots,
      /** V_tr at the starting weights, and V_norm over the steps. */
      variance: result.variance ?? null,
      normVariance: result.normVariance ?? null,
    },
    refreshes: result.refreshes,
    /** The looks at dev, and which weights were kept for them. */
    dev: result.dev ?? null,
    steps: result.steps,
    tokens: result.tokens,
    tokensPerSecond: result.tokensPerSecond,
    seconds: result.seconds,
    /** `engine` is its own count of its buffers, 0 where it cannot tell; `process` is the largest resident set. */
    peakBytes: { engine: result.peakBytes, process: process.resourceUsage().maxRSS * 1024 },
    engine: result.engine,
    encoder: result.encoder,
    digest: digests,
    config,
    machine: { node: process.version, platform: `${os.platform()} ${os.arch()}`, cores: os.availableParallelism() },
  };
}

/** The rankings of every system that was measured, at depth 100: bm25.trec, before.trec, … */
export const trecRuns = (products: RunProducts): Record<string, string> =>
  Object.fromEntries(rankingFiles(products).map((file) => [file.name, Buffer.concat([...file.chunks()]).toString()]));
