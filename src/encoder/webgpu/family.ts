import { assert } from "../../base/assert.ts";
import type { EncoderShape, Pooling } from "../../domain/encoder.ts";
import { trainedTable } from "../trained.ts";
import { bertProgram } from "./bert.ts";
import { modernBertProgram } from "./modernbert/program.ts";
import type { Program, ProgramOptions } from "./program.ts";
import { staticProgram } from "./static.ts";

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
