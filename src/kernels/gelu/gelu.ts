import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import code from "./forward.wgsl?raw";

const kernel: Kernel = { name: "gelu/forward", code };

interface Forward {
  /** (T, C) */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, C) */
  readonly x: Slice;
}

/** y = x · Φ(x); on the way back linear/backward.input has the derivative. */
export const geluForward = ({ y, counts, x }: Forward, { C }: { readonly C: number }): Dispatch<Counts> => ({
  kernel,
  constants: { C },
  bindings: [counts, x, y],
  workgroups: ({ T }) => spread(T * C),
});
