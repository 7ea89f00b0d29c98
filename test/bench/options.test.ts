import { expect, test } from "vitest";
import { BadArguments, readCommandLine } from "../../bench/options.ts";
import { inTurns, median } from "../../bench/turns.ts";

test("a command line says what is run", () => {
  const { options, json, node, flags } = readCommandLine(
    ["--shapes", "2x128,4x256", "--engines", "decoy,tfjs", "--steps", "3", "--json", "a.json", "--node"].concat([
      "--flags",
      "--one --two=3",
    ]),
  );
  expect(options).toMatchObject({ mode: "time", shapes: ["2x128", "4x256"], engines: ["decoy", "tfjs"], steps: 3 });
  expect({ json, node, flags }).toEqual({ json: "a.json", node: true, flags: ["--one", "--two=3"] });
  expect(readCommandLine(["--leak"]).options.mode).toBe("leak");
  expect(readCommandLine([]).options.engines).toEqual(["decoy", "jax-js", "tfjs"]);
  expect(readCommandLine(["--engines", "decoy,decoy-f16"]).options.engines).toEqual(["decoy", "decoy-f16"]);
});

test.each([[["--shapes", "9x9"]], [["--steps", "0"]], [["--queries"]], [["--else", "1"]], [["--engines", "torch"]]])(
  "%j is refused with what is known",
  (given) => {
    expect(() => readCommandLine(given)).toThrow(BadArguments);
  },
);

test("engines take turns, each round begins with another one, and all of a round do the same batches", async () => {
  const calls: string[] = [];
  const contestant = (name: string) => ({
    name,
    call: async (batch: number) => void calls.push(`${name}${batch}`),
  });
  const times = await inTurns([contestant("a"), contestant("b")], { turns: 2, calls: 3, batches: 2 });
  expect(calls.join(" ")).toBe("a0 a1 a0 b0 b1 b0 b1 b0 b1 a1 a0 a1");
  expect(times.get("a")).toHaveLength(2);
});

test("the median of an even number of values lies between the middle two", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 2, 9])).toBe(3);
});
