import type { Dispatch, Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import type { LossTensors } from "../losses.ts";
import code from "./forward.wgsl?raw";

const kernel: Kernel = { name: "entropy/forward", code };

interface Tensors extends LossTensors {
  /** (pairs) */
  readonly roles: Slice;
  /** (1) queries that have a written negative. */
  readonly withWritten: Slice;
}

interface Settings {
  readonly temperature: number;
  readonly weight: number;
  /** Of the term in the batch's loss. */
  readonly share: number;
}

/** Adds the term to each query's loss, and its derivatives to the candidates' side of the scores. */
export const entropy = (at: Tensors, { temperature, weight, share }: Settings): Dispatch<Counts> => ({
  kernel,
  constants: { TEMPERATURE: temperature, WEIGHT: weight, SHARE: share },
  bindings: [at.score, at.offsets, at.roles, at.withWritten, at.loss, at.coefficient],
  workgroups: ({ B }) => [B],
});
