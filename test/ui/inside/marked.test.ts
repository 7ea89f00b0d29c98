import { expect, test } from "vitest";
import { marksIn } from "../../../src/ui/inside/marked.tsx";

test("marks are in order and merged where they overlap or touch", () => {
  expect(marksIn("The tide tides over", [/tide/iu, /tides/iu, /the/iu])).toEqual([
    [0, 3],
    [4, 8],
    [9, 14],
  ]);
  expect(marksIn("abab", [/a/iu, /b/iu])).toEqual([[0, 4]]);
  expect(marksIn("abc", [])).toEqual([]);
});
