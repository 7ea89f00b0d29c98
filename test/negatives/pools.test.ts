import { expect, test } from "vitest";
import { parseConfig } from "../../src/domain/config.ts";
import { queryId } from "../../src/domain/ids.ts";
import type { WrittenNegative } from "../../src/domain/negative.ts";
import { gatherPools } from "../../src/negatives/pools.ts";

const id = queryId("q1");
const written = (text: string, recipe?: string): WrittenNegative => ({
  queryId: id,
  source: "synthetic",
  title: "",
  text,
  ...(recipe && { recipe }),
});

test("a prompt recipe takes only the synthetic negatives that it gave", () => {
  const negatives = [written("plain", "b"), written("whole", "a"), written("unnamed"), written("more", "a")];
  const textsOf = (recipe?: string) => {
    const config = parseConfig({ negatives: [{ source: "synthetic", count: 4, ...(recipe && { recipe }) }] });
    const [pool] = gatherPools({ queryIds: [id], negatives, found: new Map(), config, textOf: () => "" });
    return pool?.synthetic.map(({ text }) => text);
  };
  expect(textsOf("a")).toEqual(["whole", "more"]);
  expect(textsOf("b")).toEqual(["plain"]);
  expect(textsOf("c")).toEqual([]);
  expect(textsOf()).toEqual(["plain", "whole", "unnamed", "more"]);
});
