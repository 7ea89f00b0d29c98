import { expect, test } from "vitest";
import { parameterTable } from "../../src/encoder/parameters.ts";

test("a static encoder is one matrix, which decays; the arena ends on a boundary of 256 bytes", () => {
  const table = parameterTable({ family: "static", hidden: 7, vocabulary: 11 });
  expect(table).toEqual({
    regions: { "embeddings.word": { name: "embeddings.word", offset: 0, shape: [11, 7] } },
    tensors: [{ name: "embedding.weight", offset: 0, shape: [11, 7] }],
    floats: 128,
    decayed: 128,
    parameters: 77,
  });
});
