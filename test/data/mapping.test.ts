/** What columns may mean together, and what is guessed. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { guessRoles } from "../../src/data/table/guess.ts";
import type { ColumnRole } from "../../src/domain/mapping.ts";
import { mappingProblem } from "../../src/domain/mapping.ts";
import { columnsOf } from "./tables.ts";

test.each<[string, readonly (readonly [string, ColumnRole])[], RegExp | undefined]>([
  ["nothing", [["a", "ignore"]], /No column is the query/u],
  ["a query alone", [["a", "query"]], /No column is the positive/u],
  ["a positive alone", [["a", "positive"]], /No column is the query/u],
  [
    "query and text",
    [
      ["a", "query"],
      ["b", "text"],
    ],
    /There is a query and a text/u,
  ],
  [
    "two queries",
    [
      ["a", "query"],
      ["b", "query"],
      ["c", "positive"],
    ],
    /“a” and “b” are both the query/u,
  ],
  [
    "documents with a split",
    [
      ["a", "text"],
      ["b", "split"],
    ],
    /belong to a query/u,
  ],
  [
    "pairs",
    [
      ["a", "query"],
      ["b", "positive"],
      ["c", "negative"],
      ["d", "negative"],
    ],
    undefined,
  ],
  [
    "documents",
    [
      ["a", "text"],
      ["b", "title"],
    ],
    undefined,
  ],
])("what is missing is said: %s", (_name, columns, words) => {
  const said = mappingProblem(columnsOf(...columns));
  if (words) expect(said).toMatch(words);
  else expect(said).toBeUndefined();
});

test("guesses never contradict themselves", () => {
  const name = fc.constantFrom(
    "query",
    "Question",
    "text",
    "body",
    "positive",
    "answer",
    "neg_1",
    "negative",
    "id",
    "score",
    "split",
    "x",
  );
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      const columns = guessRoles(names);
      const roles = columns.map(({ role }) => role);
      const said = mappingProblem(columns);
      if (roles.includes("query") ? roles.includes("positive") : roles.includes("text")) expect(said).toBeUndefined();
      else expect(said).toMatch(/No column is/u);
    }),
  );
  expect(guessRoles(["Question", "passage_text", "hard_negative_1", "Doc-ID"]).map(({ role }) => role)).toEqual([
    "query",
    "positive",
    "negative",
    "documentId",
  ]);
});
