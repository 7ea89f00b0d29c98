import { existsSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { runGrid } from "../../experiments/grid.ts";
import { planOf } from "../../experiments/gridFile.ts";
import { at, grid, host, three, useFolder } from "./gridSupport.ts";

useFolder();

describe("a grid that cannot be", () => {
  it.each([
    ["an unknown key", { ...three, sedes: 3 }, [], "sedes: there is no such key"],
    ["no arms", { arms: {} }, [], "arms: at least one arm"],
    [
      "an unknown key of an arm",
      { arms: { hot: { temprature: 1 } } },
      [],
      'The arm "hot": The recipe is not valid. temprature',
    ],
    ["an unknown key of the base", { ...three, base: { epoch: 1 } }, [], "epoch: there is no such key"],
    ["a value that does not fit", { arms: { hot: { temperature: -1 } } }, [], "temperature"],
    ["a reference that is no arm", { ...three, reference: "plan" }, [], 'there is no arm "plan"'],
    ["a seed of its own", { arms: { one: { seed: 3 } } }, [], 'The arm "one" has a seed'],
    ["a name that leaves the folder", { arms: { "../up": {} } }, [], "arms.../up"],
    ["a name that is a column", { arms: { "a|b": {} } }, [], "a|b"],
    ["names that a disk may not tell apart", { arms: { one: {}, One: {} } }, [], "but for capital letters"],
    ["arms on different splits", { arms: { a: {}, b: { evaluate: { split: "dev" } } } }, [], "evaluate.split"],
    ["no seed", { ...three, seeds: 0 }, [], "seeds"],
    ["a list", [], [], "not a valid grid"],
    ["a count that is none", three, ["--seeds", "few"], '--seeds is "few"'],
    ["too small a count", three, ["--seeds", "0"], "from 1 on"],
    ["steps that are none", three, ["--steps", "-1"], "--steps"],
    ["an unknown option", three, ["--config", "x.json"], "--config"],
    ["an unknown engine", three, ["--engine", "tpu"], '--engine is "tpu"'],
  ])("has %s", async (_, file, more, words) => {
    const { made, asked } = host();
    await expect(grid("wrong", file, made, ...more)).rejects.toMatchObject({
      name: "InvalidGrid",
      message: expect.stringContaining(words) as string,
    });
    expect(asked).toEqual([]);
    expect(existsSync(at("wrong"))).toBe(false);
  });

  it("has no file or no folder to go to", async () => {
    await expect(runGrid(["--grid", at("nowhere.json"), "--out", at("x")], host().made)).rejects.toThrow(
      "nowhere.json",
    );
    await expect(runGrid(["--grid", at("nowhere.json")], host().made)).rejects.toThrow("--out is missing");
    await expect(runGrid(["--grid", "", "--out", at("x")], host().made)).rejects.toThrow("--grid is empty");
  });
});

test("the arms of strategies.json are valid, and have five negatives each", () => {
  const { arms, reference, seeds } = planOf(["--grid", "experiments/strategies.json", "--out", at("never")]);
  expect(seeds).toEqual([1, 2, 3]);
  expect(arms.map(({ name }) => name)).toContain(reference);
  expect(arms.length).toBeGreaterThan(15);
  const sizes = arms.map(({ configOf }) => configOf(1).negatives.reduce((sum, { count }) => sum + count, 0));
  expect(new Set(sizes)).toEqual(new Set([5]));
  const digests = arms.map(({ configOf }) => JSON.stringify(configOf(1)));
  expect(new Set(digests).size).toBe(arms.length);
});

test("the arms of adapt.json differ in their pairs alone", () => {
  const { arms, reference } = planOf(["--grid", "experiments/adapt.json", "--out", at("never")]);
  const configs = arms.map(({ configOf }) => configOf(1));
  expect(configs.map(({ pairs }) => pairs)).toEqual(["queries", "titles", "cloze", "documents"]);
  expect(reference).toBe(arms[0]?.name);
  for (const config of configs) expect({ ...config, pairs: "queries" }).toEqual(configs[0]);
});
