import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import finalCode from "./final.wgsl?raw";
import partialCode from "./partial.wgsl?raw";

const partial: Kernel = { name: "reduce/partial", code: partialCode };
const final: Kernel = { name: "reduce/final", code: finalCode };

/** Parts of a sum over tokens of a few columns: enough to fill a GPU, few enough to add up at no cost. */
export const PARTS = 32;

interface SumSize {
  readonly C: number;
  /** Whether the sum is added to what is there. */
  readonly adds?: boolean | undefined;
}

/** y (C) = Σ over parts of partial (parts, C), or y += that. */
export const sumParts = (
  { y, partial: from }: { readonly y: Slice; readonly partial: Slice },
  { C, parts, adds = false }: SumSize & { readonly parts: number },
): Dispatch<Counts> => ({
  kernel: final,
  constants: { C, PARTS: parts, ADDS: adds ? 1 : 0 },
  bindings: [from, y],
  workgroups: () => spread(C),
});

interface Sum {
  /** (C) */
  readonly y: Slice;
  readonly counts: Slice;
  /** (T, C) */
  readonly x: Slice;
  /** At least PARTS · C floats. */
  readonly scratch: Slice;
}

/** y = Σ over tokens of x, or y += that, in two stages. */
export const sumTokens = ({ y, counts, x, scratch }: Sum, { C, adds = false }: SumSize): Dispatch<Counts>[] => [
  {
    kernel: partial,
    constants: { C, PARTS },
    bindings: [counts, x, scratch],
    workgroups: () => [Math.ceil(C / 64), PARTS],
  },
  sumParts({ y, partial: scratch }, { C, parts: PARTS, adds }),
];
