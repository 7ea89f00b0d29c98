import type { BertShape, ModernBertShape } from "../../domain/encoder.ts";
import type { ParameterTable } from "../parameters.ts";
import { bertLayers } from "./bert.ts";
import type { Layers } from "./layers.ts";
import { modernBertLayers } from "./modernbert.ts";

/** The layers of a transformer. Only they look into their passes. */
export function layersOf(shape: BertShape | ModernBertShape, table: ParameterTable): Layers<unknown> {
  switch (shape.family) {
    case "bert":
      return bertLayers({ shape, table });
    case "modernbert":
      return modernBertLayers({ shape, table });
    default:
      return shape satisfies never;
  }
}
