import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import code from "./update.wgsl?raw";
import code16 from "./update16.wgsl?raw";

const kernel: Kernel = { name: "adamw/update", code };
const kernel16: Kernel = { name: "adamw/update16", code: code16 };

interface Common {
  /** One piece of each arena, all the same; a multiple of four floats. */
  readonly weight: Slice;
  readonly gradient: Slice;
  /** Uniform: the learning rate. */
  readonly rate: Slice;
  /** As gradnorm/final.wgsl leaves it. */
  readonly state: Slice;
}

interface Update extends Common {
  readonly firstMoment: Slice;
  readonly secondMoment: Slice;
}

interface Update16 extends Common {
  /** Both moments of a number in one word, as {@link packMoments} has them. */
  readonly moments: Slice;
  readonly counts: Slice;
}

export interface AdamSettings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Numbers of the piece, from its start, that decay. A multiple of four. */
  readonly decayed: number;
}

const constants = ({ weight }: Common, { betas, epsilon, weightDecay, decayed }: AdamSettings) => ({
  FLOATS: weight.size / 4,
  DECAYED: decayed,
  ONE_MINUS_BETA1: 1 - betas[0],
  ONE_MINUS_BETA2: 1 - betas[1],
  EPSILON: epsilon,
  WEIGHT_DECAY: weightDecay,
});

export const adamw = (at: Update, settings: AdamSettings): Dispatch<Counts> => ({
  kernel,
  constants: constants(at, settings),
  bindings: [at.rate, at.state, at.gradient, at.weight, at.firstMoment, at.secondMoment],
  workgroups: () => spread(at.weight.size / 16),
});

/** `first` is the place of the piece's first number among all that train. */
export const adamw16 = (at: Update16, settings: AdamSettings, first: number): Dispatch<Counts> => ({
  kernel: kernel16,
  constants: { ...constants(at, settings), FIRST: first },
  bindings: [at.counts, at.rate, at.state, at.gradient, at.weight, at.moments],
  workgroups: () => spread(at.weight.size / 4),
});

const words = (floats: Float32Array<ArrayBuffer>): Uint32Array =>
  new Uint32Array(floats.buffer, floats.byteOffset, floats.length);

/** Moments that are bfloat16 numbers already, in one word each. */
export function packMoments(
  first: Float32Array<ArrayBuffer>,
  second: Float32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  const low = words(second);
  return Uint32Array.from(words(first), (word, i) => (word & 0xffff0000) | ((low[i] ?? 0) >>> 16));
}

/** The opposite of {@link packMoments}: exact. */
export function unpackMoments(packed: Uint32Array) {
  const first = new Float32Array(packed.length);
  const second = new Float32Array(packed.length);
  words(first).set(packed.map((word) => word & 0xffff0000));
  words(second).set(packed.map((word) => word << 16));
  return { first, second };
}
