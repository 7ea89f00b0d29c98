import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import code from "./merge.wgsl?raw";

const kernel: Kernel = { name: "lora/merge", code };

interface Merge {
  /** (O, I) */
  readonly weight: Slice;
  /** (RANK, I) */
  readonly a: Slice;
  /** (O, RANK) */
  readonly b: Slice;
}

interface MergeSize {
  readonly I: number;
  readonly O: number;
  readonly rank: number;
  readonly scale: number;
}

/** weight += scale · b · a. */
export const loraMerge = ({ weight, a, b }: Merge, { I, O, rank, scale }: MergeSize): Dispatch<Counts> => ({
  kernel,
  constants: { I, O, RANK: rank, SCALE: scale },
  bindings: [a, b, weight],
  workgroups: () => spread(O * I),
});
