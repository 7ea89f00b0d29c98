/** Small static encoders and batches for them, at odd sizes. */
import type { StaticShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, TrainerSettings } from "../../src/domain/engine.ts";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { pack } from "./golden.ts";
import { normals } from "./kernels.ts";

export const staticSettings: TrainerSettings = {
  temperature: 0.1,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
};

/** Widths that 4 and 64 do not divide, fewer and more entries than tokens. */
export const staticShapes: readonly StaticShape[] = [
  { family: "static", hidden: 3, vocabulary: 7 },
  { family: "static", hidden: 33, vocabulary: 211 },
  { family: "static", hidden: 129, vocabulary: 40 },
];

/** The table (V, H) in numbers that float32 holds. */
export const staticTable = ({ vocabulary, hidden }: StaticShape): Float64Array =>
  normals(vocabulary * hidden, "table", 0.5);

/** The table as an arena. */
export function staticWeights(shape: StaticShape, table = staticTable(shape)): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(parameterTable(shape).floats);
  weights.set(table);
  return weights;
}

/** Texts of 1 to 129 tokens, some ids many times and some never; three queries, one text a candidate twice. */
export function staticBatch({ vocabulary }: StaticShape): ContrastiveBatch {
  const lengths = [1, 7, 2, 33, 129, 1, 12, 5, 64];
  return {
    texts: pack(
      lengths.map((length, s) =>
        Array.from({ length }, (_, t) => (t % 3 === 0 ? (s * 5) % vocabulary : (s * 31 + t * t) % vocabulary)),
      ),
    ),
    queries: Int32Array.of(0, 1, 2),
    offsets: Int32Array.of(0, 4, 6, 10),
    candidates: Int32Array.of(3, 4, 5, 4, 6, 7, 8, 3, 6, 0),
  };
}
