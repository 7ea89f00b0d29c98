/** The flat arenas of weights, gradients and moments, as slices that kernels can bind. */
import { present } from "../../base/assert.ts";
import { size, type ParameterTable } from "../../encoder/parameters.ts";
import type { At } from "../../encoder/webgpu/tensors.ts";
import { floatsOf } from "../../gpu/slice.ts";
import { ALIGNMENT } from "../../gpu/usage.ts";
import type { Piece } from "./plan.ts";

/** The regions of an arena by name. */
export const regionsOf =
  ({ regions }: ParameterTable, arena: GPUBuffer): At =>
  (name) => {
    const { offset, shape } = present(regions[name], `region ${name}`);
    return floatsOf(arena, offset, size(shape));
  };

type Arenas = Readonly<Record<"weight" | "gradient" | "firstMoment" | "secondMoment", GPUBuffer>>;

/** All of the arenas in pieces of at most `limit` bytes. */
export function pieces({ floats, decayed }: ParameterTable, arenas: Arenas, limit: number): Piece[] {
  const most = (Math.floor(limit / ALIGNMENT) * ALIGNMENT) / 4;
  return Array.from({ length: Math.ceil(floats / most) }, (_, i) => {
    const start = i * most;
    const length = Math.min(most, floats - start);
    return {
      weight: floatsOf(arenas.weight, start, length),
      gradient: floatsOf(arenas.gradient, start, length),
      firstMoment: floatsOf(arenas.firstMoment, start, length),
      secondMoment: floatsOf(arenas.secondMoment, start, length),
      decayed: Math.min(Math.max(decayed - start, 0), length),
    };
  });
}
