import { expect, test } from "vitest";
import { describeShape } from "../../src/domain/encoder.ts";
import { tinyShape } from "../support/encoder.ts";

test("an encoder's build in words, of either family", () => {
  expect(describeShape({ ...tinyShape, layers: 2, hidden: 128 })).toBe("2 layers, 128 wide");
  expect(describeShape(tinyShape)).toBe("1 layer, 8 wide");
  expect(describeShape({ family: "static", hidden: 256, vocabulary: 9 })).toBe("static token vectors, 256 wide");
});
