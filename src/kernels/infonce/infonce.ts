import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { partConstants, type LossTensors, type Part } from "../losses.ts";
import code from "./forward.wgsl?raw";

const kernel: Kernel = { name: "infonce/forward", code };

interface Tensors extends LossTensors {
  /** (pairs) */
  readonly roles: Slice;
}

interface Settings extends Part {
  readonly temperature: number;
  /** 0 for none. */
  readonly hardness: number;
}

/** Each query's loss, and the derivative of their mean by each score. */
export const infonce = (at: Tensors, { temperature, hardness, ...part }: Settings): Dispatch<Counts> => ({
  kernel,
  constants: { TEMPERATURE: temperature, HARDNESS: hardness, ...partConstants(part) },
  bindings: [at.score, at.offsets, at.roles, at.loss, at.coefficient],
  workgroups: ({ B }) => [B],
});
