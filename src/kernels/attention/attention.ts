import { assert } from "../../base/assert.ts";
import type { Dispatch, Kernel, Workgroups } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import biasCode from "./backward.bias.wgsl?raw";
import keyValueWideCode from "./backward.keyvalue.vec4.wgsl?raw";
import keyValueCode from "./backward.keyvalue.wgsl?raw";
import queryWideCode from "./backward.query.vec4.wgsl?raw";
import queryCode from "./backward.query.wgsl?raw";
import forwardWideCode from "./forward.vec4.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

interface Kernels {
  readonly forward: Kernel;
  readonly query: Kernel;
  readonly keyValue: Kernel;
  /** Channels of a head that one workgroup takes. */
  readonly channels: number;
}

const scalar: Kernels = {
  forward: { name: "attention/forward", code: forwardCode },
  query: { name: "attention/backward.query", code: queryCode },
  keyValue: { name: "attention/backward.keyvalue", code: keyValueCode },
  channels: 128,
};

const wide: Kernels = {
  forward: { name: "attention/forward.vec4", code: forwardWideCode },
  query: { name: "attention/backward.query.vec4", code: queryWideCode },
  keyValue: { name: "attention/backward.keyvalue.vec4", code: keyValueWideCode },
  channels: 64,
};

const biasGradient: Kernel = { name: "attention/backward.bias", code: biasCode };

/** The largest head. */
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

/** The kernels that load four numbers at once, wherever the size of a head allows it: they take half the time. */
const kernelsFor = (size: AttentionSize): Kernels => (headOf(size).D % 4 === 0 ? wide : scalar);

const workgroupsOf = (size: AttentionSize): ((counts: Counts) => Workgroups) => {
  const parts = Math.ceil(headOf(size).D / kernelsFor(size).channels);
  return ({ blocks }) => [blocks, size.N, parts];
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
  kernel: kernelsFor(size).forward,
  constants: constants(size),
  bindings: [at.counts, at.qkv, at.blocks, biasOf(at, size), at.context, at.logSumExp],
  workgroups: workgroupsOf(size),
});

interface Backward extends Forward {
  /** (T, 3H) */
  readonly dqkv: Slice;
  /** (T, H) */
  readonly dcontext: Slice;
  /** (T, N): written here, of use to {@link attentionBiasBackward}. */
  readonly delta: Slice;
}

/** The gradient of queries, keys and values, with the dropout of the forward pass. */
export function attentionBackward(at: Backward, size: AttentionSize): Dispatch<Counts>[] {
  const { query, keyValue } = kernelsFor(size);
  const shared = { constants: constants(size), workgroups: workgroupsOf(size) };
  const forward = [at.counts, at.qkv, at.blocks, biasOf(at, size), at.logSumExp];
  return [
    { kernel: query, ...shared, bindings: [...forward, at.context, at.dcontext, at.delta, at.dqkv] },
    { kernel: keyValue, ...shared, bindings: [...forward, at.delta, at.dcontext, at.dqkv] },
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
