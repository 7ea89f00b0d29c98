/** Every family, pooled both ways, with and without in-batch negatives. */
import { batchOf, familyNames, shapeOf, type Case } from "./case.ts";
import { matrix } from "./matrix.ts";

const lengths = [3, 9, 1, 40, 17, 33, 8, 2, 25, 31, 12];
const sizes = { layers: 4, hidden: 32, heads: 2, longest: 40 };

const cases = familyNames.flatMap((family) =>
  (["mean", "cls"] as const)
    .filter((pooling) => family !== "static" || pooling === "mean")
    .flatMap((pooling) =>
      [false, true].map((inBatch): Case => {
        const batch = batchOf(lengths, { queries: 4, negatives: 2, inBatch });
        const name = `${family}, ${pooling}${inBatch ? ", in-batch" : ""}`;
        return { name, family, pooling, batch, shape: shapeOf(family, sizes) };
      }),
    ),
);

matrix("families", cases);
