import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import { partConstants, type LossTensors, type Part } from "../losses.ts";
import code from "./forward.wgsl?raw";

const kernel: Kernel = { name: "marginmse/forward", code };

interface Tensors extends LossTensors {
  /** (pairs) */
  readonly targets: Slice;
}

/** Each query's loss, and the derivative of their mean by each score. */
export const marginMse = (at: Tensors, part: Part): Dispatch<Counts> => ({
  kernel,
  constants: partConstants(part),
  bindings: [at.score, at.offsets, at.targets, at.loss, at.coefficient],
  workgroups: ({ B }) => [B],
});
