import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import type { Measured } from "./large.ts";

const GIB = 2 ** 30;

test("mining 100,000 documents by words and by vectors stays under 1 GiB and says how far it is", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["tools/run.mjs", "test/pipeline/large.ts"], {
    encoding: "utf8",
    timeout: 170_000,
  });
  expect(status, stderr).toBe(0);
  const { bytes, progress, rows, negatives } = JSON.parse(stdout) as Measured;
  expect(bytes).toBeLessThan(GIB);
  expect({ rows, negatives }).toEqual({ rows: 200, negatives: 1200 });
  // A report for every 250 documents indexed, and one for each 30 ms or so of the search.
  expect(progress["index"]).toBeGreaterThanOrEqual(400);
  expect(progress["mine"]).toBeGreaterThan(10);
  // About ten seconds on an idle core; a busy machine may take its time.
}, 180_000);
