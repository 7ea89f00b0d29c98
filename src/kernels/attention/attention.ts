import { assert } from "../../base/assert.ts";
import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import biasCode from "./backward.bias.wgsl?raw";
import deltaCode from "./backward.delta.wgsl?raw";
import keyValueCode from "./backward.keyvalue.wgsl?raw";
import queryCode from "./backward.query.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "attention/forward", code: forwardCode };
const delta: Kernel = { name: "attention/backward.delta", code: deltaCode };
const query: Kernel = { name: "attention/backward.query", code: queryCode };
const keyValue: Kernel = { name: "attention/backward.keyvalue", code: keyValueCode };
const biasGradient: Kernel = { name: "attention/backward.bias", code: biasCode };

/** The kernels keep at most 16 channels in each of eight threads along a head. */
const MAX_HEAD = 128;
/** Threads of a workgroup, of which {@link attentionBiasBackward} has one take a bucket. */
const THREADS = 64;

/** H channels in N heads. */
export interface AttentionSize {
  readonly H: number;
  readonly N: number;
  /** A query sees so many keys on each side of it; all of its text's if left out. */
  readonly window?: number;
  /** Where there is a bias, it has distances from 1 − reach to reach − 1. */
  readonly reach?: number;
  /** Of the weights, by the seed and first token of {@link Counts}; none if left out. */
  readonly dropout?: AttentionDropout | undefined;
}

/** Weights whose hash by src/encoder/dropout.ts is below the threshold become 0; the others are divided by 1 − rate. */
export interface AttentionDropout {
  readonly rate: number;
  /** `dropThreshold(rate)`. */
  readonly threshold: number;
  readonly site: number;
}

const headOf = ({ H, N }: AttentionSize): { readonly H: number; readonly D: number } => {
  const D = H / N;
  assert(Number.isInteger(D) && D <= MAX_HEAD, `a head of ${H} / ${N} channels`);
  return { H, D };
};

/** Without dropout the kernels have no code for it. */
const dropping = ({ dropout }: AttentionSize) =>
  dropout && { SITE: dropout.site, THRESHOLD: dropout.threshold, KEPT: 1 - dropout.rate };

const constants = (size: AttentionSize) => ({
  ...headOf(size),
  ...dropping(size),
  REACH: size.reach ?? 0,
  WINDOW: size.window ?? 0,
});

interface Texts {
  readonly counts: Slice;
  /** (blocks, 4): of each block of {@link BLOCK} tokens the first, its text's first and the one behind its text's last; 0. */
  readonly blocks: Slice;
  /** (N, 2 · reach − 1): added to the scores, by the distance from query to key. */
  readonly bias?: Slice | undefined;
}

interface Forward extends Texts {
  /** (T, H) */
  readonly context: Slice;
  /** (T, N) */
  readonly logSumExp: Slice;
  /** (T, 3H) */
  readonly qkv: Slice;
}

/** What is never read has to be bound all the same. */
const biasOf = ({ bias, qkv }: Forward, { reach }: AttentionSize): Slice => {
  assert((bias === undefined) === (reach === undefined), "a bias has a reach");
  return bias ?? qkv;
};

/** context = softmax(q · kᵀ / √D + bias) · v within each text. */
export const attentionForward = (at: Forward, size: AttentionSize): Dispatch<Counts> => ({
  kernel: forward,
  constants: constants(size),
  bindings: [at.counts, at.qkv, at.blocks, biasOf(at, size), at.context, at.logSumExp],
  workgroups: ({ blocks }) => [blocks, size.N],
});

interface Backward extends Forward {
  /** (T, 3H) */
  readonly dqkv: Slice;
  /** (T, H) */
  readonly dcontext: Slice;
  /** Scratch of (T, N). */
  readonly delta: Slice;
}

export function attentionBackward(at: Backward, size: AttentionSize): Dispatch<Counts>[] {
  const shared = {
    constants: constants(size),
    bindings: [at.counts, at.qkv, at.blocks, biasOf(at, size), at.logSumExp, at.delta, at.dcontext, at.dqkv],
    workgroups: ({ blocks }: Counts) => [blocks, size.N] as const,
  };
  return [
    {
      kernel: delta,
      constants: headOf(size),
      bindings: [at.counts, at.context, at.dcontext, at.delta],
      workgroups: ({ T }) => spread(T * size.N),
    },
    { kernel: query, ...shared },
    { kernel: keyValue, ...shared },
  ];
}

interface BiasBackward extends Omit<Backward, "dqkv" | "context"> {
  readonly bias: Slice;
  /** (2 · reach − 1): the bucket of each distance. */
  readonly buckets: Slice;
  /** (blocks, buckets, N); added to or, by the first layer to come, written. */
  readonly partial: Slice;
}

/** The gradient of the bias, summed by bucket within each block; after {@link attentionBackward}, which leaves `delta`. */
export function attentionBiasBackward(
  at: BiasBackward,
  size: AttentionSize & { readonly reach: number; readonly buckets: number; readonly adds: boolean },
): Dispatch<Counts> {
  assert(size.buckets <= THREADS && size.window === undefined, `${size.buckets} buckets`);
  return {
    kernel: biasGradient,
    constants: { ...headOf(size), ...dropping(size), REACH: size.reach, BUCKETS: size.buckets, ADD: size.adds ? 1 : 0 },
    bindings: [at.counts, at.qkv, at.blocks, at.bias, at.logSumExp, at.delta, at.dcontext, at.buckets, at.partial],
    workgroups: ({ blocks }) => [blocks, size.N],
  };
}
