/** Each figure is worked out by hand from the clock of the reports. */
import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import { type TimeLeft, timeLeft } from "../../src/app/estimate.ts";
import { configInput } from "../../src/app/recipe.ts";
import { receive } from "../../src/app/runReports.ts";
import { startRun } from "../../src/app/run.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { RunReport, StageName } from "../../src/domain/run.ts";
import type { Progress } from "../../src/domain/stages.ts";
import { timeLeftWords } from "../../src/ui/training/timeLeft.ts";
import { fakeApp, recordOf, scripted, stepReport } from "./fakes.ts";

interface Clocked {
  readonly app: App;
  /** The report comes when the clock shows `seconds`; what is then said to be left of its stage. */
  at(seconds: number, report: RunReport): Promise<TimeLeft | undefined>;
}

/** A run that nothing drives, on a clock that stands still between reports. */
async function clocked(fields: Partial<Parameters<typeof configInput>[0]> = {}): Promise<Clocked> {
  let clock = 0;
  const app = await fakeApp({ pipeline: scripted([]).pipeline, now: () => new Date(1000 * clock) });
  await startRun(app);
  const config = parseConfig(configInput({ ...app.recipe.fields.value, ...fields }));
  app.run.record.value = { ...recordOf(app), config };
  let stage: StageName = "index";
  return {
    app,
    async at(seconds, report) {
      clock = seconds;
      if ("stage" in report) stage = report.stage;
      await receive(app, report);
      return timeLeft(app.run, stage);
    },
  };
}

const progress = (stage: StageName, done: number, total: number, unit: Progress["unit"] = "texts"): RunReport => ({
  kind: "progress",
  stage,
  progress: { done, total, unit },
});
const step = (number: number, steps: number, seconds: number): RunReport => ({
  kind: "step",
  step: { ...stepReport(number, steps), seconds },
});
const refreshed = (version: number, seconds: number): RunReport => ({
  kind: "refreshed",
  refreshed: { source: "ance", version, documents: 500, seconds },
});
const about = (seconds: number): TimeLeft => ({ seconds, atLeast: false });
const atLeast = (seconds: number): TimeLeft => ({ seconds, atLeast: true });

describe("time left of a stage", () => {
  it("comes from the pace of what is counted now, not of what was counted before", async () => {
    const { at } = await clocked();
    expect(await at(100, { kind: "started", stage: "before" })).toBeUndefined();
    // The 10 s before the first report are no measure; then 100 texts take 10 s.
    expect(await at(110, progress("before", 50, 550))).toBeUndefined();
    expect(await at(120, progress("before", 150, 550))).toEqual(about(40));
    expect(await at(160, progress("before", 550, 550))).toEqual(about(0));
    // 20 texts of 40 in 4 s, all of them, and 40 more: 10 of them in 3 s.
    expect(await at(161, progress("before", 10, 40))).toBeUndefined();
    expect(await at(163, progress("before", 20, 40))).toEqual(about(4));
    expect(await at(167, progress("before", 40, 40))).toEqual(about(0));
    expect(await at(168, progress("before", 10, 40))).toBeUndefined();
    expect(await at(171, progress("before", 20, 40))).toEqual(about(6));
    // More of the same unit at once than there were before: 20 of them in 2 s.
    expect(await at(172, progress("before", 40, 80))).toBeUndefined();
    expect(await at(174, progress("before", 60, 80))).toEqual(about(2));
    expect(await at(175, progress("before", 60, 90, "queries"))).toBeUndefined();
    expect(await at(176, progress("before", 70, 90, "queries"))).toEqual(about(2));
    expect(await at(177, { kind: "finished", stage: "before", seconds: 77 })).toBeUndefined();
  });

  it("does not count a pause", async () => {
    const { at, app } = await clocked();
    await at(0, { kind: "started", stage: "before" });
    await at(5, progress("before", 100, 500));
    await at(10, progress("before", 200, 500));
    app.run.session.reportedAt = 1000 * 1000;
    expect(await at(1005, progress("before", 300, 500))).toEqual(about(10));
  });
});

