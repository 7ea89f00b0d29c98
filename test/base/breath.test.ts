import { expect, test } from "vitest";
import { breath, breathing } from "../../src/base/breath.ts";

/** Works for about `milliseconds` before each report. */
function* working(reports: number, milliseconds: number): Generator<number, string, void> {
  for (let i = 0; i < reports; i++) {
    const until = performance.now() + milliseconds;
    while (performance.now() < until);
    yield i;
  }
  return "done";
}

test("timers have their turn after every report that it passes on", async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  const work = breathing(working(4, breath + 1));
  const seen: number[] = [];
  let result = await work.next();
  for (; !result.done; result = await work.next()) seen.push(turns);
  clearInterval(timer);
  expect(result.value).toBe("done");
  expect(seen).toHaveLength(4);
  expect(turns).toBeGreaterThanOrEqual(3);
});

test("quick work is not held up by its reports", async () => {
  const work = breathing(working(1000, 0));
  let passed = 0;
  for await (const _ of work) passed += 1;
  expect(passed).toBeLessThan(1000);
});
