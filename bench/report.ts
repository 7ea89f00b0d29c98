/** What a run found. */
import type { EngineName } from "./engines/engine.ts";
import type { MatmulRate } from "./matmul/matmul.ts";
import type { KernelTime } from "./profile.ts";
import type { BatchKind } from "./work.ts";

export interface Row {
  readonly engine: string;
  readonly shape: string;
  readonly batch: BatchKind;
  readonly what: "step" | "encode";
  /** Median over turns, for one batch. */
  readonly seconds: number;
  /** Tokens and texts of a batch, padding not counted; the mean where the batches of a set differ. */
  readonly tokens: number;
  readonly texts: number;
  readonly adapter: string;
  readonly turns: number;
  /** How texts lie: packed, or padded in so many groups. */
  readonly layout: string;
  /** Useful operations a second. */
  readonly flopsPerSecond: number;
  /** Seconds of one call, begun with nothing under way, until the engine first let go of its thread. */
  readonly scripting?: number;
  /** Of that same call, until its result was there. */
  readonly alone?: number;
  /**
   * Most bytes in GPU buffers at once during that call, weights and all. What an engine keeps for reuse counts; jax-js keeps
   * what it ever had.
   */
  readonly peakBytes?: number;
  /** Most bytes since the engine's start by its own count, where it keeps one. */
  readonly ownPeakBytes?: number;
  /** Calls of queue.submit for one batch. */
  readonly submits?: number;
}

/** A peer against our engine, turn by turn. */
export interface Ratio {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly what: "step" | "encode";
  readonly peer: string;
  /** Our time over the peer's: median, least and largest of the turns. */
  readonly median: number;
  readonly least: number;
  readonly largest: number;
}

/** What a peer computes against what ours does, relative, on the first batch. */
export interface Check {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly engine: string;
  /** The larger difference of the first two steps: the second shows whether the update is the same. */
  readonly loss: number;
  readonly gradNorm: number;
  /** Largest difference of an entry of a unit vector. */
  readonly embedding: number;
  readonly agrees: boolean;
}

/** Of the first step on the first batch, before the update: bench/torch_step.py gives the same. */
export interface Outcome {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly engine: string;
  readonly loss: number;
  readonly gradNorm: number;
}

export interface Skipped {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly engine: string;
  readonly reason: string;
}

export interface Leak {
  readonly engine: EngineName;
  readonly shape: string;
  readonly steps: number;
  readonly heapBytes: readonly [early: number, late: number];
  readonly gpuBytes: readonly [early: number, late: number];
}

export interface Profile {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly tokens: number;
  /** Seconds of the profiled step by the clock, and by the GPU's timestamps. */
  readonly wall: number;
  readonly gpu: number;
  readonly kernels: readonly KernelTime[];
}

export interface Report {
  readonly adapter: string;
  /** "Chromium 156", "Node 20.20.2 (Dawn)" */
  readonly host: string;
  readonly software: boolean;
  readonly matmul: readonly MatmulRate[];
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly checks: readonly Check[];
  readonly outcomes: readonly Outcome[];
  readonly skipped: readonly Skipped[];
  readonly leaks: readonly Leak[];
  readonly profiles: readonly Profile[];
}
