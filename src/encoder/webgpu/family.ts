import { assert } from "../../base/assert.ts";
import type { EncoderShape, Pooling } from "../../domain/encoder.ts";
import type { LinearSize } from "../../kernels/linear/linear.ts";
import { trainedTable } from "../trained.ts";
import { bertProgram } from "./bert.ts";
import { modernBertProgram } from "./modernbert/program.ts";
import type { Program, ProgramOptions } from "./program.ts";
import { staticProgram } from "./static.ts";

/** Of the layers' matrices: what there is to tune. */
export function linearSizes(shape: EncoderShape): readonly LinearSize[] {
  if (shape.family === "static" || shape.layers === 0) return [];
  const { hidden: H, intermediate } = shape;
  // ModernBERT's first matrix makes the gate too.
  const inner = shape.family === "modernbert" ? 2 * intermediate : intermediate;
  return [
    { I: H, O: inner },
    { I: intermediate, O: H },
    { I: H, O: 3 * H },
    { I: H, O: H },
  ];
}

/** Without options all of the encoder trains. */
export function programOf(
  shape: EncoderShape,
  pooling: Pooling,
  options: ProgramOptions = { trained: trainedTable(shape), recompute: false },
): Program {
  switch (shape.family) {
    case "bert":
      return bertProgram(shape, pooling, options);
    case "modernbert":
      return modernBertProgram(shape, pooling, options);
    case "static":
      assert(pooling === "mean", "a static encoder's pooling is the mean");
      return staticProgram(shape, options);
    default:
      return shape satisfies never;
  }
}
