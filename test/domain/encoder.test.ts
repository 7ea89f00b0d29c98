import { expect, test } from "vitest";
import { describeShape, mostTokens } from "../../src/domain/encoder.ts";
import { tinyShape } from "../support/encoder.ts";

test("an encoder's build in words, of every family", () => {
  expect(describeShape({ ...tinyShape, layers: 2, hidden: 128 })).toBe("2 layers, 128 wide");
  expect(describeShape(tinyShape)).toBe("1 layer, 8 wide");
  const { types: _types, family: _family, ...sizes } = tinyShape;
  const modern = { globalEvery: 3, window: 64, globalTheta: 160_000, localTheta: 10_000 };
  expect(describeShape({ ...sizes, ...modern, family: "modernbert", layers: 22, hidden: 768 })).toBe(
    "22 layers, 768 wide",
  );
  expect(describeShape({ family: "static", hidden: 256, vocabulary: 9 })).toBe("static token vectors, 256 wide");
});

test("a text is as long as there are positions from the first one on", () => {
  expect(mostTokens({ positions: 512 })).toBe(512);
  expect(mostTokens({ positions: 514, firstPosition: 2 })).toBe(512);
});
