import { expect, test, vi } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { relay } from "../../src/base/relay.ts";

function counting() {
  const seen = { closed: false };
  async function* stage() {
    try {
      yield 1;
      yield 2;
      return "done";
    } finally {
      seen.closed = true;
    }
  }
  return { stage: stage(), seen };
}

test("maps reports and returns the product", async () => {
  const reports: string[] = [];
  expect(
    await finish(
      relay(counting().stage, (n) => `report ${n}`),
      (r) => reports.push(r),
    ),
  ).toBe("done");
  expect(reports).toEqual(["report 1", "report 2"]);
});

test("a stop reaches the stage", async () => {
  const { stage, seen } = counting();
  for await (const _ of relay(stage, (n) => n)) break;
  expect(seen.closed).toBe(true);
});

test("the clock stands while a report is being looked at", async () => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  async function* working() {
    now += 5;
    yield "half";
    now += 7;
    return "done";
  }
  let seconds = 0;
  const stage = relay(
    working(),
    (report) => report,
    (s) => (seconds += s),
  );
  for await (const _ of stage) now += 60_000;
  vi.restoreAllMocks();
  expect(seconds).toBeCloseTo(0.012, 9);
});
