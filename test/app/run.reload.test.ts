import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import type { AppStore } from "../../src/app/dependencies.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { offerUnfinished, resumeRun, saveBeforeLeaving, startRun, stopRun, takeUp } from "../../src/app/run.ts";
import type { RunReport } from "../../src/domain/run.ts";
import { fakeApp, recordOf, scripted, until } from "./fakes.ts";
import { reports, set } from "./scriptedRun.ts";

const phase = (app: App) => app.run.phase.value;
const stepsDone = (app: App): number => app.run.steps.value.length;
const now = (): Date => new Date(0);

describe("a run after a reload", () => {
  const busy: RunReport = { kind: "progress", stage: "train", progress: { done: 2, total: 3, unit: "steps" } };
  const unfinished = [...reports.slice(0, -3), ...Array.from({ length: 50 }, () => busy)];

  /** A store as a closed page leaves it: after step 2, with the checkpoint of step 1. */
  async function leftStore(): Promise<AppStore> {
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline: scripted(unfinished).pipeline, store });
    const ended = startRun(app);
    await until(() => stepsDone(app) === 2);
    await saveBeforeLeaving(app);
    const [left] = await store.listRuns();
    await stopRun(app);
    await ended;
    if (left) await store.putRun(left);
    return store;
  }

  it("is offered from its last checkpoint and handed what it had made", async () => {
    const store = await leftStore();
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline, store });
    app.runs.value = await store.listRuns();
    expect(app.runs.value[0]?.steps).toHaveLength(2);
    await offerUnfinished(app);
    expect(phase(app)).toBe("paused");
    expect(app.run.steps.value.map(({ step }) => step)).toEqual([1]);
    expect(log.inputs).toHaveLength(0);
    await resumeRun(app);
    expect(log.inputs[0]).toMatchObject({ checkpoint: { step: 1 }, products: { trainingSet: set } });
    expect(recordOf(app).status).toBe("finished");
    expect(stepsDone(app)).toBe(3);
  });

  it("can be stopped without going on", async () => {
    const store = await leftStore();
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline, store });
    app.runs.value = await store.listRuns();
    await offerUnfinished(app);
    await stopRun(app);
    expect(log.inputs).toHaveLength(0);
    expect((await store.listRuns())[0]?.status).toBe("stopped");
    const [stopped] = app.runs.value;
    if (stopped) await takeUp(app, stopped);
    expect(phase(app)).toBe("paused");
  });

  it("is left alone by a second tab", async () => {
    const store = await leftStore();
    const app = await fakeApp({ store, writer: false });
    app.runs.value = await store.listRuns();
    await offerUnfinished(app);
    expect(phase(app)).toBe("idle");
  });
});
