/** What a run leaves behind as files. */
import os from "node:os";
import type { Config } from "../src/domain/config.ts";
import type { Ranking, Scores, SystemName } from "../src/domain/ranking.ts";
import type { RunResult } from "../src/domain/run.ts";
import { writeRun } from "../src/retrieval/trec.ts";

export interface Digests {
  /** SHA-256 of what was accepted of the data, of the recipe with its defaults, of the encoders' files. */
  readonly data: string;
  readonly config: string;
  readonly encoder: string;
  /** null or left out where the starting encoder was the guide. */
  readonly guide?: string | null;
}

const means = ({ mean }: Scores) => mean;

/** result.json: figures first, then what they were made from. Times (those of the refreshes too) and memory are the only parts that vary. */
export function resultJson(result: RunResult, config: Config, digests: Digests): object {
  const { systems, comparisons } = result;
  return {
    verdict: result.verdict,
    split: result.split,
    queries: systems.after.queryIds.length,
    metrics: { bm25: means(systems.bm25), before: means(systems.before), after: means(systems.after) },
    pValues: { afterBefore: comparisons.afterBefore.pValue, afterBm25: comparisons.afterBm25.pValue },
    comparisons,
    leak: result.leak ?? null,
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

/** bm25.trec, before.trec, after.trec, at depth 100. */
export function trecRuns(rankings: Readonly<Partial<Record<SystemName, readonly Ranking[]>>>): Record<string, string> {
  const names = ["bm25", "before", "after"] as const;
  return Object.fromEntries(names.map((name) => [`${name}.trec`, writeRun(rankings[name] ?? [], `decoy-${name}`)]));
}
