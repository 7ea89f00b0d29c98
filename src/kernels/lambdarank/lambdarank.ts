import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Counts } from "../counts.ts";
import { partConstants, type LossTensors, type Part } from "../losses.ts";
import code from "./forward.wgsl?raw";

const kernel: Kernel = { name: "lambdarank/forward", code };

interface Settings extends Part {
  readonly temperature: number;
}

/** Each query's loss, and the derivative of their mean by each score. */
export const lambdaRank = (at: LossTensors, { temperature, ...part }: Settings): Dispatch<Counts> => ({
  kernel,
  constants: { TEMPERATURE: temperature, ...partConstants(part) },
  bindings: [at.score, at.offsets, at.loss, at.coefficient],
  workgroups: ({ B }) => [B],
});
