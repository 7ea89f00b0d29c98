import { assert } from "../../base/assert.ts";
import type { EncoderShape, Pooling } from "../../domain/encoder.ts";
import { bertProgram } from "./bert.ts";
import { modernBertProgram } from "./modernbert/program.ts";
import type { Program } from "./program.ts";
import { staticProgram } from "./static.ts";

export function programOf(shape: EncoderShape, pooling: Pooling): Program {
  switch (shape.family) {
    case "bert":
      return bertProgram(shape, pooling);
    case "modernbert":
      return modernBertProgram(shape, pooling);
    case "static":
      assert(pooling === "mean", "a static encoder's pooling is the mean");
      return staticProgram(shape);
    default:
      return shape satisfies never;
  }
}
