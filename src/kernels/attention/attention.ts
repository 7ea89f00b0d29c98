import { assert } from "../../base/assert.ts";
import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import deltaCode from "./backward.delta.wgsl?raw";
import keyValueCode from "./backward.keyvalue.wgsl?raw";
import queryCode from "./backward.query.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

const forward: Kernel = { name: "attention/forward", code: forwardCode };
const delta: Kernel = { name: "attention/backward.delta", code: deltaCode };
const query: Kernel = { name: "attention/backward.query", code: queryCode };
const keyValue: Kernel = { name: "attention/backward.keyvalue", code: keyValueCode };

/** The kernels keep at most 16 channels in each of eight threads along a head. */
const MAX_HEAD = 128;

/** H channels in N heads. */
export interface AttentionSize {
  readonly H: number;
  readonly N: number;
}

const constants = ({ H, N }: AttentionSize) => {
  const D = H / N;
  assert(Number.isInteger(D) && D <= MAX_HEAD, `a head of ${H} / ${N} channels`);
  return { H, D };
};

interface Texts {
  /** (S + 1) */
  readonly cuSeqlens: Slice;
  /** (blocks, 2): first token and text of each block of {@link BLOCK} tokens. */
  readonly blocks: Slice;
}

interface Forward extends Texts {
  /** (T, H) */
  readonly context: Slice;
  /** (T, N) */
  readonly logSumExp: Slice;
  /** (T, 3H) */
  readonly qkv: Slice;
}

/** context = softmax(q · kᵀ / √D) · v within each text. */
export const attentionForward = (at: Forward, size: AttentionSize): Dispatch<Counts> => ({
  kernel: forward,
  constants: constants(size),
  bindings: [at.qkv, at.cuSeqlens, at.blocks, at.context, at.logSumExp],
  workgroups: ({ blocks }) => [blocks, size.N],
});

interface Backward extends Forward {
  /** (T, 3H) */
  readonly dqkv: Slice;
  readonly counts: Slice;
  /** (T, H) */
  readonly dcontext: Slice;
  /** Scratch of (T, N). */
  readonly delta: Slice;
}

export function attentionBackward(at: Backward, size: AttentionSize): Dispatch<Counts>[] {
  const shared = {
    constants: constants(size),
    bindings: [at.qkv, at.cuSeqlens, at.blocks, at.logSumExp, at.delta, at.dcontext, at.dqkv],
    workgroups: ({ blocks }: Counts) => [blocks, size.N] as const,
  };
  return [
    {
      kernel: delta,
      constants: constants(size),
      bindings: [at.counts, at.context, at.dcontext, at.delta],
      workgroups: ({ T }) => spread(T * size.N),
    },
    { kernel: query, ...shared },
    { kernel: keyValue, ...shared },
  ];
}
