import "fake-indexeddb/auto";
import { openDB } from "idb";
import { expect, test } from "vitest";
import { keptChoices } from "../../src/gpu/choices.ts";

test("what was chosen is there at the next visit, and only words are taken", async () => {
  const first = await keptChoices("kept");
  expect(first.get("forward 8→8")).toBeUndefined();
  first.set("forward 8→8", "quads");
  first.set("forward 8→8", "staged");
  expect(first.get("forward 8→8")).toBe("staged");
  const database = await openDB("kept", 1);
  await database.put("choices", 7, "weight 8→8");
  database.close();
  const second = await keptChoices("kept");
  expect(second.get("forward 8→8")).toBe("staged");
  expect(second.get("weight 8→8")).toBeUndefined();
});

test("where nothing can be kept, choices last as long as the page", async () => {
  const broken = await openDB("newer", 2);
  broken.close();
  const choices = await keptChoices("newer");
  choices.set("a", "b");
  expect(choices.get("a")).toBe("b");
});
