import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import code from "./update.wgsl?raw";

const kernel: Kernel = { name: "adamw/update", code };

interface Update {
  /** One piece of each arena, all the same; a multiple of four floats. */
  readonly weight: Slice;
  readonly firstMoment: Slice;
  readonly secondMoment: Slice;
  readonly gradient: Slice;
  /** Uniform: the learning rate. */
  readonly rate: Slice;
  /** As gradnorm/final.wgsl leaves it. */
  readonly state: Slice;
}

export interface AdamSettings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Numbers of the piece, from its start, that decay. A multiple of four. */
  readonly decayed: number;
}

export const adamw = (at: Update, { betas, epsilon, weightDecay, decayed }: AdamSettings): Dispatch<Counts> => ({
  kernel,
  constants: {
    FLOATS: at.weight.size / 4,
    DECAYED: decayed,
    ONE_MINUS_BETA1: 1 - betas[0],
    ONE_MINUS_BETA2: 1 - betas[1],
    EPSILON: epsilon,
    WEIGHT_DECAY: weightDecay,
  },
  bindings: [at.rate, at.state, at.gradient, at.weight, at.firstMoment, at.secondMoment],
  workgroups: () => spread(at.weight.size / 16),
});