describe("time left of the training", () => {
  it("is that of its steps, by the last twenty of them", async () => {
    const { at } = await clocked();
    await at(0, { kind: "started", stage: "train" });
    expect(await at(9, step(1, 40, 9))).toEqual(about(39 * 9));
    for (let number = 2; number <= 20; number++) await at(number, step(number, 40, 2));
    expect(await at(21, step(21, 40, 2))).toEqual(about(19 * 2));
  });

  it("adds ANCE's encoding to the steps, and the indexes to come once one was timed", async () => {
    const { at } = await clocked({ anceCount: "1", anceEvery: "2" });
    await at(0, { kind: "started", stage: "train" });
    // The index of step 0: only queries are encoded for it. How many steps will follow, nobody has said yet.
    expect(await at(4, progress("train", 1, 4))).toBeUndefined();
    expect(await at(9, progress("train", 2, 4))).toEqual(atLeast(10));
    await at(20, refreshed(0, 20));
    await at(23, step(1, 6, 3));
    // 4 steps of 3 s; what the indexes after steps 2 and 4 take is not known.
    expect(await at(26, step(2, 6, 3))).toEqual(atLeast(12));
    expect(await at(30, progress("train", 100, 500))).toEqual(atLeast(12));
    // 100 documents in 10 s: 30 s for 300, and the steps; the index after step 4 is not known.
    expect(await at(40, progress("train", 200, 500))).toEqual(atLeast(42));
    expect(await at(70, progress("train", 500, 500))).toEqual(atLeast(12));
    await at(71, progress("train", 2, 4));
    expect(await at(72, progress("train", 3, 4))).toEqual(atLeast(13));
    expect(await at(80, progress("train", 4, 4, "queries"))).toEqual(atLeast(12));
    // Now it is: 12 s of steps and 55 s for the index after step 4.
    expect(await at(81, refreshed(2, 55))).toEqual(about(67));
    expect(await at(84, step(3, 6, 3))).toEqual(about(64));
    expect(await at(87, step(4, 6, 3))).toEqual(about(61));
    // The last index is being made: 2 steps, and 20 s for the documents.
    await at(90, progress("train", 100, 500));
    expect(await at(110, progress("train", 300, 500))).toEqual(about(26));
    await at(140, refreshed(4, 53));
    expect(await at(143, step(5, 6, 3))).toEqual(about(3));
  });

  it("adds the looks at dev to come, once one that encoded the documents was timed", async () => {
    const { at } = await clocked({ best: true, bestEvery: "2" });
    const look = (after: number, seconds: number): RunReport => ({
      kind: "dev",
      dev: { step: after, score: 0.5, seconds },
    });
    await at(0, { kind: "started", stage: "train" });
    await at(1, look(0, 1));
    // 4 steps of 3 s; looks after steps 2, 4 and 5.
    expect(await at(4, step(1, 5, 3))).toEqual(atLeast(12));
    expect(await at(7, step(2, 5, 3))).toEqual(atLeast(9));
    await at(9, progress("train", 100, 300));
    // 100 documents in 5 s: 5 s for the rest of them, and the steps.
    expect(await at(14, progress("train", 200, 300))).toEqual(atLeast(14));
    await at(26, progress("train", 300, 300));
    // Two more looks of 20 s.
    expect(await at(27, look(2, 20))).toEqual(about(9 + 40));
    expect(await at(30, step(3, 5, 3))).toEqual(about(6 + 40));
    expect(await at(33, step(4, 5, 3))).toEqual(about(3 + 40));
    await at(38, progress("train", 100, 300));
    // 5 s for the rest of the documents; one more look of 20 s after that.
    expect(await at(43, progress("train", 200, 300))).toEqual(about(3 + 5 + 20));
    await at(48, progress("train", 300, 300));
    expect(await at(53, look(4, 20))).toEqual(about(3 + 20));
    expect(await at(56, step(5, 5, 3))).toEqual(about(20));
    expect(await at(76, look(5, 20))).toEqual(about(0));
  });

  it("takes the first look for a measure where documents do not train", async () => {
    const { at } = await clocked({ best: true, bestEvery: "2", side: "queries" });
    await at(0, { kind: "started", stage: "train" });
    await at(1, { kind: "dev", dev: { step: 0, score: 0.5, seconds: 1 } });
    expect(await at(4, step(1, 4, 3))).toEqual(about(9 + 2));
  });

  it("says which it is", () => {
    expect([about(0.4), about(12), atLeast(200), atLeast(0)].map(timeLeftWords)).toEqual([
      "almost done",
      "about 12 s left",
      "at least 3 min left",
      "at least 1 s left",
    ]);
  });
});
