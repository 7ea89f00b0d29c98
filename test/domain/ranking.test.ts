import { expect, test } from "vitest";
import { isSystem, systems } from "../../src/domain/ranking.ts";

test("a system is one of the list, and nothing that every object has", () => {
  for (const { name } of systems) expect(isSystem(name)).toBe(true);
  for (const name of ["", "nobody", "constructor", "__proto__", "toString"]) expect(isSystem(name)).toBe(false);
});
